"""A ladder that was broken off for two hours: what nobody recorded, nobody counts in an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from daq.contracts import Step
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from procedures.analyse_dc import DcRequest, analyse_dc_files
from procedures.dc_streams import CYCLING, POLARISATION
from procedures.interchange.dc_file import read_dc_file
from procedures.interchange.exporting import export_run

STARTED_UNIX = 1_790_000_000.0
AMPS, HALF_S, BREAK_S = 2e-4, 1800, 7200.0
HALF_MAH = AMPS * HALF_S / 3.6
CHARGE, DISCHARGE = Step("1 charge", "charge"), Step("1 discharge", "discharge")


def half(writer: RunWriter, step: Step, stage: int, attempt: int, began_s: float, seconds: int) -> float:
    """Rows of every second at constant current; returns when it ended."""
    time_s = np.arange(1.0, seconds + 1)
    current_A = np.full(seconds, AMPS if step is CHARGE else -AMPS)
    columns = {
        "stage": [stage] * seconds, "sample": ["a"] * seconds, "channel": [1] * seconds, "time_s": time_s,
        "voltage_V": 100 * current_A, "current_A": current_A, "current_density_mA_cm2": 1e3 * current_A,
        "charge_C": current_A * time_s, "current_range_A": [1e-3] * seconds, "overload": [0] * seconds,
        "ended": [""] * seconds,
    }  # fmt: skip
    writer.record_many("polarisation", step.key, attempt, (began_s + time_s).tolist(), columns)
    return began_s + seconds


@pytest.fixture
def broken_ladder(tmp_path: Path) -> Path:
    """Two charges and discharges of the same; killed a quarter of the way through the first charge."""
    writer = RunWriter.create(
        tmp_path / "runs", procedure="critical-current", sample={"name": "a", "channel": 1}, parameters={}, bench={},
        streams=[POLARISATION], steps=[CHARGE, DISCHARGE], plan={}, versions={"cellrig": "0.1.0"},
        started_unix=STARTED_UNIX, bench_unix=STARTED_UNIX,
    )  # fmt: skip
    writer.anchor(0.0, STARTED_UNIX, "start")
    broken_s = half(writer, CHARGE, 1, writer.begin_step(CHARGE.key, 0.0), 0.0, HALF_S // 4)
    writer.end_step(CHARGE.key, 1, "broken", broken_s)
    again = writer.begin_step(CHARGE.key, broken_s + BREAK_S)
    ended_s = half(writer, CHARGE, 1, again, broken_s + BREAK_S, HALF_S - HALF_S // 4)
    writer.end_step(CHARGE.key, again, "finished", ended_s)
    last_s = half(writer, DISCHARGE, 2, writer.begin_step(DISCHARGE.key, ended_s), ended_s, HALF_S)
    writer.end_step(DISCHARGE.key, 1, "finished", last_s)
    path = writer.path
    writer.close("finished", "", last_s)
    return path


def exported(path: Path, fmt: str, target: Path) -> Path:
    with RunFile.open(path) as run:
        return export_run(run, fmt, target)[0]


def test_the_counters_of_a_bdf_file_stand_still_over_it(broken_ladder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(exported(broken_ladder, "bdf", tmp_path))
    assert table["Charging Capacity / Ah"].iloc[-1] * 1e3 == pytest.approx(HALF_MAH, rel=2e-3)
    assert table["Discharging Capacity / Ah"].iloc[-1] * 1e3 == pytest.approx(HALF_MAH, rel=2e-3)
    (gap,) = np.flatnonzero(np.diff(table["Test Time / s"]) > 0.9 * BREAK_S)
    rests = table.iloc[[gap, gap + 1]]
    assert rests["Current / A"].tolist() == [0.0, 0.0]
    assert np.ptp(rests["Charging Capacity / Ah"]) == 0.0
    assert rests["Voltage / V"].tolist() == pytest.approx([100 * AMPS] * 2)
    assert len(table) == 2 * HALF_S + 2


def test_the_charge_of_an_eclab_file_stands_still_over_it(broken_ladder: Path, tmp_path: Path) -> None:
    lines = exported(broken_ladder, "eclab", tmp_path).read_text(encoding="cp1252").splitlines()
    names = next(line for line in lines if line.startswith("mode\t")).split("\t")
    rows = [line.split("\t") for line in lines[lines.index("\t".join(names)) + 1 :]]
    passed = [float(row[names.index("(Q-Qo)/mA.h")]) for row in rows]
    assert max(passed) == pytest.approx(HALF_MAH, rel=2e-3)
    assert passed[-1] == pytest.approx(0.0, abs=2e-3 * HALF_MAH)


@pytest.mark.parametrize("fmt", ["bdf", "eclab"])
def test_who_analyses_the_file_comes_to_the_same_charge(broken_ladder: Path, tmp_path: Path, fmt: str) -> None:
    file = exported(broken_ladder, fmt, tmp_path)
    assert np.all(np.diff(read_dc_file(file).time_s) > 0)
    told = {one.name: one.value for one in analyse_dc_files(DcRequest((file,), "cycling")).results}
    assert told["charge_capacity"] == pytest.approx(HALF_MAH, rel=2e-3)
    assert told["coulombic_efficiency"] == pytest.approx(100.0, abs=0.2)


def test_what_a_cycler_went_on_with_by_itself_is_counted(tmp_path: Path) -> None:
    """Its rows are filled in later, at their own times: also where a few of them are missing."""
    writer = RunWriter.create(
        tmp_path / "runs", procedure="galvanostatic-cycling", sample={"name": "a", "channel": 1}, parameters={},
        bench={}, streams=[CYCLING], steps=[Step("schedule", "schedule")], plan={}, versions={"cellrig": "0.1.0"},
        started_unix=STARTED_UNIX, bench_unix=STARTED_UNIX,
    )  # fmt: skip
    writer.anchor(0.0, STARTED_UNIX, "start")
    writer.begin_step("schedule", 0.0)
    time_s = np.concatenate([np.arange(10.0, 500.0, 10.0), np.arange(1200.0, HALF_S + 1, 10.0)])
    for rows, attempt in ((time_s < 600, 1), (time_s > 600, 2)):
        mine = time_s[rows]
        if attempt == 2:
            writer.end_step("schedule", 1, "broken", 500.0)
            assert writer.begin_step("schedule", 9000.0) == 2
        count = len(mine)
        columns = {
            "sample": ["a"] * count, "channel": [1] * count, "record": np.flatnonzero(rows) + 1,
            "schedule_step": [1] * count, "cycle": [1] * count, "time_s": mine, "voltage_V": [3.4] * count,
            "current_A": [AMPS] * count, "current_density_mA_cm2": [1.0] * count,
            "charge_capacity_Ah": AMPS * mine / 3600, "discharge_capacity_Ah": [0.0] * count,
            "temperature_C": [25.0] * count,
        }  # fmt: skip
        writer.record_many("cycling", "schedule", attempt, (mine + 8000 * (attempt - 1)).tolist(), columns)
    path = writer.path
    writer.close("finished", "", 11_000.0)
    table = pd.read_csv(exported(path, "bdf", tmp_path))
    assert len(table) == len(time_s)
    assert table["Charging Capacity / Ah"].iloc[-1] * 3600 == pytest.approx(AMPS * (HALF_S - 10))
