"""Taking direct-current techniques point by point, and looking at the cell before anything is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from daq.contracts import Result, Rig, RunReader, Value
from daq.errors import BadInput, StepFailed
from daq.sample import Sample
from drivers.roles import MeasuresInBlocks, Potentiostat
from drivers.technique_checks import checked
from drivers.techniques import DcPoint, OpenCircuit, Point, Spectrum, SpectrumPoint, Technique
from procedures.overload_seen import OverloadSeen
from procedures.sample_geometry import electrode_area_cm2

LEAST_OHM, MOST_OHM = 1.0, 1e9
PRE_CHECK_HZ = 10.0
WATCH_EVERY_S = 10.0


def require_technique(potentiostat: Potentiostat, kind: str, sample: Sample, place: str) -> None:
    """Raises BadInput when the instrument can't do it, or the sample's channel is not there."""
    abilities = potentiostat.abilities()
    if kind not in abilities.techniques:
        known = ", ".join(abilities.techniques)
        raise BadInput(f"{potentiostat.name} cannot do {kind!r}", place=f"{place}, procedure", allowed=known)
    if sample.channel not in abilities.channels:
        known = f"{', '.join(map(str, abilities.channels))} on {potentiostat.name}"
        raise BadInput(f"{sample.label} is on channel {sample.channel}", place=f"{place}, sample.channel",
                       allowed=known)  # fmt: skip


def require_able(technique: Technique, potentiostat: Potentiostat, place: str, key: str) -> None:
    """Raises BadInput, at `key`, for what the instrument would refuse once the furnace is hot: times, stairs."""
    try:
        checked(technique, potentiostat.abilities(), potentiostat.name)
    except BadInput as refusal:
        raise BadInput(refusal.problem, place=f"{place}, {key}", allowed=refusal.allowed) from None


def require_borne(value_V: float, sample: Sample, place: str, key: str) -> None:
    """Raises BadInput for a potential that the plan says the sample does not bear."""
    low, high = sample.min_voltage_V, sample.max_voltage_V
    if (high is not None and value_V > high) or (low is not None and value_V < low):
        bounds = " to ".join("" if bound is None else f"{bound:g}" for bound in (low, high)).strip()
        raise BadInput(f"{value_V:g} V is beyond what sample {sample.label} bears", place=f"{place}, {key}",
                       allowed=f"{bounds} V (min_voltage_V, max_voltage_V of the sample)")  # fmt: skip


def require_voltage(value_V: float, potentiostat: Potentiostat, sample: Sample, place: str, key: str) -> None:
    """Raises BadInput for a potential beyond the instrument or the sample."""
    require_borne(value_V, sample, place, key)
    most = potentiostat.abilities().voltage_max_V
    if abs(value_V) > most:
        raise BadInput(f"{value_V:g} V is beyond {potentiostat.name}", place=f"{place}, {key}",
                       allowed=f"-{most:g} to {most:g} V")  # fmt: skip


def require_current(value_A: float, potentiostat: Potentiostat, place: str, key: str) -> None:
    most = potentiostat.abilities().current_ranges_A[0]
    if value_A > most:
        raise BadInput(f"{value_A:g} A is beyond {potentiostat.name}", place=f"{place}, {key}",
                       allowed=f"up to {most:g} A")  # fmt: skip


def check_cell(rig: Rig, potentiostat: Potentiostat, sample: Sample) -> float:
    """The open-circuit potential in V of a cell that is neither shorted nor open, seen at 10 Hz with 10 mV.

    Raises StepFailed when it is, before anything is heated or polarised.
    """
    points = list(potentiostat.measure(OpenCircuit(5.0), sample.channel))
    potential = float(np.median([one.voltage_V for one in points if isinstance(one, DcPoint)]))
    if "spectrum" not in potentiostat.abilities().techniques:
        return potential
    ohm = ohm_of(potentiostat, sample)
    rig.log(f"{sample.label}: {potential:.4g} V at open circuit, {ohm:.4g} Ω at {PRE_CHECK_HZ:g} Hz")
    if ohm < LEAST_OHM:
        raise StepFailed(f"{sample.label} is shorted ({ohm:.2g} Ω): nothing was run; take the cell out and measure it")
    if ohm > MOST_OHM:
        raise StepFailed(f"{sample.label} is not connected ({ohm:.2g} Ω): nothing was run; look at the cables")
    return potential


def ohm_of(potentiostat: Potentiostat, sample: Sample) -> float:
    """The modulus of the cell's impedance at 10 Hz, with 10 mV at open circuit."""
    seen = [
        abs(complex(one.z_real_ohm, one.z_imag_ohm))
        for one in potentiostat.measure(Spectrum((PRE_CHECK_HZ,)), sample.channel)
        if isinstance(one, SpectrumPoint)
    ]
    return float(np.median(seen))


def take(
    rig: Rig,
    potentiostat: Potentiostat,
    technique: Technique,
    sample: Sample,
    stream: str,
    watch: Callable[[Rig], None],
    own: Mapping[str, Any] | None = None,
    on_point: Callable[[DcPoint], None] = lambda point: None,
    tells_overload: bool = True,
) -> DcPoint:
    """Measure and record until the technique ends; returns the last point. Raises StepFailed without any.

    However it ends, overloaded points are told in the log; `tells_overload` False: who asked judges them.
    """
    last: DcPoint | None = None
    told_s = -np.inf
    seen = OverloadSeen()
    try:
        for block in _blocks(potentiostat, technique, sample.channel):
            points: list[DcPoint] = []
            try:
                for point in block:
                    if isinstance(point, DcPoint):
                        points.append(point)
                        on_point(point)
            finally:  # what was measured is recorded, whatever was thought of it
                if points:
                    last = points[-1]
                    seen.see(points)
                    _record(rig, stream, points, sample, own)
            rig.check()
            if last is not None and last.time_s - told_s >= WATCH_EVERY_S:
                told_s = last.time_s
                watch(rig)
                rig.progress(f"{last.time_s:.0f} s, {last.voltage_V:.4g} V, {1e3 * last.current_A:.4g} mA")
    finally:
        if tells_overload:
            seen.tell(rig, potentiostat.name, f"{sample.label}, {technique.kind}")
    if last is None:
        raise StepFailed(f"{potentiostat.name} gave no point of {technique.kind}")
    return last


def _blocks(potentiostat: Potentiostat, technique: Technique, channel: int) -> Iterator[Iterable[Point]]:
    """The points of one moment together; of a real instrument, each by itself as it comes."""
    if isinstance(potentiostat, MeasuresInBlocks):
        return potentiostat.measure_in_blocks(technique, channel)
    return ((point,) for point in potentiostat.measure(technique, channel))


def _record(rig: Rig, stream: str, points: Sequence[DcPoint], sample: Sample, own: Mapping[str, Value] | None) -> None:
    many, area = len(points), electrode_area_cm2(sample)
    time_s, voltage_V, current_A, range_A, overload, charge_C, cycle, ended = map(list, zip(*points, strict=True))
    named = {"cycle": cycle} if own is None else {name: [value] * many for name, value in own.items()}
    rig.record_many(
        stream,
        [rig.t_s] * many,
        {
            **named,
            "sample": [sample.label] * many,
            "channel": [sample.channel] * many,
            "time_s": time_s,
            "voltage_V": voltage_V,
            "current_A": current_A,
            "current_density_mA_cm2": [None if area is None else 1e3 * one / area for one in current_A],
            "charge_C": charge_C,
            "current_range_A": range_A,
            "overload": list(map(int, overload)),
            "ended": ended,
        },
    )


def passed_charge_C(run: RunReader, stream: str) -> dict[str, float]:
    """The magnitude of the charge that each step passed before a break, summed over its attempts."""
    rows = run.table(stream, columns=("charge_C",))
    passed: dict[str, dict[int, float]] = {}
    for step, attempt, charge in zip(rows["step"], rows["attempt"], rows["charge_C"], strict=True):
        if np.isfinite(charge):
            attempts = passed.setdefault(str(step), {})
            attempts[int(attempt)] = max(abs(float(charge)), attempts.get(int(attempt), 0.0))
    return {step: sum(attempts.values()) for step, attempts in passed.items()}


def last_attempts(rows: Mapping[str, Any]) -> np.ndarray:
    """Mask (n,) of the rows that belong to the last attempt of their step."""
    found = np.zeros(len(rows["attempt"]), dtype=bool)
    for step in set(rows["step"].tolist()):
        mine = rows["step"] == step
        found |= mine & (rows["attempt"] == rows["attempt"][mine].max())
    return found


def told_break(results: list[Result], spans: bool, text: str = "spans a break of the run") -> list[Result]:
    """The same results; those that span a break say so in their method."""
    if not spans:
        return results
    return [replace(one, method=f"{one.method}; {text}" if one.method else text) for one in results]
