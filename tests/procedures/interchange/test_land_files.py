"""LAND's exports as workbooks and as text, made here from the lists of their columns, not by anything of ours."""

from __future__ import annotations

import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from daq.errors import BadInput
from drivers.exported import read_export
from procedures.analyse_dc import DcRequest, analyse_dc_files, dc_files_among
from procedures.interchange.dc_file import is_dc_file, read_dc_file

ROWS = 240
BEGAN = datetime(2026, 3, 2, 14, 30)


def cell() -> list[tuple[int, float, float, float, str]]:
    """Record, seconds, V, A, word: an hour each way at 0.15 mA, twice."""
    made = []
    for n in range(ROWS):
        charges = (n // 60) % 2 == 0
        made.append((n + 1, 60.0 * n, 3.45 if charges else 3.35, 1.5e-4, "C_CC" if charges else "D_CC"))
    return made


def three_tables(path: Path, *, split_at: int | None = None, repeat: bool = False, above: bool = False) -> Path:
    """The older program's workbook; magnitudes in mA, the direction in StepStatus."""
    book = openpyxl.Workbook()
    cycles = book.active
    assert cycles is not None
    cycles.title = "Cycle-Tab"
    cycles.append(["Cycle", "CapC/mAh", "CapD/mAh"])
    cycles.append([1, 0.15, 0.15])
    steps = book.create_sheet("Step-Tab")
    steps.append(["StepNo", "StepStatus", "StepTime/h", "Capacity/mAh"])
    records = book.create_sheet("Record-Tab")
    header = ["Record", "TestTime/h", "Current/mA", "Capacity/mAh", "SpeCap/mAh/g", "Voltage/V", "SysTime", "StepNo",
              "StepStatus"]  # fmt: skip
    if above:
        records.append(["Cycle 1"])
    records.append(header)
    for number, (record, time_s, volt, amps, word) in enumerate(cell()):
        if split_at is not None and number == split_at:
            records = book.create_sheet("Record-Tab2")
        if repeat and number == 100:
            records.append(header)
        past = (number % 60) / 60 * 0.15
        stamp = BEGAN + timedelta(seconds=time_s)
        records.append([record, time_s / 3600, 1e3 * amps, past, 9.9, volt, stamp, number // 60 + 1, word])
    book.save(path)
    return path


def newer(path: Path, time_as: str = "clock") -> Path:
    """The newer program's workbook: uA, signed, times as a clock shows them."""
    book = openpyxl.Workbook()
    about = book.active
    assert about is not None
    about.title = "Test information"
    about.append(["Test name", "my cell"])
    about.append(["Battery code", "7QX2M9PA"])
    process = book.create_sheet("Ch1_Proc")
    process.append(["Order", "WorkMode", "Current"])
    book.create_sheet("Log").append(["started"])
    records = book.create_sheet("DefaultGroup")
    records.append(["Record", "Cycle", "Step", "WorkMode", "StepTime", "TestTime", "SysTime", "Voltage/V",
                    "Current/µA", "Capacity/uAh", "SpeCap/mAh/g", "Energy/uWh", "Power/uW"])  # fmt: skip
    for record, time_s, volt, amps, word in cell():
        at: Any = timedelta(seconds=time_s)
        if time_as == "clock":
            at = f"{int(time_s) // 86400}-{int(time_s) // 3600 % 24:02d}:{int(time_s) // 60 % 60:02d}:00.000"
        sign = -1 if word[0] == "D" else 1
        stamp = (BEGAN + timedelta(seconds=time_s)).strftime("%Y-%m-%d %H:%M:%S")
        records.append([record, 1 + (record - 1) // 120, 1, word, "00:01:00", at, stamp, volt, sign * 1e6 * amps,
                        2.5, 1.0, 1.0, 1.0])  # fmt: skip
    book.save(path)
    return starred(path)


def starred(path: Path) -> Path:
    """The program names the sheet *DefaultGroup*, which Excel itself and openpyxl would refuse to."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'"DefaultGroup"', b'"*DefaultGroup*"')
    assert b"*DefaultGroup*" in parts["xl/workbook.xml"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def text_file(path: Path, encoding: str = "utf-8", comma: bool = False) -> Path:
    lines = ["序号\ttest time/s\tstep time/s\tVoltage/V\tCurrent/mA\tCapacity/mAh\tEnergy/mWh\tDate"]
    for record, time_s, volt, amps, word in cell():
        sign = -1 if word[0] == "D" else 1
        stamp = (BEGAN + timedelta(seconds=time_s)).strftime("%Y-%m-%d %H:%M:%S")
        numbers = f"{time_s:.1f}\t{time_s % 3600:.1f}\t{volt:.4f}\t{sign * 1e3 * amps:.4f}\t0.0100\t0.0300"
        lines.append(f"{record}\t{numbers.replace('.', ',') if comma else numbers}\t{stamp}")
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize(
    "made",
    [
        lambda folder: three_tables(folder / "a.xlsx"),
        lambda folder: three_tables(folder / "a.xlsx", split_at=150),
        lambda folder: three_tables(folder / "a.xlsx", repeat=True, above=True),
        lambda folder: newer(folder / "b.xlsx"),
        lambda folder: newer(folder / "b.xlsx", "timedelta"),
        lambda folder: text_file(folder / "c.txt"),
        lambda folder: text_file(folder / "c.txt", "gb18030"),
        lambda folder: text_file(folder / "c.txt", "utf-16", comma=True),
    ],
)
def test_every_dialect_gives_the_cell_that_was_written(made: Any, tmp_path: Path) -> None:
    path = made(tmp_path)
    assert is_dc_file(path)
    table = read_export(path)
    truth = cell()
    assert len(table) == ROWS
    np.testing.assert_allclose(table.time_s, [one[1] for one in truth], atol=1e-6)
    np.testing.assert_allclose(table.voltage_V, [one[2] for one in truth])
    np.testing.assert_allclose(table.current_A, [one[3] * (-1 if one[4][0] == "D" else 1) for one in truth])
    assert table.first_unix == BEGAN.timestamp()
    assert table.current_digit_A <= 1.01e-5
    assert read_dc_file(path).program in ("LAND", "a cycler")
    charge = [
        one for one in analyse_dc_files(DcRequest((path,), active_mass_mg=1.0)).results if one.name == "charge_capacity"
    ]
    low, high = charge[0].interval or (0, 0)
    assert low <= 150 <= high


def test_what_stands_around_the_records_is_kept_for_the_id(tmp_path: Path) -> None:
    assert "7QX2M9PA" in read_export(newer(tmp_path / "b.xlsx")).around


def test_a_folder_of_workbooks_is_cycling_data(tmp_path: Path) -> None:
    newer(tmp_path / "b.xlsx")
    three_tables(tmp_path / "a.xlsx")
    assert len(dc_files_among([tmp_path])) == 2


def test_a_workbook_half_written_or_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    whole = newer(tmp_path / "b.xlsx").read_bytes()
    half = tmp_path / "half.xlsx"
    half.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="still being written"):
        read_dc_file(half)
    old = tmp_path / "old.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(BadInput, match="older kind"):
        read_dc_file(old)
    empty = tmp_path / "empty.xlsx"
    openpyxl.Workbook().save(empty)
    assert not is_dc_file(empty)
    with pytest.raises(BadInput, match="no sheet names"):
        read_dc_file(empty)


def test_a_column_without_a_unit_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["TestTime/h", "Voltage/V", "Current"])
    for n in range(9):
        sheet.append([n / 60, 3.4, 1.5])
    book.save(tmp_path / "bare.xlsx")
    with pytest.raises(BadInput, match="current has no unit"):
        read_dc_file(tmp_path / "bare.xlsx")
