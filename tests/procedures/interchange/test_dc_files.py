"""Cycling files of other programs: a real LAND export and its BDF twin, dialects by hand, nonsense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daq.errors import BadInput
from procedures.analyse_dc import DcRequest, analyse_dc_files, dc_files_among
from procedures.cli.app import run_app
from procedures.interchange.dc_file import is_dc_file, read_dc_file

LAND = Path(__file__).parents[2] / "data" / "cycling" / "land"
STEM = "SINTEF__LiGrR2032__2024-04-30__25degC__Landt.first8000"
LFP = Path(__file__).parents[3] / "examples" / "paper" / "lfp.toml"


def test_a_real_land_export_says_what_its_bdf_twin_says() -> None:
    """Apache-2.0, battery-data-alliance/battery-data-format; the first 8000 rows."""
    land, twin = read_dc_file(LAND / f"{STEM}.csv"), read_dc_file(LAND / f"{STEM}.bdf.csv")
    assert len(land.time_s) == 8000
    for quantity in ("time_s", "voltage_V", "current_A"):
        np.testing.assert_array_equal(getattr(land, quantity), getattr(twin, quantity))
    assert land.program == "LAND"
    assert land.current_resolution_A == pytest.approx(2e-4)
    ours, theirs = (analyse_dc_files(DcRequest((LAND / name,))) for name in (f"{STEM}.csv", f"{STEM}.bdf.csv"))
    assert [(r.name, r.at, r.value) for r in ours.results] == [(r.name, r.at, r.value) for r in theirs.results]
    assert any("last digit of 200 µA" in note and "export in mA or µA" in note for note in ours.notes)


# ---------------------------------------------------------------- dialects, written by hand
def cell(rows: int = 240) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An hour each way at 0.15 mA, twice."""
    time_s = np.arange(rows) * 60.0
    sign = np.where((time_s // 3600) % 2 == 0, 1.0, -1.0)
    return time_s, 3.4 + 0.05 * sign + 1e-5 * time_s / 60, 1.5e-4 * sign


def written(folder: Path, header: str, *, separator: str, row: str, before: str = "", encoding: str = "utf-8") -> Path:
    time_s, voltage_V, current_A = cell()
    lines = [before + header]
    for number, (t, volt, ampere) in enumerate(zip(time_s, voltage_V, current_A, strict=True), 1):
        kind = "C_CC" if ampere > 0 else "D_CC"
        currents = {"mA": 1e3 * ampere, "uA": 1e6 * ampere, "A": ampere, "size": abs(1e3 * ampere)}
        line = row.format(n=number, t=t, h=t / 3600, v=volt, kind=kind, **currents)
        lines.append(line.replace(".", ",") if separator == ";" else line)
    path = folder / "cell.txt"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("header", "separator", "row", "encoding"),
    [
        ("Record\tTestTime/h\tVoltage/V\tCurrent/mA\tStepStatus", "\t", "{n}\t{h:.9f}\t{v}\t{mA}\t{kind}", "utf-8"),
        ("Record\tTestTime/s\tVoltage/V\tCurrent/uA", "\t", "{n}\t{t}\t{v}\t{uA}", "utf-16"),
        ("序号\tTestTime/s\tVoltage/V\tCurrent/µA", "\t", "{n}\t{t}\t{v}\t{uA}", "gb18030"),
        ("Test Time / s,Voltage / V,Current / A", ",", "{t},{v},{A}", "utf-8"),
        ("test_time_second,voltage_volt,current_ampere", ",", "{t},{v},{A}", "utf-8"),
        ("Test Time/min;Voltage(V);Current(mA)", ";", "{t}e0;{v};{mA}", "utf-8"),
        ("Record\tTestTime/s\tVoltage/V\tCurrent/mA\tStepStatus", "\t", "{n}\t{t}\t{v}\t{size}\t{kind}", "utf-8"),
    ],
)
def test_units_are_read_from_the_header(header: str, separator: str, row: str, encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, header, separator=separator, row=row, encoding=encoding)
    found = read_dc_file(path)
    time_s, voltage_V, current_A = cell()
    factor = 60 if "/min" in header else 1
    np.testing.assert_allclose(found.time_s, factor * time_s, atol=1e-4)
    np.testing.assert_allclose(found.voltage_V, voltage_V)
    np.testing.assert_allclose(found.current_A, current_A)
    assert is_dc_file(path)


def test_capacities_of_a_known_record(tmp_path: Path) -> None:
    path = written(tmp_path, "Test Time / s,Voltage / V,Current / A", separator=",", row="{t},{v},{A}")
    found = analyse_dc_files(DcRequest((path,), active_mass_mg=1.0))
    charge = next(one for one in found.results if one.name == "charge_capacity" and one.at["cycle"] == 1)
    low, high = charge.interval or (0, 0)
    assert low <= 150 <= high  # 0.15 mA for an hour over 1 mg
    assert charge.unit == "mAh/g"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["Test Time / s,Voltage / V,Current"], "has no unit"),
        (["Test Time / s,Voltage / V,Current / A", "0,3,1", "1,3", "2,3,1", "3,3,1"], "line 3"),
        (["Test Time / s,Voltage / V,Current / A", "0,3,1", "1,x,1", "2,3,1", "3,3,1", "4,3,1"], "line 3"),
        (["Test Time / s,Voltage / V,Current / A", "0,3,1", "9,3,1", "2,3,1", "3,3,1", "4,3,1"], "backwards"),
        (["Test Time / s,Voltage / V,Current / A", "0,3,1"], "too few"),
        (["Test Time / s,Voltage / V,Current / A", *[f"{n},3,0" for n in range(9)]], "no current flows"),
        (["time,volts"], "names a time"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_with_its_line(lines: list[str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=says):
        analyse_dc_files(DcRequest((path,)))


ECLAB = "EC-Lab ASCII FILE\r\nNb header lines : 6\r\n\r\n{}\r\n\r\n"


@pytest.mark.parametrize("before", ["", ECLAB.format("Open Circuit Voltage")], ids=["columns alone", "EC-Lab's text"])
def test_eclab_s_open_circuit_has_no_current(tmp_path: Path, before: str) -> None:
    """2.1 V at its end, falling by 3.6 mV an hour: as the procedure `open-circuit` tells it."""
    rows = [f"{10 * k}\t{2.1 + 1e-6 * (7200 - 10 * k):.7f}\t" for k in range(721)]
    path = tmp_path / "rest.mpt"
    path.write_text(before + "\r\n".join(["time/s\tEcell/V\t", *rows, ""]), encoding="cp1252", newline="")
    assert is_dc_file(path)
    found = analyse_dc_files(DcRequest((path,)))
    values = {one.name: (one.value, one.unit) for one in found.results}
    assert values["open_circuit_potential"] == (pytest.approx(2.1, abs=1e-6), "V")
    assert values["drift"] == (pytest.approx(-3.6, abs=1e-3), "mV/h")
    assert any("no current in this file" in note for note in found.notes)
    with pytest.raises(BadInput, match=r"rest\.mpt: has no current"):
        analyse_dc_files(DcRequest((path,), kind="cycling"))


def test_another_technique_without_its_current_is_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "sweep.mpt"
    table = "\r\n".join(["time/s\tEwe/V\t", *[f"{k}\t{2.1 + 1e-3 * k}\t" for k in range(100)], ""])
    path.write_text(ECLAB.format("Cyclic Voltammetry") + table, encoding="cp1252", newline="")
    with pytest.raises(BadInput, match="no line names a time, a voltage and a current"):
        read_dc_file(path)


def test_nova_s_applied_potential_is_taken_where_the_measured_one_was_left_out(tmp_path: Path) -> None:
    header = ["Potential applied (V)", "Time (s)", "WE(1).Current (A)"]
    rows = [[f"{1e-3 * k:.4f}", f"{k}", f"{1e-6 * k:.3e}"] for k in range(200)]
    path = tmp_path / "sweep.txt"
    path.write_text("\n".join(";".join(cells) for cells in [header, *rows]) + "\n", encoding="utf-8")
    found = read_dc_file(path)
    assert found.program == "NOVA"
    np.testing.assert_allclose(found.voltage_V, 1e-3 * np.arange(200))
    assert any("one that was applied" in note for note in found.notes)
    measured = [[*header, "WE(1).Potential (V)"], *([*row, f"{5e-3 + float(row[0]):.4f}"] for row in rows)]
    path.write_text("\n".join(";".join(cells) for cells in measured) + "\n", encoding="utf-8")
    beside = read_dc_file(path)
    np.testing.assert_allclose(beside.voltage_V, 5e-3 + 1e-3 * np.arange(200))
    assert not beside.notes


def test_a_file_that_still_grows_is_read_to_its_last_whole_row(tmp_path: Path) -> None:
    whole = (LAND / f"{STEM}.csv").read_text(encoding="utf-8")
    path = tmp_path / "growing.csv"
    path.write_text(whole[: whole.rindex(",rest,") - 70], encoding="utf-8")
    found = read_dc_file(path)
    assert 3 < len(found.time_s) < 8000
    assert any("may still be growing" in note for note in found.notes)


def test_a_spectrum_is_no_cycling_file(tmp_path: Path) -> None:
    path = tmp_path / "eis.csv"
    path.write_text("Frequency / Hz,Test Time / s,Voltage / V,Current / A\n1,0,0,0\n", encoding="utf-8")
    assert not is_dc_file(path)
    assert not dc_files_among([path])
    assert len(dc_files_among([LAND])) == 2  # a folder of them; the licence beside is no data
    assert len(dc_files_among([LAND, path])) == 3  # what most of them are; the spectrum is refused by name
    refused = analyse_dc_files(DcRequest(tuple(dc_files_among([LAND, path])))).refused
    assert [one.path for one in refused] == [path]
    assert not dc_files_among([LAND / f"{STEM}.csv", path, path.with_name("b.csv"), path.with_name("c.csv")])


def test_the_command_line_reads_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_app(["analyse", str(LAND / f"{STEM}.csv"), "--mass", "10"])
    assert ended.value.code in (0, None)
    shown = capsys.readouterr()
    assert "mAh/g" in shown.out
    assert "export in mA" in " ".join(shown.out.split())
