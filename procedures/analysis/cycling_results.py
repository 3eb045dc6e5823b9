"""The named numbers of galvanostatic cycling, as they are kept with a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from daq.contracts import Result
from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.capacity import METHOD, HalfCycles, cycles_of, retention_of
from procedures.analysis.capacity_curves import mid_capacity_polarisation_mV
from procedures.analysis.estimate import NORMAL_95, Estimate


def estimate_result(name: str, estimate: Estimate, unit: str, at: Mapping[str, Any] | None = None) -> Result:
    """An estimate under its name, as it is."""
    return Result(
        name, estimate.value, unit, estimate.uncertainty, estimate.interval, dict(at or {}), estimate.method,
        estimate.reason,
    )  # fmt: skip


def cycling_results(
    halves: HalfCycles,
    active_mass_mg: float | None = None,
    reference_cycle: int | None = None,
    at: Mapping[str, Any] | None = None,
) -> list[Result]:
    """Per cycle `charge_capacity`, `discharge_capacity` (mAh/g; mAh without a mass), `coulombic_efficiency` (%) and
    `polarisation` (mV, at mid-capacity); `capacity_retention` (%) with its cycle and `capacity_fade` (%/cycle).

    `at` is added to where each holds (the sample, the channel). Raises BadInput for a mass that is not positive.
    """
    _checked_mass(active_mass_mg)
    base = dict(at or {})
    cycles = cycles_of(halves)
    per = 1000.0 if active_mass_mg is None else 1e6 / active_mass_mg
    unit = "mAh" if active_mass_mg is None else "mAh/g"
    results: list[Result] = []
    for k, number in enumerate(cycles.cycle.tolist()):
        where = base | {"cycle": number}
        for name, value, error in (
            ("charge_capacity", cycles.charge_Ah[k] * per, cycles.charge_uncertainty_Ah[k] * per),
            ("discharge_capacity", cycles.discharge_Ah[k] * per, cycles.discharge_uncertainty_Ah[k] * per),
        ):
            results.append(_number(name, value, error, unit, where, METHOD, f"cycle {number} has no such half"))
        results.append(
            _number(
                "coulombic_efficiency", cycles.coulombic_efficiency_percent[k],
                cycles.efficiency_uncertainty_percent[k], "%", where,
                "charge of the cycle's second half over that of its first", f"cycle {number} was not recorded whole",
            )
        )  # fmt: skip
        results.append(estimate_result("polarisation", mid_capacity_polarisation_mV(halves, number), "mV", where))
    return results + _retention_results(halves, reference_cycle, base)


def rate_results(
    halves: HalfCycles,
    active_mass_mg: float | None = None,
    at: Mapping[str, Any] | None = None,
) -> list[Result]:
    """`discharge_capacity` per rate (mAh/g at mA/g; mAh at mA without a mass): the mean over the whole cycles at one
    discharge current, rates in the order they came; a rate that comes again (recovery) is one of its own.

    The uncertainty counts the scatter between the cycles of a rate. Raises AnalysisRefused without a whole cycle,
    BadInput for a mass that is not positive.
    """
    _checked_mass(active_mass_mg)
    cycles = cycles_of(halves)
    per = 1000.0 if active_mass_mg is None else 1e6 / active_mass_mg
    unit, rate = ("mAh", "current_mA") if active_mass_mg is None else ("mAh/g", "current_mA_g")
    discharges = halves.segments.direction < 0
    hours = np.array([float(np.sum(halves.duration_s[discharges & (halves.cycle == n)])) / 3600 for n in cycles.cycle])
    kept = np.flatnonzero(cycles.complete & (hours > 0))
    if not len(kept):
        raise AnalysisRefused("no whole cycle was recorded: there is no capacity to tell at any rate")
    current = cycles.discharge_Ah[kept] / hours[kept]
    edge = np.flatnonzero(np.abs(np.diff(current)) > 0.05 * np.maximum(current[1:], current[:-1])) + 1
    results = []
    for group in np.split(kept, edge):
        capacity, error = cycles.discharge_Ah[group] * per, cycles.discharge_uncertainty_Ah[group] * per
        scatter = float(np.std(capacity, ddof=1)) if len(group) > 1 else 0.0
        spread = float(np.hypot(np.mean(error), scatter)) / float(np.sqrt(len(group)))
        where = dict(at or {}) | {
            rate: float(f"{np.mean(cycles.discharge_Ah[group] / hours[group]) * per:.4g}"),
            "cycles": f"{cycles.cycle[group[0]]}-{cycles.cycle[group[-1]]}",
        }
        method = f"mean of {len(group)} cycles; {METHOD}"
        results.append(_number("discharge_capacity", float(np.mean(capacity)), spread, unit, where, method, ""))
    return results


def _checked_mass(active_mass_mg: float | None) -> None:
    if active_mass_mg is not None and not (active_mass_mg > 0 and np.isfinite(active_mass_mg)):
        raise BadInput(f"{active_mass_mg!r} mg is no mass", place="active_mass_mg", allowed="a number above 0, in mg")


def _retention_results(halves: HalfCycles, reference_cycle: int | None, base: dict[str, Any]) -> list[Result]:
    try:
        kept = retention_of(cycles_of(halves), reference_cycle)
    except AnalysisRefused as refusal:
        return [Result("capacity_retention", None, "%", at=base, reason=str(refusal))]
    where = base | {"cycle": kept.cycle, "reference_cycle": kept.reference_cycle}
    return [
        estimate_result("capacity_retention", kept.retention_percent, "%", where),
        estimate_result("capacity_fade", kept.fade_percent_per_cycle, "%/cycle", where),
    ]


def _number(name: str, value: float, error: float, unit: str, at: dict[str, Any], method: str, reason: str) -> Result:
    if not np.isfinite(value):
        return Result(name, None, unit, at=at, method=method, reason=reason)
    span = (float(value - NORMAL_95 * error), float(value + NORMAL_95 * error))
    return Result(name, float(value), unit, float(error), span, at, method)
