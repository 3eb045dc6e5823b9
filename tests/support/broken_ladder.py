"""The run file of a ladder of currents that was killed and taken up two hours later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from daq.contracts import Result, Step
from daq.runfile.writer import RunWriter
from procedures.dc_streams import POLARISATION

STARTED_UNIX = 1_790_000_000.0
AMPS, HALF_S, BREAK_S = 2e-4, 1800, 7200.0
HALF_MAH = AMPS * HALF_S / 3.6
CHARGE, DISCHARGE = Step("1 charge", "charge"), Step("1 discharge", "discharge")


def half(writer: RunWriter, step: Step, stage: int, attempt: int, began_s: float, seconds: int, amps: float) -> float:
    """Rows of every second at constant current; returns when it ended."""
    time_s = np.arange(1.0, seconds + 1)
    current_A = np.full(seconds, amps if step is CHARGE else -amps)
    columns = {
        "stage": [stage] * seconds, "sample": ["a"] * seconds, "channel": [1] * seconds, "time_s": time_s,
        "voltage_V": 100 * current_A, "current_A": current_A, "current_density_mA_cm2": 1e3 * current_A,
        "charge_C": current_A * time_s, "current_range_A": [1e-3] * seconds, "overload": [0] * seconds,
        "ended": [""] * seconds,
    }  # fmt: skip
    writer.record_many("polarisation", step.key, attempt, (began_s + time_s).tolist(), columns)
    return began_s + seconds


def write_broken_ladder(folder: Path, amps: float = AMPS, results: Sequence[Result] = ()) -> Path:
    """Two charges and discharges of the same; killed a quarter of the way through the first charge."""
    writer = RunWriter.create(
        folder, procedure="critical-current", sample={"name": "a", "channel": 1}, parameters={}, bench={},
        streams=[POLARISATION], steps=[CHARGE, DISCHARGE], plan={}, versions={"cellrig": "0.1.0"},
        started_unix=STARTED_UNIX, bench_unix=STARTED_UNIX,
    )  # fmt: skip
    writer.anchor(0.0, STARTED_UNIX, "start")
    broken_s = half(writer, CHARGE, 1, writer.begin_step(CHARGE.key, 0.0), 0.0, HALF_S // 4, amps)
    writer.end_step(CHARGE.key, 1, "broken", broken_s)
    again = writer.begin_step(CHARGE.key, broken_s + BREAK_S)
    ended_s = half(writer, CHARGE, 1, again, broken_s + BREAK_S, HALF_S - HALF_S // 4, amps)
    writer.end_step(CHARGE.key, again, "finished", ended_s)
    last_s = half(writer, DISCHARGE, 2, writer.begin_step(DISCHARGE.key, ended_s), ended_s, HALF_S, amps)
    writer.end_step(DISCHARGE.key, 1, "finished", last_s)
    writer.replace_results(results)
    path = writer.path
    writer.close("finished", "", last_s)
    return path
