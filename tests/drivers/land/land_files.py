"""A test of a LAND channel and its export, written by hand in the shape of the text export."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.schedule import Current, End, Loop, Protection, Record, Rest, Schedule
from drivers.step_sheet import sheet_id

AMPS = 1.5e-4
LONG = End("time_s", "above", 36000)
SCHEDULE = Schedule(
    "cycling",
    (
        Current(AMPS, (End("voltage_V", "above", 3.8), LONG), Record(60)),
        Current(-AMPS, (End("voltage_V", "below", 2.9), LONG), Record(60)),
        Rest(600, Record(60)),
        Loop(1, 3),
    ),
    Protection(2.7, 4.0, 2e-4),
)
CODE = sheet_id(SCHEDULE, "cell")
BEGAN = datetime(2026, 3, 2, 14, 30)
HEADER = "Record\tTest Time/s\tVoltage/V\tCurrent/{unit}\tCapacity/mAh\tStepNo\tStepStatus\tSysTime"
FACTORS = {"mA": 1e3, "uA": 1e6, "µA": 1e6}


def cycled(cycles: int = 3) -> list[tuple[float, float, float, int, str]]:
    """Seconds, V, A, step, word: an hour up, an hour down, ten minutes of rest, a row a minute."""
    rows: list[tuple[float, float, float, int, str]] = []
    time_s = 0.0
    for _ in range(cycles):
        for step, minutes, sign, word in ((1, 60, 1, "C_CC"), (2, 60, -1, "D_CC"), (3, 10, 0, "R")):
            for minute in range(minutes + 1):
                ramp = minute / minutes
                volt = {1: 3.4 + 0.4 * ramp, -1: 3.6 - 0.7 * ramp, 0: 3.3}[sign]
                rows.append((time_s, volt, sign * AMPS, step, word))
                time_s += 60.0
    return rows


def export(path: Path, rows: Any, **more: Any) -> Path:
    """By hand, in the shape of the text export."""
    code, unit, digits = more.get("code", CODE), more.get("unit", "mA"), more.get("digits", 4)
    lines = [f"battery: {code}", HEADER.format(unit=more.get("written", unit))]
    began = more.get("began", BEGAN)
    for number, (time_s, volt, amps, step, word) in enumerate(rows, 1):
        stamp = f"{began + timedelta(seconds=time_s):%Y-%m-%d %H:%M:%S}"
        amount = f"{FACTORS[unit] * amps:.{digits}f}"
        lines.append(f"{number}\t{time_s:.1f}\t{volt:.4f}\t{amount}\t0.01\t{step}\t{word}\t{stamp}")
    path.write_text("\n".join(lines) + more.get("end", "\n"), encoding="utf-8")
    return path
