"""Run files of impedance sweeps, written by hand with whatever may go wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from daq.contracts import Outcome, Result, Step
from daq.runfile.writer import RunWriter
from drivers.temperature import TEMPERATURE_STREAM
from procedures.eis_streams import IMPEDANCE, SPECTRA

FREQUENCY_HZ = np.logspace(6, 0, 43)
STEP_S = 1000.0


@dataclass
class Taken:
    """A spectrum for a record by hand."""

    setpoint_C: float
    z_ohm: np.ndarray
    sample: str = "pellet"
    direction: str = "heating"
    settled: bool = True
    attempt: int = 1
    overload: np.ndarray = field(default_factory=lambda: np.zeros(len(FREQUENCY_HZ), dtype=int))


def blocking_cell(setpoint_C: float, noise: float = 1e-3, seed: int = 1) -> np.ndarray:
    """25 kohm at 25 °C, 0.56 eV, one arc and a blocking line."""
    shift = 0.56 / 8.617e-5 * (1 / (setpoint_C + 273.15) - 1 / 298.15)
    arc, jw = 25e3 * np.exp(shift), 2j * np.pi * FREQUENCY_HZ
    z = arc / (1 + (jw * arc * 2.5e-10) ** 0.95) + 1 / (5e-6 * jw**0.85)
    rng = np.random.default_rng(seed + round(setpoint_C))
    return z * (1 + noise * (rng.standard_normal(len(jw)) + 1j * rng.standard_normal(len(jw))))


PELLET = {"name": "pellet", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10.0}}


def write_record(
    folder: Path,
    taken: Sequence[Taken] = (),
    *,
    sample: dict[str, Any] | None = None,
    procedure: str = "eis-sweep",
    outcome: Outcome | None = "finished",
    results: Sequence[Result] = (),
    more_steps: Sequence[str] = (),
    every: int = 1,
    say: Callable[[RunWriter], None] = lambda writer: None,
) -> Path:
    """A run as the engine leaves it. `outcome` None: killed. An attempt 2 follows a broken one half an hour later;
    `every` third point, say, makes the analysis of many spectra quick.
    """
    keys = list(dict.fromkeys((one.setpoint_C, one.direction) for one in taken)) or [(30.0, "heating")]
    writer = RunWriter.create(
        folder,
        procedure=procedure,
        sample=PELLET if sample is None else sample,
        parameters={"temperatures_C": [key[0] for key in keys], "frequency_max_Hz": 1e6, "bias_V": "ocp"},
        bench={"bench": {"name": "by hand"}, "instruments": {"furnace": {"driver": "eurotherm", "port": "COM4"}}},
        streams=[IMPEDANCE, SPECTRA, TEMPERATURE_STREAM],
        steps=[Step(f"{t:g} {way}", f"{t:g} °C ({way})") for t, way in keys] + [Step(key, key) for key in more_steps],
        plan={},
        versions={"cellrig": "0.0.7", "python": "3.11"},
        started_unix=1.8e9,
        bench_unix=1.8e9,
    )
    writer.anchor(0.0, 1.8e9, "start")
    t_s = 0.0
    for number, one in enumerate(taken, 1):
        t_s = _write_spectrum(writer, number, one, t_s, every)
    writer.replace_results(results)
    say(writer)
    if outcome is None:
        writer.abandon()
    else:
        writer.close(outcome, "all steps done" if outcome == "finished" else "somebody said so", t_s)
    return writer.path


def _write_spectrum(writer: RunWriter, number: int, one: Taken, t_s: float, every: int) -> float:
    key = f"{one.setpoint_C:g} {one.direction}"
    if writer.attempt_of(key) < one.attempt:
        while writer.attempt_of(key) + 1 < one.attempt:
            attempt = writer.begin_step(key, t_s)
            writer.end_step(key, attempt, "broken", t_s + 300)
            t_s += 2100
        writer.begin_step(key, t_s)
    times = t_s + np.arange(0.0, STEP_S, 10.0)
    level = {"temperature_C": one.setpoint_C, "setpoint_C": one.setpoint_C, "working_setpoint_C": one.setpoint_C}
    columns = {name: np.full(len(times), value) for name, value in level.items()}
    columns |= {"output_percent": np.full(len(times), 30.0), "sample_temperature_C": np.full(len(times), np.nan)}
    writer.record_many("temperature", key, one.attempt, times, columns)
    points = list(zip(FREQUENCY_HZ, one.z_ohm, one.overload, strict=True))[::every]
    for hertz, z, overload in points:
        values = {"frequency_Hz": hertz, "z_real_ohm": z.real, "z_imag_ohm": z.imag, "overload": int(overload)}
        fixed = {"amplitude_V": 0.01, "bias_V": 0.0, "dc_current_A": 0.0, "current_range_A": 1e-3, "duration_s": 0.5}
        place = {"sample": one.sample, "channel": 1, "spectrum": number, "setpoint_C": one.setpoint_C}
        writer.record("impedance", key, one.attempt, t_s + 900, place | values | fixed)
    row: dict[str, Any] = {column.name: None for column in SPECTRA.columns}
    row |= {
        "spectrum": number,
        "sample": one.sample,
        "channel": 1,
        "direction": one.direction,
        "setpoint_C": one.setpoint_C,
        "sample_temperature_C": one.setpoint_C + 0.05,
        "sample_temperature_uncertainty_K": 0.05,
        "settled": int(one.settled),
        "release": "settled; by hand" if one.settled else "not settled after 2 h; measured as the rule says",
        "settle_s": 800.0,
        "drift_K": 0.01,
        "started_s": t_s + 880,
        "ended_s": t_s + 920,
        "points": len(points),
    }
    writer.record("spectra", key, one.attempt, t_s + 920, row)
    writer.end_step(key, one.attempt, "finished", t_s + 990)
    return t_s + STEP_S
