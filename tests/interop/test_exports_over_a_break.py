"""A ladder that was broken off for two hours: what nobody recorded, nobody counts in an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken_ladder import AMPS, BREAK_S, HALF_MAH, HALF_S, STARTED_UNIX, write_broken_ladder

from daq.contracts import Step
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from procedures.analyse_dc import DcRequest, analyse_dc_files
from procedures.dc_streams import CYCLING
from procedures.interchange.dc_file import read_dc_file
from procedures.interchange.exporting import export_run


@pytest.fixture
def broken_ladder(tmp_path: Path) -> Path:
    return write_broken_ladder(tmp_path / "runs")


def cycling_writer(folder: Path) -> RunWriter:
    writer = RunWriter.create(
        folder, procedure="galvanostatic-cycling", sample={"name": "a", "channel": 1}, parameters={}, bench={},
        streams=[CYCLING], steps=[Step("schedule", "schedule")], plan={}, versions={"cellrig": "0.1.0"},
        started_unix=STARTED_UNIX, bench_unix=STARTED_UNIX,
    )  # fmt: skip
    writer.anchor(0.0, STARTED_UNIX, "start")
    return writer


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
    writer = cycling_writer(tmp_path / "runs")
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


def test_the_calendar_of_a_bdf_file_goes_on_where_a_potentiostat_cycled(tmp_path: Path) -> None:
    """Its `time_s` is the time under test: it stands still over a break, the calendar does not."""
    writer = cycling_writer(tmp_path / "runs")
    time_s = np.arange(10.0, 1001.0, 10.0)
    t_s = time_s + np.where(time_s > 500, BREAK_S, 0.0)
    for attempt, mine in ((1, time_s <= 500), (2, time_s > 500)):
        assert writer.begin_step("schedule", float(t_s[mine][0]) - 10) == attempt
        count = int(mine.sum())
        columns = {
            "sample": ["a"] * count, "channel": [1] * count, "record": np.flatnonzero(mine) + 1,
            "schedule_step": [1] * count, "cycle": [1] * count, "time_s": time_s[mine], "voltage_V": [3.4] * count,
            "current_A": [AMPS] * count, "current_density_mA_cm2": [1.0] * count,
            "charge_capacity_Ah": AMPS * time_s[mine] / 3600, "discharge_capacity_Ah": [0.0] * count,
            "temperature_C": [None] * count,
        }  # fmt: skip
        writer.record_many("cycling", "schedule", attempt, t_s[mine], columns)
        writer.end_step("schedule", attempt, "broken" if attempt == 1 else "finished", float(t_s[mine][-1]))
    path = writer.path
    writer.close("finished", "", 9000.0)
    table = pd.read_csv(exported(path, "bdf", tmp_path))
    assert table["Test Time / s"].tolist() == pytest.approx(time_s)
    assert (table["Unix Time / s"] - STARTED_UNIX).tolist() == pytest.approx(t_s)
    assert table["Charging Capacity / Ah"].iloc[-1] * 3600 == pytest.approx(AMPS * 990)
