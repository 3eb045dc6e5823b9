"""One fit through all temperatures of a sweep, to tell bulk from grain boundary, and both together where an arc has
left the window.

At one temperature the bulk is a mere intercept. Over temperature its resistance changes and the rest does not:
    Z = j w L + R_b + R_gb / (1 + (j w R_gb C_gb)^n) + X (j w / w_ref)^-m
with L, a small capacitance C, C_gb and n shared by all spectra and R_b, R_gb, X, m of each. C lies across the bulk
(the pellet's own) or across the whole cell (holder and leads); nobody knows which share. Both are fitted: the mean
is taken and half the difference is part of the uncertainty. The joint fit is used only where it leaves hardly more
than the single fits do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from procedures.analysis.circuit import EXPONENT_MAX, EXPONENT_MIN, Complexes, Floats
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumFit

SHARED = ("inductance_H", "parallel_capacitance_F", "boundary_capacitance_F", "boundary_exponent")
EACH = ("bulk_ohm", "boundary_ohm", "line_ohm", "line_exponent")
FEWEST = 3
_MOST_STEPS = 60
_WORSE_THAN_SINGLE = 1.15


@dataclass(frozen=True, eq=False)
class JointFit:
    """`shared` by name; resistances and their standard errors (t,), in the order given.

    `fit` errors come from the noise, `place` errors from not knowing where the small capacitance lies."""

    shared: dict[str, float]
    bulk_ohm: Floats
    boundary_ohm: Floats
    bulk_fit_ohm: Floats
    boundary_fit_ohm: Floats
    bulk_place_ohm: Floats
    boundary_place_ohm: Floats
    total_ohm: Floats
    total_fit_ohm: Floats
    total_place_ohm: Floats
    residual: float


@dataclass(frozen=True, eq=False)
class _Form:
    """One of the two circuits, fitted: parameters, relative errors, standard errors of bulk + boundary, cost."""

    parameters: Floats
    errors: Floats
    total_errors_ohm: Floats
    cost: float


def fit_jointly(fits: Sequence[SpectrumFit], options: FitOptions) -> tuple[JointFit | None, str]:
    """Fit all spectra (each on its own window) together; the second value says why not, or how well."""
    start = _start(fits)
    if isinstance(start, str):
        return None, start
    spectra = [(2 * np.pi * one.frequency_Hz, one.z_ohm) for one in fits]
    rows = 2 * sum(len(omega) for omega, _ in spectra)
    forms = [_fit_form(spectra, start, across_cell, rows, options) for across_cell in (True, False)]
    alone = math.sqrt(sum(float(np.sum(np.abs(one.residuals) ** 2)) for one in fits) / rows)
    allowed = _WORSE_THAN_SINGLE * max(alone, options.noise_floor)
    good = [form for form in forms if math.sqrt(form.cost / rows) <= allowed]
    best = min(forms, key=lambda form: form.cost)
    residual = math.sqrt(best.cost / rows)
    if not good:
        return None, (
            f"the joint fit leaves {100 * residual:.2g} % where the single fits leave {100 * alone:.2g} %: "
            "capacitances or exponents change with temperature"
        )
    own = np.array([form.parameters[4:].reshape(-1, 4) for form in good])
    errors = np.array([form.errors[4:].reshape(-1, 4) for form in good])
    mean, fit_error = own.mean(axis=0), (own * errors).max(axis=0)
    place = 0.5 * np.ptp(own, axis=0) if len(good) == 2 else 0.1 * mean
    totals = own[:, :, :2].sum(axis=2)
    found = JointFit(
        shared=dict(zip(SHARED, (float(v) for v in best.parameters[:4]), strict=True)),
        bulk_ohm=mean[:, 0],
        boundary_ohm=mean[:, 1],
        bulk_fit_ohm=fit_error[:, 0],
        boundary_fit_ohm=fit_error[:, 1],
        bulk_place_ohm=place[:, 0],
        boundary_place_ohm=np.minimum(place[:, 1], place[:, 0]) if len(good) == 1 else place[:, 1],
        total_ohm=totals.mean(axis=0),
        total_fit_ohm=np.array([form.total_errors_ohm for form in good]).max(axis=0),
        total_place_ohm=0.5 * np.ptp(totals, axis=0),
        residual=residual,
    )
    return found, f"joint fit over {len(fits)} temperatures"


def _fit_form(
    spectra: list[tuple[Floats, Complexes]], start: Floats, across_cell: bool, rows: int, options: FitOptions
) -> _Form:
    x, cost = _descend(spectra, _inner(start), across_cell)
    parameters = _outer(x)
    slopes, _ = _slopes(spectra, parameters, across_cell)
    variance = cost / max(rows - len(parameters), 1) + options.noise_floor**2
    scale = np.maximum(np.linalg.norm(slopes, axis=0), 1e-12)
    gram = (slopes / scale).T @ (slopes / scale)
    inverse = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)
    covariance = inverse * variance / np.outer(scale, scale)
    sums = np.zeros((len(spectra), len(parameters)))
    for k in range(len(spectra)):
        sums[k, 4 + 4 * k : 6 + 4 * k] = parameters[4 + 4 * k : 6 + 4 * k]
    total_errors = np.sqrt(np.maximum(np.einsum("ti,ij,tj->t", sums, covariance, sums), 0.0))
    return _Form(parameters, np.sqrt(np.maximum(np.diag(covariance), 0.0)), total_errors, cost)


def _start(fits: Sequence[SpectrumFit]) -> Floats | str:
    """Start from the single fits, or the reason why there is nothing to share."""
    if len(fits) < FEWEST:
        return f"a joint fit needs at least {FEWEST} spectra"
    arcs = [
        arc
        for one in fits
        for arc in one.arcs
        if arc.name == "grain boundary" and arc.apex_Hz < one.frequency_Hz[0] and arc.relative_uncertainty < 0.2
    ]
    if len(arcs) < 2:
        return "a joint fit needs a grain-boundary arc in the window at two temperatures"
    if any("blocking_modulus_ohm" not in one.parameters for one in fits):
        return "a joint fit needs a blocking line in every spectrum"
    shared = [1e-6, 1e-11, float(np.median([a.capacitance_F for a in arcs])), np.median([a.exponent for a in arcs])]
    told = [one.bulk_resistance.value / t for one in fits if one.bulk_resistance.value and (t := _total(one)) > 0]
    share = min(max(float(np.median(told)) if told else 0.03, 0.003), 0.9)
    each = []
    for one in fits:
        each += [
            share * _total(one),
            (1 - share) * _total(one),
            one.parameters["blocking_modulus_ohm"],
            one.parameters["blocking_exponent"],
        ]
    return np.array([*shared, *each], dtype=float)


def _total(one: SpectrumFit) -> float:
    """The single fit's; also one that it did not dare to tell."""
    return one.total_resistance.value or one.total_resistance.refused_value or 0.0


def _is_exponent(count: int) -> np.ndarray:
    flags = np.zeros(count, dtype=bool)
    flags[3] = True
    flags[7::4] = True
    return flags


def _inner(p: Floats) -> Floats:
    share = np.clip((p - EXPONENT_MIN) / (EXPONENT_MAX - EXPONENT_MIN), 1e-3, 1 - 1e-3)
    return np.where(_is_exponent(len(p)), np.log(share / (1 - share)), np.log(np.maximum(p, 1e-300)))


def _outer(x: Floats) -> Floats:
    n = EXPONENT_MIN + (EXPONENT_MAX - EXPONENT_MIN) / (1 + np.exp(-np.clip(x, -9, 9)))
    return np.where(_is_exponent(len(x)), n, np.exp(np.clip(x, -80, 80)))


def _descend(spectra: list[tuple[Floats, Complexes]], x: Floats, across_cell: bool) -> tuple[Floats, float]:
    """Levenberg-Marquardt as in `least_squares`, over all spectra."""
    flags = _is_exponent(len(x))
    slopes, residual = _slopes(spectra, _outer(x), across_cell)
    cost = float(residual @ residual)
    damping = 1e-3
    for _ in range(_MOST_STEPS):
        p = _outer(x)
        inner = slopes * np.where(flags, (p - EXPONENT_MIN) * (EXPONENT_MAX - p) / (EXPONENT_MAX - EXPONENT_MIN), 1.0)
        gram = inner.T @ inner
        gradient = inner.T @ residual
        gram[np.diag_indices_from(gram)] += damping * np.maximum(np.diag(gram), 1e-10 * np.trace(gram))
        step = np.clip(np.linalg.solve(gram, gradient), -1.5, 1.5)
        slopes_new, residual_new = _slopes(spectra, _outer(x + step), across_cell)
        cost_new = float(residual_new @ residual_new)
        if np.isfinite(cost_new) and cost_new < cost:
            gained = cost - cost_new
            x, slopes, residual, cost = x + step, slopes_new, residual_new, cost_new
            damping *= 0.2
            if gained < 1e-6 * cost and damping < 1:
                break
        else:
            damping *= 5
            if damping > 1e10:
                break
    return x, cost


def _slopes(spectra: list[tuple[Floats, Complexes]], p: Floats, across_cell: bool) -> tuple[Floats, Floats]:
    """Weighted derivatives (rows, parameters) by ln(quantity) or exponent, residuals (rows,)."""
    blocks, residuals = [], []
    for k, (omega, z_ohm) in enumerate(spectra):
        own = slice(4 + 4 * k, 8 + 4 * k)
        z, shared, each = _one(omega, p[:4], p[own], across_cell)
        weight = 1 / np.abs(z_ohm)
        block = np.zeros((len(omega), len(p)), dtype=complex)
        block[:, :4] = shared * weight[:, None]
        block[:, own] = each * weight[:, None]
        difference = (z_ohm - z) * weight
        blocks.append(np.concatenate([np.real(block), np.imag(block)]))
        residuals.append(np.concatenate([difference.real, difference.imag]))
    return np.concatenate(blocks), np.concatenate(residuals)


def _one(omega: Floats, shared: Floats, own: Floats, across_cell: bool) -> tuple[Complexes, Complexes, Complexes]:
    """Impedance of one spectrum (n,), its derivatives by the shared (n, 4) and by its own parameters (n, 4)."""
    inductance, capacitance, boundary_F, n = shared
    bulk_ohm, boundary, line_ohm, m = own
    jw = 1j * omega
    log_jwt = np.log(omega * boundary * boundary_F) + 0.5j * np.pi
    power = np.exp(n * log_jwt)
    arc = boundary / (1 + power)
    falling = -arc * power / (1 + power)
    log_ratio = np.log(omega / omega.min()) + 0.5j * np.pi
    line = line_ohm * np.exp(-m * log_ratio)
    across_bulk = 0.0 if across_cell else capacitance
    bulk = bulk_ohm / (1 + jw * bulk_ohm * across_bulk)
    within = bulk + arc + line
    cell = 1 / (1 / within + jw * capacitance) if across_cell else within
    pull = (cell / within) ** 2
    by_capacitance = -jw * capacitance * (cell**2 if across_cell else bulk**2)
    by_shared = np.stack([jw * inductance, by_capacitance, pull * n * falling, pull * falling * log_jwt], axis=1)
    own_slopes = [bulk**2 / bulk_ohm, arc + n * falling, line, -line * log_ratio]
    by_own = np.stack([pull * slope for slope in own_slopes], axis=1)
    return jw * inductance + cell, by_shared, by_own
