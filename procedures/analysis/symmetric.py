"""Symmetric-cell cycling: hours cycled, polarisation at the start and the end of each current, and its growth.

The polarisation of a half cycle is the mean of its last third; start and end are the means of the first and the last
six half cycles (three cycles) of a stage, leaving the very first out (formation). The growth is the slope of a straight
line through ln(polarisation) against time; its standard error is widened by the correlation of neighbouring residuals
(effective number of samples n (1 - r) / (1 + r); e.g. Bayley & Hammersley, J. R. Stat. Soc. Suppl. 8, 184 (1946)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from daq.contracts import Result
from daq.errors import BadInput
from procedures.analysis.critical_current import short_circuit_results
from procedures.analysis.current_segments import LEVEL_FRACTION, Floats, gap_limit_s
from procedures.analysis.cycling_results import estimate_result
from procedures.analysis.estimate import NORMAL_95, Estimate
from procedures.analysis.quantiles import student_95
from procedures.analysis.short_circuit import Polarisation, ShortCircuit, find_short_circuit, polarisation_of
from procedures.analysis.stage_levels import stage_polarisations_V

_ENDS = 6  # half cycles that make the start and the end


@dataclass(frozen=True)
class CyclingStage:
    """One current (mA/cm2; A without an area). `growth_percent_h` is of the polarisation."""

    number: int
    current_A: float
    current_density_mA_cm2: float | None
    half_cycles: int
    hours: float
    start_mV: Estimate
    end_mV: Estimate
    growth_percent_h: Estimate


@dataclass(frozen=True)
class SymmetricCycling:
    """`hours_cycled`: time under current until the short, or the end. Gaps of the record count when it went on."""

    stages: tuple[CyclingStage, ...]
    hours_cycled: Estimate
    short: ShortCircuit


def analyse_symmetric_cycling(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    area_cm2: float | None = None,
    step: ArrayLike | None = None,
    false_alarm: float = 1e-3,
) -> SymmetricCycling:
    """A record of half cycles at one or several currents, rows (n,); O(n), 4 million rows in seconds.

    Raises AnalysisRefused when no constant current flows, BadInput for columns that do not fit or a wrong area.
    """
    if area_cm2 is not None and not (area_cm2 > 0 and np.isfinite(area_cm2)):
        raise BadInput(f"{area_cm2!r} cm2 is no area", place="area_cm2", allowed="a number above 0, in cm2")
    rows = polarisation_of(time_s, current_A, voltage_V, step)
    short = find_short_circuit(rows, false_alarm)
    level, error, current = stage_polarisations_V(rows)
    healthy = len(level) if short.stage is None else short.stage
    change = np.abs(np.diff(current)) > LEVEL_FRACTION * np.maximum(current[1:], current[:-1])
    first = np.concatenate(([0], np.flatnonzero(change) + 1, [len(level)]))
    stages = []
    for number, (low, high) in enumerate(zip(first[:-1].tolist(), first[1:].tolist(), strict=True), 1):
        stages.append(
            _stage(rows, number, np.arange(low, min(high, healthy)), (level, error, float(current[low])), area_cm2)
        )
    return SymmetricCycling(tuple(stages), _hours(rows, short), short)


def _stage(
    rows: Polarisation, number: int, mine: np.ndarray, levels: tuple[Floats, Floats, float], area_cm2: float | None
) -> CyclingStage:
    level, error, ampere = levels
    density = None if area_cm2 is None else 1000 * ampere / area_cm2
    if not len(mine):
        none = Estimate.refused("no whole half cycle of this current before the short", "")
        return CyclingStage(number, ampere, density, 0, 0.0, none, none, none)
    segments, time = rows.stages, rows.record.time_s
    begins, ends = time[segments.start[mine]], time[segments.stop[mine] - 1]
    counted = mine[1:] if len(mine) > _ENDS else mine
    growth = _growth(0.5 * (begins + ends)[-len(counted) :] / 3600, level[counted])
    start, end = (_mean_mV(level[part], error[part]) for part in (counted[:_ENDS], counted[-_ENDS:]))
    return CyclingStage(number, ampere, density, len(mine), float(np.sum(ends - begins)) / 3600, start, end, growth)


def _mean_mV(level_V: Floats, error_V: Floats) -> Estimate:
    method = f"mean of the last third of each half cycle, over {len(level_V)} half cycles"
    value = 1000 * float(np.mean(level_V))
    noise = float(np.sqrt(np.mean(error_V**2)))
    scatter = float(np.std(level_V, ddof=1)) if len(level_V) > 1 else 0.0
    spread = 1000 * max(noise, scatter) / float(np.sqrt(len(level_V)))
    factor = student_95(len(level_V) - 1) if len(level_V) > 1 else NORMAL_95
    return Estimate(value, spread, (value - factor * spread, value + factor * spread), method)


def _growth(hour: Floats, level_V: Floats) -> Estimate:
    method = "slope of a straight line through ln(polarisation) against time, widened by the residuals' correlation"
    if len(level_V) < 8 or np.any(level_V <= 0):
        return Estimate.refused(f"{len(level_V)} half cycles with a polarisation: a growth needs 8", method)
    # Charge and discharge differ by an offset: pairs of neighbours are free of it.
    count = len(level_V) // 2 * 2
    x = hour[:count].reshape(-1, 2).mean(1)
    y = np.log(level_V[:count].reshape(-1, 2).mean(1))
    x = x - x.mean()
    sxx = float(x @ x)
    slope = float(x @ y) / sxx
    residual = y - y.mean() - slope * x
    power = float(residual @ residual)
    r = float(np.clip(residual[1:] @ residual[:-1] / power, 0.0, 0.99)) if power > 0 else 0.0
    degrees = max((len(x) - 2) * (1 - r) / (1 + r), 1.0)
    sigma = float(np.sqrt(power / (len(x) - 2) / sxx * (1 + r) / (1 - r)))
    t = student_95(degrees)
    value, spread = 100 * slope, 100 * sigma
    return Estimate(value, spread, (value - t * spread, value + t * spread), method)


def _hours(rows: Polarisation, short: ShortCircuit) -> Estimate:
    method = "time under current" + (" until the short circuit" if short.found else "")
    time, current = rows.record.time_s, np.abs(rows.record.current_A)
    end = len(time) if short.row is None else short.row + 1
    flowing = np.zeros(len(time), np.int64)
    for at, change in ((rows.stages.start, 1), (np.minimum(rows.stages.stop, len(time) - 1), -1)):
        np.add.at(flowing, at, change)
    on = np.cumsum(flowing)[: end - 1] > 0
    step = np.diff(time[:end])
    gap = step > gap_limit_s(time)
    unlike = np.abs(np.diff(current[:end])) > 0.05 * np.maximum(current[: end - 1], current[1:end])
    counted = on & ~(gap & unlike)
    value = float(np.sum(step[counted])) / 3600
    lost = float(np.sum(step[on & gap & unlike])) / 3600
    usual = float(np.median(step)) if len(step) else 0.0
    onset = (short.time_s.uncertainty or 0.0) if short.found else 0.0
    spread = float(np.sqrt(usual**2 / 12 + onset**2)) / 3600 + lost / float(np.sqrt(12))
    return Estimate(value, spread, (max(value - NORMAL_95 * spread, 0.0), value + NORMAL_95 * spread + lost), method)


def symmetric_cycling_results(found: SymmetricCycling, at: Mapping[str, Any] | None = None) -> list[Result]:
    """`hours_cycled` (h), `polarisation` (mV) at the start and the end of each stage, `polarisation_growth` (%/h),
    `short_circuit` (h, refused without one). `at` is added to where each holds."""
    base = dict(at or {})
    results = [estimate_result("hours_cycled", found.hours_cycled, "h", base)]
    for stage in found.stages:
        where: dict[str, Any] = base | {"stage": stage.number}
        if stage.current_density_mA_cm2 is not None:
            where["current_density_mA_cm2"] = round(stage.current_density_mA_cm2, 6)
        for moment, estimate in (("start", stage.start_mV), ("end", stage.end_mV)):
            results.append(estimate_result("polarisation", estimate, "mV", where | {"moment": moment}))
        results.append(estimate_result("polarisation_growth", stage.growth_percent_h, "%/h", where))
    return [*results, *short_circuit_results(found.short, base)]
