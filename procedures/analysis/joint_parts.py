"""Bulk and grain-boundary resistance of a sweep, from the joint fit where it holds; and totals that single spectra
hardly tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from procedures.analysis.estimate import Estimate, short_number
from procedures.analysis.joint_fit import FEWEST, JointFit, fit_jointly
from procedures.analysis.options import FitOptions
from procedures.analysis.resistances import checked_total
from procedures.analysis.sweep_points import SweepPoint

_MOST_AT_ONCE = 24
_MUCH_BETTER = 3.0
_WORTH_IT = 1.0  # below what the instrument's range leaves, nothing is gained
_CONTRADICTS = 3.0


def with_joint_parts(points: Sequence[SweepPoint], options: FitOptions) -> tuple[list[SweepPoint], list[str]]:
    """The points of one sample with bulk and grain boundary of the joint fit, and notes.

    A total stays that of its own spectrum unless the joint fit knows it far better: where the arc has left the
    window, circuits that fit alike differ in it. Where there is no joint fit the points come back as they are. Long
    sweeps are fitted in batches, in the order in which they were taken.
    """
    chosen = [k for k, p in enumerate(points) if math.isfinite(p.spectrum.temperature_C) and _has_total(p)]
    changed, notes = list(points), []
    if len(chosen) < FEWEST:
        return changed, notes
    batches = math.ceil(len(chosen) / _MOST_AT_ONCE)
    for batch in np.array_split(np.array(chosen), batches):
        notes.append(_one_batch(changed, [int(k) for k in batch], options))
    return changed, list(dict.fromkeys(notes))


def _has_total(point: SweepPoint) -> bool:
    total = point.fit.total_resistance if point.fit is not None else None
    return total is not None and (total.value or total.refused_value or 0.0) > 0


def _one_batch(points: list[SweepPoint], chosen: list[int], options: FitOptions) -> str:
    """Changes `points` in place; returns the note."""
    fits = [fit for k in chosen if (fit := points[k].fit) is not None]
    joint, text = fit_jointly(fits, options)
    if joint is None:
        return f"bulk and grain boundary are from single spectra: {text}"
    for place, (k, fit) in enumerate(zip(chosen, fits, strict=True)):
        bulk, boundary = _parts(joint, place, options, fit.frequency_Hz[0], abs(fit.z_fit_ohm[0]), text)
        total = _better_total(fit.total_resistance, joint, place, options, text)
        better = replace(fit, total_resistance=total, bulk_resistance=bulk, grain_boundary_resistance=boundary)
        points[k] = replace(points[k], fit=better)
    shared = joint.shared
    return (
        f"bulk and grain boundary are from a {text}: {short_number(shared['boundary_capacitance_F'])}F and exponent "
        f"{shared['boundary_exponent']:.3f} of the grain boundary, {short_number(shared['parallel_capacitance_F'])}F "
        f"of pellet and holder, {short_number(shared['inductance_H'])}H; residual {100 * joint.residual:.2g} %"
    )


def _better_total(single: Estimate, joint: JointFit, place: int, options: FitOptions, text: str) -> Estimate:
    """The total of the joint fit where it is known several times better, and the single fit's does not contradict."""
    value = float(joint.total_ohm[place]) - options.lead_resistance_ohm
    parts = {
        "fit": float(joint.total_fit_ohm[place]),
        "model": float(joint.total_place_ohm[place]),
        "lead": options.lead_resistance_uncertainty_ohm,
        "range": options.gain_uncertainty * float(joint.total_ohm[place]),
    }
    alone = single.value if single.value is not None else single.refused_value
    own = math.hypot(single.component("fit"), single.component("model"))
    ours = math.hypot(parts["fit"], parts["model"])
    if alone is None or value <= 0 or own < _MUCH_BETTER * ours:
        return single
    if own < _WORTH_IT * single.component("range") or abs(alone - value) > _CONTRADICTS * math.hypot(own, ours):
        return single
    return checked_total(value, parts, text, options)


def _parts(
    joint: JointFit, place: int, options: FitOptions, highest_Hz: float, modulus_ohm: float, text: str
) -> tuple[Estimate, Estimate]:
    phase_rad = math.radians(options.phase_uncertainty_deg) * highest_Hz / 1e6
    phase = float(modulus_ohm) * math.sin(min(phase_rad, math.pi / 2))
    bulk_ohm, boundary_ohm = float(joint.bulk_ohm[place]), float(joint.boundary_ohm[place])
    bulk = {
        "fit": float(joint.bulk_fit_ohm[place]),
        "capacitance": float(joint.bulk_place_ohm[place]),
        "phase": phase,
        "lead": options.lead_resistance_uncertainty_ohm,
        "range": options.gain_uncertainty * bulk_ohm,
    }
    boundary = {
        "fit": float(joint.boundary_fit_ohm[place]),
        "capacitance": float(joint.boundary_place_ohm[place]),
        "phase": phase,
        "range": options.gain_uncertainty * boundary_ohm,
    }
    return (
        _accepted("bulk", bulk_ohm - options.lead_resistance_ohm, bulk, text, options),
        _accepted("grain-boundary", boundary_ohm, boundary, text, options),
    )


def _accepted(name: str, value: float, parts: dict[str, float], text: str, options: FitOptions) -> Estimate:
    error = math.sqrt(sum(part * part for part in parts.values()))
    if value > 0 and error <= options.part_uncertainty_max * value:
        return Estimate.positive(value, parts, text)
    cause = {
        "phase": f"a phase error of {options.phase_uncertainty_deg:g}° at 1 MHz, which a recorded compensation lowers",
        "capacitance": "not knowing where the capacitance of the holder lies",
        "fit": "the noise",
        "lead": "what the leads leave",
        "range": "the instrument's range",
    }[max(parts, key=lambda part: parts[part])]
    return Estimate.refused(
        f"the {name} resistance would be {short_number(value)}Ω with a standard error of {short_number(error)}Ω, "
        f"mostly from {cause}",
        text,
    )
