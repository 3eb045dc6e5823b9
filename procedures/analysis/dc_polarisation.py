"""Electronic conductivity and transference number from the current under a constant potential.

With electrodes that block ions (Hebb, J. Chem. Phys. 20, 185 (1952)) the current falls to what electrons carry:
sigma_e = I_steady thickness / (V area), at several potentials the slope of I_steady against V. The steady current comes
from fits of I + sum A exp(-t / tau) with one and with two time constants, averaged with the weight of their likelihood
(BIC), so that a tail that is still falling shows in the uncertainty. Refused when what is still to fall at the end
is more than a stated share of the steady current, when that is not distinct from zero, or when a current that falls to
the end is already below it there: it falls in another way than exponentials (into a porous electrode as t^-1/2).
With electrodes that pass lithium the share of the cations' current is Evans, Vincent & Bruce, Polymer 28, 2324 (1987).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from daq.contracts import Result
from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.current_segments import checked_record
from procedures.analysis.cycling_results import estimate_result
from procedures.analysis.decay import averaged_decay, thinned
from procedures.analysis.estimate import NORMAL_95, Estimate, short_number
from procedures.analysis.geometry import Geometry

STEADY_SHARE = 0.10
STEADY_WITHIN = 0.01  # a current that drifts by less may fall below what it was
FEWEST_ROWS = 30


@dataclass(frozen=True)
class SteadyCurrent:
    """One potential held: its mean (V), the steady current (A), the share of it that was still to fall at the end."""

    voltage_V: float
    current_A: Estimate
    to_fall: float


def steady_current(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    steady_share: float = STEADY_SHARE,
    overload: ArrayLike | None = None,
) -> SteadyCurrent:
    """Rows (n,) of one potential held; `voltage_V` a column or one number.

    Rows in `overload` (n,) are not used; a current that ends in it, or is left with fewer than 30 rows, is refused.
    A current that is not steady is refused with the reason in the estimate. Raises AnalysisRefused for fewer than
    30 rows or no potential, BadInput for columns that do not fit together or a share that is not between 0 and 1.
    """
    if not 0 < steady_share < 1:
        raise BadInput(f"{steady_share!r} is no share", place="steady_share", allowed="a number between 0 and 1")
    time = np.asarray(time_s, np.float64)
    held_V = np.broadcast_to(np.asarray(voltage_V, np.float64), time.shape)
    good = _good_rows(overload, time)
    if not good.all() and (good.sum() < FEWEST_ROWS or not good[np.argmax(time)]):
        return SteadyCurrent(float(np.mean(held_V)), Estimate.refused(_overloaded(good)), np.inf)
    current = np.asarray(current_A, np.float64)
    record = checked_record(time[good], current if good.all() else current[good], held_V[good])
    if len(record) < FEWEST_ROWS:
        raise AnalysisRefused(f"{len(record)} rows: a steady current needs {FEWEST_ROWS}")
    volt = float(np.mean(record.voltage_V))
    method = (
        "steady current of I + sum A exp(-t / tau), averaged over one and two time constants by BIC; "
        f"at most {100 * steady_share:g} % still to fall"
    )
    fit = averaged_decay(*thinned(record.time_s - record.time_s[0], record.current_A))
    value, spread = fit.current_A, fit.error_A
    share = fit.to_fall_A / abs(value) if value else np.inf
    below = _fallen_below(record.time_s, record.current_A, value)
    if below is not None:
        reason = f"not steady: the current still falls, and is already below the {short_number(abs(value))}A that "
        reason += f"exponentials would lead to: the steady current is under {short_number(below)}A; hold it longer"
        estimate = Estimate(None, method=method, reason=reason, refused_value=value)
    elif share > steady_share and fit.to_fall_A > 3 * fit.noise_A:
        reason = f"not steady: {100 * share:.0f} % of the steady current is still to fall at the end; hold it longer"
        estimate = Estimate(None, method=method, reason=reason, refused_value=value)
    elif abs(value) > float(np.max(np.abs(record.current_A))):
        reason = "not steady: the current grew until the end, as in a cell that shorts"
        estimate = Estimate(None, method=method, reason=reason, refused_value=value)
    elif abs(value) < 3 * spread:
        most = short_number(abs(value) + NORMAL_95 * spread)
        reason = f"the steady current is not distinct from zero: under {most}A"
        estimate = Estimate(None, method=method, reason=reason, refused_value=value)
    else:
        estimate = Estimate(value, spread, (value - NORMAL_95 * spread, value + NORMAL_95 * spread), method)
    return SteadyCurrent(volt, estimate, float(share))


def _fallen_below(time_s: np.ndarray, current_A: np.ndarray, steady_A: float) -> float | None:
    """The mean magnitude (A) of the last tenth of a current that falls, where it is below `steady_A` beyond its noise.

    None where it is not, or where the current grows: that one may come to more than it was.
    """
    tenth = len(current_A) // 10
    before, last = current_A[-2 * tenth : -tenth], current_A[-tenth:]
    mean = float(np.mean(last))
    sign = 1.0 if mean >= 0 else -1.0
    # Scatter about a line, so that the fall itself is none, by which neighbours vary together counted as well.
    off = last - np.polyval(np.polyfit(time_s[-tenth:] - time_s[-1], last, 1), time_s[-tenth:] - time_s[-1])
    power = float(off @ off)
    r = float(np.clip(off[1:] @ off[:-1] / power, 0.0, 0.95)) if power > 0 else 0.0
    noise = float(np.sqrt(power * (1 + r) / (1 - r))) / max(tenth - 2, 1)
    is_below = sign * steady_A - abs(mean) > max(3 * noise, STEADY_WITHIN * abs(mean))
    return abs(mean) if is_below and abs(mean) < sign * float(np.mean(before)) else None


def electronic_conductivity(steps: Sequence[SteadyCurrent], geometry: Geometry) -> Estimate:
    """S/cm, from one potential or several (slope of the steady current through them, weighted, with intercept).

    Refused when a step is. Raises AnalysisRefused without a step or at no potential.
    """
    if not steps:
        raise AnalysisRefused("no potential was held")
    for step in steps:
        if step.current_A.value is None:
            return Estimate.refused(f"at {step.voltage_V:.4g} V: {step.current_A.reason}", step.current_A.method)
    volt = np.array([step.voltage_V for step in steps])
    current = np.array([step.current_A.value for step in steps], np.float64)
    error = np.array([step.current_A.uncertainty for step in steps], np.float64)
    if len(steps) == 1 or np.ptp(volt) < 1e-6:
        if abs(volt[0]) < 1e-6:
            raise AnalysisRefused("no potential was applied: a conductivity needs one")
        value, spread, way = float(np.mean(current / volt)), float(np.mean(error / np.abs(volt))), "I / V"
    else:
        weight = 1 / np.maximum(error, 1e-300) ** 2
        centre = float(np.sum(weight * volt) / np.sum(weight))
        sxx = float(np.sum(weight * (volt - centre) ** 2))
        value = float(np.sum(weight * (volt - centre) * current) / sxx)
        off = current - np.sum(weight * current) / np.sum(weight) - value * (volt - centre)
        scatter = float(np.sum(weight * off**2)) / (len(steps) - 2) if len(steps) > 2 else 1.0
        spread, way = float(np.sqrt(max(scatter, 1.0) / sxx)), f"slope of I against V at {len(steps)} potentials"
    method = f"{way}, times thickness over area; {steps[0].current_A.method}"
    if value <= 0:
        return Estimate(None, method=method, reason="the steady current runs against the potential: check the zero",
                        refused_value=value * geometry.cell_constant_per_cm)  # fmt: skip
    if geometry.relative_uncertainty > 0:
        method += f"; geometry apart: {100 * geometry.relative_uncertainty:.1f} %"
    constant = geometry.cell_constant_per_cm
    return Estimate.positive(value * constant, {"fit": spread * constant}, method)


def ionic_transference_number(electronic_S_cm: Estimate, total_S_cm: Estimate) -> Estimate:
    """1 - sigma_e / sigma_total, both of the same sample at the same temperature; refused when either is."""
    method = "1 - electronic over total conductivity"
    for name, one in (("electronic", electronic_S_cm), ("total", total_S_cm)):
        if one.value is None:
            return Estimate.refused(f"no {name} conductivity: {one.reason}", method)
    electronic, total = electronic_S_cm.value or 0.0, total_S_cm.value or 0.0
    if total <= 0 or electronic > total:
        text = f"the electronic conductivity ({electronic:.3g} S/cm) is above the total one ({total:.3g} S/cm)"
        return Estimate.refused(text, method)
    share = electronic / total
    spread = share * float(np.hypot(electronic_S_cm.relative, total_S_cm.relative if total_S_cm.uncertainty else 0.0))
    low, high = 1 - share - NORMAL_95 * spread, min(1 - share + NORMAL_95 * spread, 1.0)
    return Estimate(1 - share, spread, (low, high), method)


def _good_rows(overload: ArrayLike | None, time_s: np.ndarray) -> np.ndarray:
    return np.ones(time_s.shape, dtype=bool) if overload is None else np.asarray(overload) == 0


def _overloaded(good: np.ndarray) -> str:
    return f"overloaded in {np.sum(~good)} of {len(good)} rows: the current was larger than what was read"


def first_current(time_s: ArrayLike, current_A: ArrayLike, overload: ArrayLike | None = None) -> Estimate:
    """The current of the first row (A) of a potential held; its error the noise between the first rows' neighbours.

    It is the initial current where the first row comes well before the cell polarises: `interval_s` is to be short.
    Refused where `overload` (n,) marks that row, or leaves fewer than 30. Raises AnalysisRefused for fewer without it.
    """
    time = np.asarray(time_s, np.float64)
    good = _good_rows(overload, time)
    if not good.all() and (good.sum() < FEWEST_ROWS or not good[np.argmin(time)]):
        return Estimate.refused(_overloaded(good))
    order = np.argsort(time, kind="stable")
    current = np.asarray(current_A, np.float64)[order][good[order]]
    current = current[np.isfinite(current)]
    if len(current) < FEWEST_ROWS:
        raise AnalysisRefused(f"{len(current)} rows: a first and a steady current need {FEWEST_ROWS}")
    value, bend = float(current[0]), np.diff(current, 2) / np.sqrt(6)  # a second difference has no trend left
    spread = 1.4826 * float(np.median(np.abs(bend)))
    span = (value - NORMAL_95 * spread, value + NORMAL_95 * spread)
    return Estimate(value, spread, span, "current of the first row")


def lithium_transference_number(
    voltage_V: float, first_current_A: Estimate, steady_current_A: Estimate, first_ohm: float, steady_ohm: float
) -> Estimate:
    """I_s (V - I_0 R_0) / (I_0 (V - I_s R_s)) with the interfacial resistances before and after polarising.

    Raises BadInput where a resistance alone would already take the whole potential.
    """
    method = "steady over first current, corrected for the interfacial resistances (Evans, Vincent & Bruce 1987)"
    for one in (first_current_A, steady_current_A):
        if one.value is None:
            return Estimate.refused(one.reason or "no current", method)
    first, steady = first_current_A.value or 0.0, steady_current_A.value or 0.0
    before, after = voltage_V - first * first_ohm, voltage_V - steady * steady_ohm
    if first == 0 or before * voltage_V <= 0 or after * voltage_V <= 0:
        raise BadInput("the interfaces would take the whole potential", place="first_ohm, steady_ohm",
                       allowed="interfacial resistances under V / I")  # fmt: skip
    value = steady * before / (first * after)
    by_steady = (steady_current_A.uncertainty or 0.0) * value * abs(voltage_V / (steady * after)) if steady else 0.0
    by_first = (first_current_A.uncertainty or 0.0) * value * abs(voltage_V / (first * before))
    spread = float(np.hypot(by_steady, by_first))
    return Estimate(value, spread, (value - NORMAL_95 * spread, value + NORMAL_95 * spread), method)


def lithium_polarisation_results(
    steps: Sequence[SteadyCurrent],
    first_A: Sequence[Estimate],
    interfaces_ohm: Mapping[int, Estimate],
    at: Mapping[str, Any] | None = None,
) -> list[Result]:
    """`steady_current` (A), `interfacial_resistance` (ohm) after it and `transference_number` per potential.

    `interfaces_ohm[k]` was measured after k potentials, 0 before the first. A step is not refused for a tail that is
    small beside the steady current; where a spectrum is missing, or no resistance, the number is refused.
    """
    base = dict(at or {})
    missing = Estimate.refused("no spectrum was taken before or after it")
    results = []
    for number, (step, first) in enumerate(zip(steps, first_A, strict=True), 1):
        where = base | {"voltage_V": round(step.voltage_V, 4), "stage": number}
        before, after = interfaces_ohm.get(number - 1, missing), interfaces_ohm.get(number, missing)
        results.append(estimate_result("steady_current", step.current_A, "A", where))
        results.append(estimate_result("interfacial_resistance", after, "ohm", where))
        results.append(estimate_result("transference_number", _share(step, first, before, after), "", where))
    return results


def _share(step: SteadyCurrent, first: Estimate, before: Estimate, after: Estimate) -> Estimate:
    for one in (before, after):
        if one.value is None:
            return Estimate.refused(f"the interfaces' resistance is not known: {one.reason}")
    try:
        found = lithium_transference_number(
            step.voltage_V, first, step.current_A, before.value or 0.0, after.value or 0.0
        )
    except BadInput as error:
        return Estimate.refused(str(error))
    if found.value is None or found.uncertainty is None:
        return found
    # d ln t / dR of the two interfaces: I_0 / (V - I_0 R_0) and I_s / (V - I_s R_s)
    volt, start, steady = step.voltage_V, first.value or 0.0, step.current_A.value or 0.0
    by_before = start * (before.uncertainty or 0.0) / (volt - start * (before.value or 0.0))
    by_after = steady * (after.uncertainty or 0.0) / (volt - steady * (after.value or 0.0))
    spread = float(np.hypot(found.uncertainty, found.value * np.hypot(by_before, by_after)))
    span = (found.value - NORMAL_95 * spread, found.value + NORMAL_95 * spread)
    return Estimate(found.value, spread, span, found.method)


def dc_polarisation_results(
    steps: Sequence[SteadyCurrent],
    geometry: Geometry,
    total_conductivity_S_cm: Estimate | None = None,
    at: Mapping[str, Any] | None = None,
) -> list[Result]:
    """`steady_current` (A) per potential, `electronic_conductivity` (S/cm), `transference_number` (refused without the
    total conductivity of a spectrum)."""
    base = dict(at or {})
    electronic = electronic_conductivity(steps, geometry)
    total = total_conductivity_S_cm or Estimate.refused("no spectrum was taken of this sample at this temperature")
    results = [
        estimate_result("steady_current", step.current_A, "A", base | {"voltage_V": round(step.voltage_V, 4)})
        for step in steps
    ]
    results.append(estimate_result("electronic_conductivity", electronic, "S/cm", base))
    results.append(estimate_result("transference_number", ionic_transference_number(electronic, total), "", base))
    return results
