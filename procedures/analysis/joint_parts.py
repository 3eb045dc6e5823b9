"""Bulk and grain-boundary resistance of a sweep, from the joint fit where it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from procedures.analysis.estimate import Estimate, short_number
from procedures.analysis.joint_fit import FEWEST, JointFit, fit_jointly
from procedures.analysis.options import FitOptions
from procedures.analysis.sweep_points import SweepPoint

_MOST_AT_ONCE = 24


def with_joint_parts(points: Sequence[SweepPoint], options: FitOptions) -> tuple[list[SweepPoint], list[str]]:
    """The points of one sample with bulk and grain boundary of the joint fit, and notes.

    Totals stay those of the single fits. Where there is no joint fit the points come back as they are. Long
    sweeps are fitted in batches, in the order in which they were taken.
    """
    chosen = [k for k, p in enumerate(points) if p.counts and math.isfinite(p.resistance_ohm)]
    changed, notes = list(points), []
    if len(chosen) < FEWEST:
        return changed, notes
    batches = math.ceil(len(chosen) / _MOST_AT_ONCE)
    for batch in np.array_split(np.array(chosen), batches):
        notes.append(_one_batch(changed, [int(k) for k in batch], options))
    return changed, list(dict.fromkeys(notes))


def _one_batch(points: list[SweepPoint], chosen: list[int], options: FitOptions) -> str:
    """Changes `points` in place; returns the note."""
    fits = [fit for k in chosen if (fit := points[k].fit) is not None]
    joint, text = fit_jointly(fits, options)
    if joint is None:
        return f"bulk and grain boundary are from single spectra: {text}"
    for place, (k, fit) in enumerate(zip(chosen, fits, strict=True)):
        bulk, boundary = _parts(joint, place, options, fit.frequency_Hz[0], abs(fit.z_fit_ohm[0]), text)
        points[k] = replace(points[k], fit=replace(fit, bulk_resistance=bulk, grain_boundary_resistance=boundary))
    shared = joint.shared
    return (
        f"bulk and grain boundary are from a {text}: {short_number(shared['boundary_capacitance_F'])}F and exponent "
        f"{shared['boundary_exponent']:.3f} of the grain boundary, {short_number(shared['parallel_capacitance_F'])}F "
        f"of pellet and holder, {short_number(shared['inductance_H'])}H; residual {100 * joint.residual:.2g} %"
    )


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
        f"the {name} resistance would be {short_number(value)}ohm with a standard error of {short_number(error)}ohm, "
        f"mostly from {cause}",
        text,
    )
