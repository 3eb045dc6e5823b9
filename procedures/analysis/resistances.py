"""Total, bulk and grain-boundary resistance from fitted circuits.

An arc is named by its effective capacitance tau / R (Irvine, Sinclair, West, Adv. Mater. 2 (1990) 132). The total
is the series resistance and every arc of the electrolyte; arcs of electrodes are left out and told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from procedures.analysis.circuit import Floats
from procedures.analysis.estimate import Estimate, short_number
from procedures.analysis.model_choice import Candidate, near_ones
from procedures.analysis.options import FitOptions

ArcName = Literal["bulk", "grain boundary", "electrode"]
_LEAST_SHARE = 1e-6
_APEX_INSIDE = 2.5


@dataclass(frozen=True)
class Arc:
    """A fitted arc. `capacitance_F` is the effective one, tau / R; relative standard error of R beside it."""

    resistance_ohm: float
    capacitance_F: float
    exponent: float
    time_constant_s: float
    name: ArcName
    relative_uncertainty: float = math.nan

    @property
    def apex_Hz(self) -> float:
        return 1 / (2 * math.pi * self.time_constant_s)

    def __str__(self) -> str:
        return (
            f"{self.name} arc of {short_number(self.resistance_ohm)}Ω, {short_number(self.capacitance_F)}F, "
            f"apex at {short_number(self.apex_Hz)}Hz"
        )


def arcs_of(candidate: Candidate, options: FitOptions) -> tuple[Arc, ...]:
    """The arcs of a circuit, fastest first."""
    found = []
    for k in range(1, candidate.circuit.arcs + 1):
        place = candidate.circuit.place(f"arc{k}_resistance_ohm")
        resistance, tau, n = (float(value) for value in candidate.solution.parameters[place : place + 3])
        error = math.sqrt(max(float(candidate.covariance[place, place]), 0.0))
        capacitance = tau / resistance
        found.append(Arc(resistance, capacitance, n, tau, name_of(capacitance, options), error))
    return tuple(sorted(found, key=lambda arc: arc.time_constant_s))


def name_of(capacitance_F: float, options: FitOptions) -> ArcName:
    if capacitance_F > options.arc_capacitance_max_F:
        return "electrode"
    return "bulk" if capacitance_F <= options.bulk_capacitance_max_F else "grain boundary"


def total_resistance(candidates: list[Candidate], options: FitOptions) -> Estimate:
    """R_total with the parts of its uncertainty: fit, model (what the choice of a circuit leaves open), lead, range."""
    best = candidates[0]
    value, fit_error = _sum(best, options)
    method = f"complex least squares, circuit {best.circuit.label}"
    if value <= 0:
        return Estimate.refused("no resistance of the electrolyte is left: every arc is an electrode's", method)
    spread = 0.0
    share = 0.0
    for one in near_ones(candidates):
        other, error = _sum(one, options)
        if other > 0 and one.weight > _LEAST_SHARE:
            spread += one.weight * ((other - value) ** 2 + max(error**2 - fit_error**2, 0.0))
            share += one.weight
    parts = {
        "fit": fit_error,
        "model": math.sqrt(spread / share) if share else 0.0,
        "lead": options.lead_resistance_uncertainty_ohm,
        "range": options.gain_uncertainty * value,
    }
    return checked_total(value - options.lead_resistance_ohm, parts, method, options)


def checked_total(value: float, parts: dict[str, float], method: str, options: FitOptions) -> Estimate:
    """The total, or its refusal when the parts of its uncertainty leave too little of it."""
    error = math.sqrt(sum(part * part for part in parts.values()))
    if value <= 0 or error > options.total_uncertainty_max * value:
        largest = max(parts, key=lambda name: parts[name])
        cause = {
            "fit": "the spectrum does not hold it",
            "model": "circuits that fit alike differ that much",
            "lead": "it is not above what the leads leave; compensate for them",
            "range": "the instrument's own error",
        }[largest]
        reason = (
            f"the total resistance would be {short_number(value)}Ω with a standard error of "
            f"{short_number(error)}Ω: {cause}"
        )
        return Estimate(None, method=method, reason=reason, components=tuple(parts.items()), refused_value=value)
    return Estimate.positive(value, parts, method)


def _sum(candidate: Candidate, options: FitOptions) -> tuple[float, float]:
    """Series resistance plus the arcs of the electrolyte, and the standard error of the fit."""
    parameters = candidate.solution.parameters
    gradient = np.zeros(len(parameters))
    for k, name in enumerate(candidate.circuit.names):
        if name == "series_resistance_ohm":
            gradient[k] = parameters[k]
        elif name.endswith("resistance_ohm"):
            capacitance = parameters[k + 1] / parameters[k]
            gradient[k] = parameters[k] if capacitance <= options.arc_capacitance_max_F else 0.0
    variance = float(gradient @ candidate.covariance @ gradient)
    return float(gradient.sum()), math.sqrt(max(variance, 0.0))


def parts_of_total(
    best: Candidate, frequency_Hz: Floats, total: Estimate, options: FitOptions
) -> tuple[Estimate, Estimate]:
    """Bulk and grain-boundary resistance where the spectrum carries them, else the reason."""
    if total.value is None:
        reason = f"no total resistance, so no part of it: {total.reason}"
        return Estimate.refused(reason), Estimate.refused(reason)
    highest_Hz = float(frequency_Hz.max())
    arcs = arcs_of(best, options)
    beyond = [arc for arc in arcs if arc.apex_Hz > highest_Hz and arc.name != "electrode"]
    bulk = [arc for arc in arcs if arc.name == "bulk" and arc not in beyond]
    boundary = [arc for arc in arcs if arc.name == "grain boundary" and arc not in beyond]
    fastest = (bulk + boundary)[:1]
    if not fastest or (not bulk and fastest[0].apex_Hz > highest_Hz / _APEX_INSIDE):
        reason = (
            f"the arcs lie above the highest frequency of {short_number(highest_Hz)}Hz or too close to it: "
            "bulk and grain boundary can't be told apart, only their sum"
        )
        return Estimate.refused(reason), Estimate.refused(reason)
    doubt = intercept_doubt(best, frequency_Hz, options)
    series = best.value("series_resistance_ohm") if best.circuit.resistor else 0.0
    value = series - options.lead_resistance_ohm + sum(arc.resistance_ohm for arc in bulk + beyond)
    if value <= 0:
        bulk_estimate = Estimate.refused("no intercept stands out from the grain-boundary arc")
    else:
        text = f"arc of {short_number(bulk[0].capacitance_F)}F" if bulk else "intercept: its arc is above the window"
        error = _parts_error(best, bulk + beyond, best.circuit.resistor)
        parts = {"fit": error, "lead": options.lead_resistance_uncertainty_ohm, "intercept": doubt}
        bulk_estimate = _accepted("bulk", value, parts, text, options)
    if not boundary:
        return bulk_estimate, Estimate.refused(_no_boundary(options))
    value = sum(arc.resistance_ohm for arc in boundary)
    parts = {"fit": _parts_error(best, boundary, False), "intercept": doubt}
    text = f"arc of {short_number(boundary[-1].capacitance_F)}F"
    return bulk_estimate, _accepted("grain-boundary", value, parts, text, options)


def intercept_doubt(best: Candidate, frequency_Hz: Floats, options: FitOptions) -> float:
    """What phase error and stray capacitance at the highest frequency can make of an intercept, ohm."""
    top = int(np.argmax(frequency_Hz))
    modulus = float(np.abs(best.solution.z_fit_ohm[top]))
    frequency = float(frequency_Hz[top])
    phase = modulus * math.sin(min(math.radians(options.phase_uncertainty_deg * frequency / 1e6), math.pi / 2))
    stray = modulus**2 * 2 * math.pi * frequency * options.stray_capacitance_F
    return math.hypot(phase, stray)


def _parts_error(best: Candidate, arcs: list[Arc], series: bool) -> float:
    parameters = best.solution.parameters
    gradient = np.zeros(len(parameters))
    chosen = {arc.time_constant_s for arc in arcs}
    for k, name in enumerate(best.circuit.names):
        in_arcs = name.startswith("arc") and name.endswith("resistance_ohm") and float(parameters[k + 1]) in chosen
        if in_arcs or (series and name == "series_resistance_ohm"):
            gradient[k] = parameters[k]
    return math.sqrt(max(float(gradient @ best.covariance @ gradient), 0.0))


def _accepted(name: str, value: float, parts: dict[str, float], text: str, options: FitOptions) -> Estimate:
    parts["range"] = options.gain_uncertainty * abs(value)
    error = math.sqrt(sum(part * part for part in parts.values()))
    if value <= 0 or error > options.part_uncertainty_max * value:
        cause = "phase and stray capacitance at the highest frequency" if parts["intercept"] > error / 2 else "the fit"
        return Estimate.refused(
            f"{name} ({text}) would be {short_number(value)}Ω with a standard error of {short_number(error)}Ω, "
            f"mostly from {cause}; only the total can be told"
        )
    return Estimate.positive(value, parts, text)


def _no_boundary(options: FitOptions) -> str:
    return (
        f"no arc with a capacitance between {short_number(options.bulk_capacitance_max_F)}F and "
        f"{short_number(options.arc_capacitance_max_F)}F stands in the window"
    )
