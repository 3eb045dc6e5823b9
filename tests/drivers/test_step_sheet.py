"""The step sheet: what a person types in is the schedule, to the last number; its id is that of schedule and sample."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from daq.errors import BadInput
from drivers.schedule import Current, CurrentThenVoltage, End, Loop, Protection, Record, Rest, Schedule, Voltage
from drivers.step_sheet import COLUMNS, ID_LETTERS, sheet_id, sheet_of
from procedures.cli.app import run_app
from procedures.sheet import sheet_page

STEPS = (
    Rest(3600, Record(60)),
    CurrentThenVoltage(1.12e-4, 3.8, (End("current_A", "below", 5.6e-6), End("time_s", "above", 36000))),
    Current(-1.12e-4, (End("voltage_V", "below", 0.0), End("capacity_Ah", "above", 2e-4)), Record(10, 0.005, 1e-6)),
    Voltage(3.0, 1e-3, (End("time_s", "above", 600),)),
    Loop(2, 150),
)
SCHEDULE = Schedule("cycling", STEPS, Protection(-0.2, 4.0, 1.5e-4, delay_s=2.0))


def test_currents_stand_in_both_units_and_every_end_has_its_column() -> None:
    rest, charge, discharge, hold, loop = sheet_of(SCHEDULE, "cell 7").rows
    assert (rest["type"], rest["until_time_s"], rest["record_every_s"]) == ("rest", "3600", "60")
    assert (charge["current_uA"], charge["current_mA"], charge["direction"]) == ("112", "0.112", "charge")
    assert (charge["voltage_V"], charge["until_current_below_uA"], charge["until_time_s"]) == ("3.8", "5.6", "36000")
    assert (discharge["direction"], discharge["until_below_V"]) == ("discharge", "0")
    assert (discharge["until_capacity_uAh"], discharge["until_capacity_mAh"]) == ("200", "0.2")
    assert (discharge["record_every_V"], discharge["record_every_uA"]) == ("0.005", "1")
    assert (hold["voltage_V"], hold["current_mA"]) == ("3", "1")
    assert (loop["loop_to"], loop["loop_times"], loop["current_uA"]) == ("2", "150", "")


def test_the_id_is_that_of_schedule_and_sample() -> None:
    first = sheet_id(SCHEDULE, "cell 7")
    assert len(first) == 8
    assert set(first) <= set(ID_LETTERS)
    assert sheet_id(replace(SCHEDULE, id="another title"), "cell 7") == first
    assert sheet_id(SCHEDULE, "cell 8") != first
    assert sheet_id(replace(SCHEDULE, steps=(*STEPS[:-1], Loop(2, 151))), "cell 7") != first
    assert sheet_id(replace(SCHEDULE, protection=Protection(-0.2, 4.01, 1.5e-4)), "cell 7") != first


def test_the_csv_and_the_page_say_the_same_and_markup_in_a_name_is_only_text() -> None:
    sheet = sheet_of(SCHEDULE, "<b>cell</b>, 7")
    rows = list(csv.reader(sheet.csv().splitlines()))
    assert rows[0] == ["id", sheet.id]
    assert rows[2] == ["sample", "<b>cell</b>, 7"]
    assert ["delay_s", "2"] in rows
    assert rows[rows.index([]) + 1] == list(COLUMNS)
    page = sheet_page(sheet)
    assert sheet.id in page
    assert "<b>cell" not in page
    for value in ("112", "0.112", "3.8", "150", "5.6"):
        assert f">{value}<" in page
    assert "neither starts nor stops" in page


def test_an_end_that_cannot_be_printed_is_refused() -> None:
    odd = Current(1e-4, (End("current_A", "above", 1e-3),))
    with pytest.raises(BadInput, match="step 1"):
        sheet_of(replace(SCHEDULE, steps=(odd,)), "cell")
    twice = Current(1e-4, (End("time_s", "above", 60), End("time_s", "above", 90)))
    with pytest.raises(BadInput, match="two ends"):
        sheet_of(replace(SCHEDULE, steps=(twice,)), "cell")


PLAN = """
bench = "bench.toml"
[sample]
name = "cell"
active = { mass_mg = 1.4 }
[[run]]
procedure = "galvanostatic-cycling"
cycles = 3
"""
BENCH = """
[bench]
name = "cycler"
[instruments.cycler]
driver = "simulated-cycler"
[simulation]
cell = "lfp"
preset = "K001"
"""


def test_the_command_writes_them_and_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "bench.toml").write_text(BENCH, encoding="utf-8")
    for status in (0, 2):
        with pytest.raises(SystemExit) as ended:
            run_app(["sheet", str(tmp_path / "plan.toml")])
        assert (ended.value.code or 0) == status
    shown = capsys.readouterr()
    assert "charge at 0.112 mA" in shown.out
    assert "is there already" in shown.err
    (page,) = tmp_path.glob("sheet_*.html")
    assert page.with_suffix(".csv").exists()
    assert page.stem.removeprefix("sheet_") in shown.out
