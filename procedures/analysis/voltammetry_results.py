"""The named numbers of cyclic voltammetry, a linear sweep and an open-circuit record, as they are kept with a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from daq.contracts import Result
from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.cycling_results import estimate_result
from procedures.analysis.estimate import NORMAL_95, Estimate
from procedures.analysis.onset import DEFAULT, Onset, OnsetOptions, find_onset
from procedures.analysis.quantiles import student_95
from procedures.analysis.voltammogram import VoltammogramCycle, clipped_rows

FEWEST_ROWS = 20


@dataclass(frozen=True)
class LinearSweepAnalysis:
    """Open-circuit potential (V) and the onset of oxidation."""

    open_circuit_potential_V: Estimate
    oxidation: Onset


@dataclass(frozen=True)
class OpenCircuitAnalysis:
    """Potential at the end (V) and its drift there (mV/h)."""

    potential_V: Estimate
    drift_mV_h: Estimate


def analyse_linear_sweep(
    potential_V: ArrayLike,
    current_A: ArrayLike,
    area_cm2: float,
    open_circuit_V: ArrayLike | None = None,
    options: OnsetOptions = DEFAULT,
    overload: ArrayLike | None = None,
) -> LinearSweepAnalysis:
    """A sweep towards higher potential, rows (n,). `open_circuit_V`: potentials recorded before it, without current;
    without them the open-circuit potential is where the sweep began, when it began without current.

    The sweep counts up to its first `clipped_rows` in `overload` (n,): from there on the current was clipped, and the
    results say so. Raises AnalysisRefused for fewer than 20 rows, BadInput for a falling sweep or an area that is not
    positive.
    """
    if not (area_cm2 > 0 and np.isfinite(area_cm2)):
        raise BadInput(f"{area_cm2!r} cm2 is no area", place="area_cm2", allowed="a number above 0, in cm2")
    potential, density = np.asarray(potential_V, np.float64), np.asarray(current_A, np.float64) / area_cm2
    if potential.shape == density.shape:
        good = np.isfinite(potential) & np.isfinite(density)
        potential, density = potential[good], density[good]
        overload = None if overload is None else np.asarray(overload)[good]
    potential, density, cut = _up_to_overload(potential, density, overload)
    oxidation = find_onset(potential, density, "oxidation", options)
    if cut:
        oxidation = replace(oxidation, threshold=_told(oxidation.threshold, cut), tangent=_told(oxidation.tangent, cut))
    return LinearSweepAnalysis(_open_circuit(potential, density, open_circuit_V, options), oxidation)


def _up_to_overload(
    potential: np.ndarray, density: np.ndarray, overload: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, str]:
    """The rows before the first overloaded one, and what is said of the others."""
    clipped = np.flatnonzero(clipped_rows(overload)) if overload is not None else np.empty(0, np.int64)
    if not len(clipped):
        return potential, density, ""
    at = int(clipped[0])
    text = f"overloaded from {potential[at]:.4g} V on, where the current was larger than what was read"
    if at < FEWEST_ROWS:
        raise AnalysisRefused(f"{text}: an onset needs {FEWEST_ROWS} rows before; use a larger current range")
    return potential[:at], density[:at], f"{text}: only the sweep up to there counts"


def _told(estimate: Estimate, text: str) -> Estimate:
    method = f"{estimate.method}; {text}" if estimate.method else text
    return replace(estimate, method=method, reason=f"{estimate.reason}; {text}" if estimate.reason else None)


def _open_circuit(
    potential: np.ndarray, density: np.ndarray, open_circuit_V: ArrayLike | None, options: OnsetOptions
) -> Estimate:
    if open_circuit_V is not None:
        before = np.atleast_1d(np.asarray(open_circuit_V, np.float64))
        before = before[np.isfinite(before)]
        if len(before):
            end = before[-max(len(before) // 10, min(5, len(before))) :]
            spread = float(np.std(end, ddof=1)) / float(np.sqrt(len(end))) if len(end) > 1 else 0.0
            value = float(np.mean(end))
            span = (value - NORMAL_95 * spread, value + NORMAL_95 * spread)
            return Estimate(value, spread, span, "mean of the last tenth before the sweep")
    method = "where the sweep began, without current"
    first = float(np.median(density[:5]))
    if abs(first) > options.threshold_A_cm2:
        text = f"the sweep began with {1e6 * first:.3g} µA/cm2: not at open circuit, and no record was made before it"
        return Estimate.refused(text, method)
    value, spread = float(potential[0]), float(np.median(np.abs(np.diff(potential)))) / float(np.sqrt(12))
    return Estimate(value, spread, (value - NORMAL_95 * spread, value + NORMAL_95 * spread), method)


def analyse_open_circuit(time_s: ArrayLike, voltage_V: ArrayLike) -> OpenCircuitAnalysis:
    """Potential and drift of a straight line through the last quarter of a record, rows (n,).

    The error of the slope counts the correlation of neighbouring rows. Raises AnalysisRefused under 8 rows.
    """
    time, volt = np.asarray(time_s, np.float64), np.asarray(voltage_V, np.float64)
    good = np.isfinite(time) & np.isfinite(volt)
    time, volt = time[good], volt[good]
    if len(time) < 8 or time[-1] <= time[0]:
        raise AnalysisRefused(f"{len(time)} rows of open circuit: a potential with its drift needs 8")
    last = min(int(np.searchsorted(time, time[-1] - 0.25 * (time[-1] - time[0]))), len(time) - 6)
    hour, y = (time[last:] - time[-1]) / 3600, volt[last:]
    centre = float(hour.mean())
    sxx = float(np.sum((hour - centre) ** 2))
    slope = float(np.sum((hour - centre) * y)) / sxx
    residual = y - y.mean() - slope * (hour - centre)
    power = float(residual @ residual)
    r = float(np.clip(residual[1:] @ residual[:-1] / power, 0.0, 0.95)) if power > 0 else 0.0
    variance = power / (len(y) - 2) * (1 + r) / (1 - r)
    t = student_95(max((len(y) - 2) * (1 - r) / (1 + r), 1.0))
    value, error = float(y.mean() - slope * centre), float(np.sqrt(variance * (1 / len(y) + centre**2 / sxx)))
    drift, drift_error = 1000 * slope, 1000 * float(np.sqrt(variance / sxx))
    method = "straight line through the last quarter of the record"
    return OpenCircuitAnalysis(
        Estimate(value, error, (value - t * error, value + t * error), f"{method}, at its end"),
        Estimate(drift, drift_error, (drift - t * drift_error, drift + t * drift_error), f"slope of a {method}"),
    )


def voltammogram_results(cycles: Sequence[VoltammogramCycle], at: Mapping[str, Any] | None = None) -> list[Result]:
    """Per cycle `plating_onset` (V), `stripping_charge`, `plating_charge` (mC/cm2), `coulombic_efficiency` (%),
    `stable_from`, `stable_to` (V). `at` is added to where each holds."""
    results = []
    for one in cycles:
        where = dict(at or {}) | {"cycle": one.cycle}
        for name, estimate, unit in (
            ("plating_onset", one.plating_onset_V, "V"),
            ("stripping_charge", one.stripping_charge_mC_cm2, "mC/cm2"),
            ("plating_charge", one.plating_charge_mC_cm2, "mC/cm2"),
            ("coulombic_efficiency", one.coulombic_efficiency_percent, "%"),
            ("stable_from", one.stable_from_V, "V"),
            ("stable_to", one.stable_to_V, "V"),
        ):
            results.append(estimate_result(name, estimate, unit, where))
    return results


def linear_sweep_results(found: LinearSweepAnalysis, at: Mapping[str, Any] | None = None) -> list[Result]:
    """`open_circuit_potential`, `oxidation_onset` (by the threshold), `oxidation_onset_tangent` (V)."""
    return [
        estimate_result("open_circuit_potential", found.open_circuit_potential_V, "V", at),
        estimate_result("oxidation_onset", found.oxidation.threshold, "V", at),
        estimate_result("oxidation_onset_tangent", found.oxidation.tangent, "V", at),
    ]


def open_circuit_results(found: OpenCircuitAnalysis, at: Mapping[str, Any] | None = None) -> list[Result]:
    """`open_circuit_potential` (V) and `drift` (mV/h)."""
    return [
        estimate_result("open_circuit_potential", found.potential_V, "V", at),
        estimate_result("drift", found.drift_mV_h, "mV/h", at),
    ]
