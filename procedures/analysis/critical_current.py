"""Critical current density of a symmetric cell: the last current passed and the first that shorts it.

A current step is passed when no short circuit is found in it (`short_circuit.py`, which states its false-alarm rate);
what comes after the first short is not judged. The polarisation of a step is the mean of the last third of its half
cycles; its area-specific resistance that over the current density. The cell's own is the slope of the straight line
through the passed steps (least squares, with an intercept that takes offsets and the bend of the kinetics).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from daq.contracts import Result
from daq.errors import BadInput
from procedures.analysis.current_segments import LEVEL_FRACTION, Ints
from procedures.analysis.cycling_results import estimate_result
from procedures.analysis.estimate import NORMAL_95, Estimate
from procedures.analysis.quantiles import student_95
from procedures.analysis.short_circuit import Polarisation, ShortCircuit, find_short_circuit, polarisation_of
from procedures.analysis.stage_levels import stage_polarisations_V

LIMIT_NEAR = 0.99
POLARISATION = "mean of the last third of each half cycle"


@dataclass(frozen=True)
class CurrentStep:
    """One current density (magnitude, mA/cm2) of the ladder. `passed` is None where that is not known: after the
    first short, and for a current that a voltage limit cut off."""

    number: int
    current_density_mA_cm2: float
    start_s: float
    end_s: float
    polarisation_mV: Estimate
    area_specific_resistance_ohm_cm2: Estimate
    passed: bool | None


@dataclass(frozen=True)
class CriticalCurrent:
    """`critical_current_density_mA_cm2` is the last passed, its interval reaches to the first failed."""

    steps: tuple[CurrentStep, ...]
    critical_current_density_mA_cm2: Estimate
    area_specific_resistance_ohm_cm2: Estimate
    intercept_mV: Estimate
    short: ShortCircuit


def analyse_critical_current(
    time_s: ArrayLike,
    current_A: ArrayLike,
    voltage_V: ArrayLike,
    area_cm2: float,
    step: ArrayLike | None = None,
    false_alarm: float = 1e-3,
    voltage_limit_V: float | None = None,
) -> CriticalCurrent:
    """A ladder of currents, rows (n,); each current charged and/or discharged for a while, rests allowed.

    `step` (step numbers of a schedule) parts equal currents that follow each other. A record whose last row is at
    `voltage_limit_V` was ended by it: the current of that row was not passed. Raises AnalysisRefused when no
    constant current flows, BadInput for columns that do not fit together or an area that is not positive.
    """
    if not (area_cm2 > 0 and np.isfinite(area_cm2)):
        raise BadInput(f"{area_cm2!r} cm2 is no area", place="area_cm2", allowed="a number above 0, in cm2")
    rows = polarisation_of(time_s, current_A, voltage_V, step)
    short = find_short_circuit(rows, false_alarm)
    steps = _steps(rows, short, area_cm2)
    cut_off = _cut_off_mA_cm2(rows, area_cm2, voltage_limit_V)
    if cut_off is not None and not short.found and rows.stages.stop[-1] == len(rows.record):
        steps = (*steps[:-1], replace(steps[-1], passed=None))
    resistance, intercept = _ohmic_line(steps)
    return CriticalCurrent(steps, _critical(steps, short, cut_off), resistance, intercept, short)


def _cut_off_mA_cm2(rows: Polarisation, area_cm2: float, limit_V: float | None) -> float | None:
    """The current density at which the limit of the voltage ended the record, if it did."""
    record = rows.record
    if limit_V is None or abs(float(record.voltage_V[-1])) < LIMIT_NEAR * limit_V:
        return None
    return 1000 * abs(float(record.current_A[-1])) / area_cm2


def _steps(rows: Polarisation, short: ShortCircuit, area_cm2: float) -> tuple[CurrentStep, ...]:
    level, error, current = stage_polarisations_V(rows)
    step_of = _step_numbers(current)
    failed = int(step_of[short.stage]) if short.stage is not None else None
    steps = []
    for number in range(int(step_of[-1]) + 1):
        mine = np.flatnonzero(step_of == number)
        density = 1000 * float(np.mean(current[mine])) / area_cm2
        passed = None if failed is not None and number > failed else number != failed
        healthy = mine if passed else mine[mine < (short.stage or 0)] if number == failed else mine[:0]
        polarisation = _polarisation(level[healthy], error[healthy], passed)
        resistance = _resistance(polarisation, density)
        start, stop = rows.stages.start[mine[0]], rows.stages.stop[mine[-1]] - 1
        span = float(rows.record.time_s[start]), float(rows.record.time_s[stop])
        steps.append(CurrentStep(number + 1, density, *span, polarisation, resistance, passed))
    return tuple(steps)


def _resistance(polarisation: Estimate, density_mA_cm2: float) -> Estimate:
    method = f"{POLARISATION}, over the current density"
    if polarisation.value is None or polarisation.uncertainty is None:
        return Estimate.refused(polarisation.reason or "", method)
    if polarisation.value <= 0:
        return Estimate.refused("the voltage runs against the current: check the sign and the leads", method)
    spread = polarisation.uncertainty / density_mA_cm2
    return Estimate.positive(polarisation.value / density_mA_cm2, {"voltage": spread}, method)


def _step_numbers(current_A: np.ndarray) -> Ints:
    """The number (from 0) of the current step that each stage belongs to: stages of one magnitude in succession."""
    change = np.abs(np.diff(current_A)) > LEVEL_FRACTION * np.maximum(current_A[1:], current_A[:-1])
    return np.concatenate(([0], np.cumsum(change))).astype(np.int64)


def _polarisation(level_V: np.ndarray, error_V: np.ndarray, passed: bool | None) -> Estimate:
    if not len(level_V):
        why = "comes after the short" if passed is None else "was shorted in its first half cycle"
        return Estimate.refused(f"this current {why}", POLARISATION)
    value = 1000 * float(np.mean(level_V))
    scatter = float(np.std(level_V, ddof=1)) / np.sqrt(len(level_V)) if len(level_V) > 1 else 0.0
    noise = float(np.sqrt(np.sum(error_V**2))) / len(level_V)
    spread = 1000 * float(np.hypot(scatter, noise))
    return Estimate(value, spread, (value - NORMAL_95 * spread, value + NORMAL_95 * spread), POLARISATION)


def _critical(steps: tuple[CurrentStep, ...], short: ShortCircuit, cut_off_mA_cm2: float | None) -> Estimate:
    method = f"last current passed, interval to the first failed; {short.time_s.method}"
    failed = next((step for step in steps if step.passed is False), None)
    if failed is None:
        if cut_off_mA_cm2 is not None:
            return _above(steps, cut_off_mA_cm2, method)
        highest = max(step.current_density_mA_cm2 for step in steps)
        reason = f"no short circuit up to {highest:.4g} mA/cm2: the critical current density is above it"
        return Estimate(None, method=method, reason=reason, refused_value=highest)
    passed = [step.current_density_mA_cm2 for step in steps if step.passed]
    below = [density for density in passed if density < failed.current_density_mA_cm2]
    if not below:
        reason = f"shorted at the first current, {failed.current_density_mA_cm2:.4g} mA/cm2: the critical one is below"
        return Estimate(None, method=method, reason=reason, refused_value=failed.current_density_mA_cm2)
    last, first = max(below), failed.current_density_mA_cm2
    return Estimate(last, (first - last) / float(np.sqrt(12)), (last, first), method)


def _above(steps: tuple[CurrentStep, ...], cut_off_mA_cm2: float, method: str) -> Estimate:
    """No short, and the voltage limit came first."""
    passed = [step.current_density_mA_cm2 for step in steps if step.passed]
    ended = f"the voltage limit ended the ladder at {cut_off_mA_cm2:.4g} mA/cm2"
    if not passed:
        return Estimate.refused(f"{ended}, its first current: nothing is known of the critical current density", method)
    highest = max(passed)
    reason = (
        f"no short circuit up to {highest:.4g} mA/cm2, and {ended}: the critical current density is above {highest:.4g}"
    )
    return Estimate(None, method=method, reason=reason, refused_value=highest)


def _ohmic_line(steps: tuple[CurrentStep, ...]) -> tuple[Estimate, Estimate]:
    """Slope (ohm cm2) and intercept (mV) of polarisation against current density over the passed steps."""
    method = "slope of polarisation against current density over the passed steps (least squares, with intercept)"
    good = [step for step in steps if step.passed and step.polarisation_mV.value is not None]
    if len({round(step.current_density_mA_cm2, 9) for step in good}) < 3:
        refused = Estimate.refused(f"{len(good)} currents were passed: a line with its uncertainty needs 3", method)
        return refused, refused
    x = np.array([step.current_density_mA_cm2 for step in good])
    y = np.array([step.polarisation_mV.value for step in good], np.float64)
    noise = np.array([step.polarisation_mV.uncertainty or 0.0 for step in good])
    design = np.column_stack((x, np.ones_like(x)))
    inverse = np.linalg.inv(design.T @ design)
    slope, intercept = (inverse @ design.T @ y).tolist()
    residual = y - design @ np.array([slope, intercept])
    variance = max(float(residual @ residual) / (len(x) - 2), float(np.mean(noise**2)))
    t = student_95(len(x) - 2)
    slope_error, intercept_error = np.sqrt(variance * np.diag(inverse)).tolist()
    return (
        Estimate(slope, slope_error, (slope - t * slope_error, slope + t * slope_error), method),
        Estimate(
            intercept, intercept_error, (intercept - t * intercept_error, intercept + t * intercept_error),
            method.replace("slope", "intercept"),
        ),
    )  # fmt: skip


def critical_current_results(found: CriticalCurrent, at: Mapping[str, Any] | None = None) -> list[Result]:
    """`critical_current_density` (mA/cm2), `area_specific_resistance` (ohm cm2) of the line and of each step,
    `polarisation` (mV) per step, `short_circuit` (h). `at` is added to where each holds."""
    base = dict(at or {})
    results = [
        estimate_result("critical_current_density", found.critical_current_density_mA_cm2, "mA/cm2", base),
        estimate_result("area_specific_resistance", found.area_specific_resistance_ohm_cm2, "ohm cm2", base),
    ]
    for step in found.steps:
        where = base | {"step": step.number, "current_density_mA_cm2": round(step.current_density_mA_cm2, 6)}
        results.append(estimate_result("polarisation", step.polarisation_mV, "mV", where))
        results.append(
            estimate_result("area_specific_resistance", step.area_specific_resistance_ohm_cm2, "ohm cm2", where)
        )
    return [*results, *short_circuit_results(found.short, base)]


def short_circuit_results(short: ShortCircuit, at: Mapping[str, Any] | None = None) -> list[Result]:
    """`short_circuit` in hours on the record's clock, or refused with the reason; one that was soft first and turned
    hard is two results, told apart by `kind` of where they hold."""
    base = dict(at or {})
    if not short.found:
        return [estimate_result("short_circuit", short.time_s, "h", base)]
    kind = f"{short.kind}, {'unsteady, ' if short.unsteady else ''}{100 * (short.left or 0):.0f} % of it left"
    results = [_at_hour(short.time_s, kind, base | {"kind": short.kind})]
    return results + ([] if short.hard_s is None else [_at_hour(short.hard_s, "turned hard", base | {"kind": "hard"})])


def _at_hour(time: Estimate, kind: str, at: dict[str, Any]) -> Result:
    assert time.value is not None
    assert time.uncertainty is not None
    assert time.interval is not None
    span = time.interval[0] / 3600, time.interval[1] / 3600
    told = f"{kind}; {time.method}"
    return Result("short_circuit", time.value / 3600, "h", time.uncertainty / 3600, span, at, told)
