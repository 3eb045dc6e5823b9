"""Files of cycling and voltammetry that are broken in the ways files break: each ends with a sentence that names it,
or is read to where it is whole and says so; never a traceback, never a number from a guess."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from procedures.analyse_dc import DcRequest, analyse_dc_files
from procedures.cli.app import run_app
from procedures.interchange.dc_file import read_dc_file

ROWS = 400


def cycled() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """0.15 mA for an hour each way."""
    time_s = np.arange(ROWS) * 36.0
    sign = np.where((time_s // 3600) % 2 == 0, 1.0, -1.0)
    return time_s, 3.4 + 0.05 * sign + 1e-6 * time_s, 1.5e-4 * sign


def swept() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From 2 V up at 10 mV/s; 5 µA/cm2 at 3.5 V, 60 mV per decade."""
    time_s = np.arange(ROWS) * 0.5
    volt = 2.0 + 0.01 * time_s
    return time_s, volt, 5e-6 * 10 ** ((volt - 3.5) / 0.06)


def mpt(columns: tuple[np.ndarray, ...], technique: str, comma: bool = False) -> str:
    head = ["", technique, "", "Run on channel : 1 (SN 1)", "Electrode surface area : 0.001 cm²", ""]
    lines = ["EC-Lab ASCII FILE", f"Nb header lines : {len(head) + 3}", *head]
    lines.append("mode\ttime/s\tEwe/V\t<I>/mA\tcycle number\t")
    for t, v, i in zip(*columns, strict=True):
        row = f"1\t{t:.6e}\t{v:.9e}\t{1e3 * i:.9e}\t1.000000e+000\t"
        lines.append(row.replace(".", ",") if comma else row)
    return "\r\n".join(lines) + "\r\n"


def nova(columns: tuple[np.ndarray, ...], comma: bool = False) -> str:
    lines = ["Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Scan;Index;Q+;Q-"]
    for n, (t, v, i) in enumerate(zip(*columns, strict=True), 1):
        row = f"{v:.5f};{t:.4f};{i:.6E};{v:.6f};1;{n};0;0"
        lines.append(row.replace(".", ",") if comma else row)
    return "\n".join(lines) + "\n"


CYCLING, SWEEP, NOVA = mpt(cycled(), "Galvanostatic Cycling with Potential Limitation"), mpt(
    swept(), "Linear Sweep Voltammetry"
), nova(swept())  # fmt: skip


def head_of(text: str, lines: int) -> str:
    return "".join(line + "\n" for line in text.splitlines()[:lines])


def without(text: str, column: str, separator: str) -> str:
    lines = text.splitlines()
    header = next(n for n, line in enumerate(lines) if column in line)
    place = lines[header].split(separator).index(column)
    cut = [separator.join(c for n, c in enumerate(line.split(separator)) if n != place) for line in lines[header:]]
    return "\n".join([*lines[:header], *cut]) + "\n"


def cell_changed(text: str, line: int, to: str, separator: str, place: int) -> str:
    lines = text.splitlines()
    cells = lines[line].split(separator)
    cells[place] = to
    lines[line] = separator.join(cells)
    return "\n".join(lines) + "\n"


BROKEN: dict[str, tuple[str, str, str]] = {
    "empty": ("a.mpt", "", "is empty"),
    "blank lines": ("a.csv", "\n\n\n", "is empty"),
    "header only": ("a.mpt", head_of(CYCLING, 9), "0 rows, too few"),
    "half a header": ("a.mpt", head_of(CYCLING, 5), "announced with 9 lines"),
    "half a table header": ("a.csv", "Test Time / s,Volt", "no line names"),
    "no current": ("a.mpt", without(CYCLING, "<I>/mA", "\t"), "no spectrum: the columns are|no line names"),
    "no time": ("a.txt", without(NOVA, "Time (s)", ";"), "no line names"),
    "no unit": ("a.txt", NOVA.replace("WE(1).Current (A)", "WE(1).Current"), "current has no unit"),
    "a unit that is none": ("a.mpt", CYCLING.replace("<I>/mA", "<I>/mV"), "current has no unit|unit"),
    "a potential in ampere": ("a.txt", NOVA.replace("WE(1).Potential (V)", "WE(1).Potential (A)"), "voltage has no"),
    "words for numbers": ("a.mpt", cell_changed(CYCLING, 20, "overload", "\t", 3), "line 21"),
    "two decimal marks": ("a.mpt", cell_changed(CYCLING, 20, "1,5", "\t", 3), "line"),
    "a first row that is short": ("a.txt", NOVA.replace(";1;0;0\n", "\n", 1), "fewer columns"),
    "a cycle beyond all counting": ("a.mpt", cell_changed(CYCLING, 20, "1e300", "\t", 4), "line 21"),
    "two tests in one file": ("a.mpt", CYCLING + "\r\n".join(CYCLING.split("\r\n")[9:]), "backwards"),
    "no current flows": ("a.csv", "Time / s,Voltage / V,Current / A\n" + "".join(f"{n},3,0\n" for n in range(99)),
                         "no current flows.*--as open-circuit"),
    "not text": ("a.mpt", "EC-Lab ASCII FILE\r\n\x00\x01\x02\x03", "no text|bytes that are no text"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_ends_with_a_sentence(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, content, says = BROKEN[what]
    path = tmp_path / name
    path.write_bytes(content.encode("cp1252"))
    with pytest.raises(SystemExit) as ended:
        run_app(["analyse", str(path), "--diameter-mm", "9"])
    told = capsys.readouterr()
    assert ended.value.code == 2, told.out
    assert told.out == ""
    assert re.search(says, told.err), told.err
    assert str(path) in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize("cut", [60, 900, 7000, 15_000])
@pytest.mark.parametrize(("name", "whole"), [("a.mpt", CYCLING), ("b.mpt", SWEEP), ("c.txt", NOVA)])
def test_a_file_cut_anywhere_is_a_beginning_of_the_truth_or_a_sentence(
    name: str, whole: str, cut: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full, path = tmp_path / f"full_{name}", tmp_path / name
    full.write_bytes(whole.encode("cp1252"))
    path.write_bytes(whole.encode("cp1252")[:cut])
    with pytest.raises(SystemExit) as ended:
        run_app(["analyse", str(path), "--diameter-mm", "9"])
    told = capsys.readouterr()
    if ended.value.code:
        assert ended.value.code == 2
        assert path.name in told.err
        return
    truth, found = read_dc_file(full), read_dc_file(path)
    count = len(found.time_s)
    assert any("left out" in note for note in found.notes)
    for quantity in ("time_s", "voltage_V", "current_A"):
        np.testing.assert_array_equal(getattr(found, quantity), getattr(truth, quantity)[:count])


@pytest.mark.parametrize("made", [lambda: mpt(swept(), "Linear Sweep Voltammetry", comma=True),
                                  lambda: nova(swept(), comma=True)])  # fmt: skip
def test_decimal_commas_are_numbers(made: Callable[[], str], tmp_path: Path) -> None:
    comma, point = tmp_path / "comma.txt", tmp_path / "point.txt"
    comma.write_bytes(made().encode("cp1252"))
    point.write_bytes((SWEEP if "EC-Lab" in made() else NOVA).encode("cp1252"))
    ours, theirs = (analyse_dc_files(DcRequest((path,), area_cm2=1.0)).results for path in (comma, point))
    assert [(one.name, one.value) for one in ours] == [(one.name, one.value) for one in theirs]
    onset = next(one for one in ours if one.name == "oxidation_onset")
    assert onset.value == pytest.approx(3.5 + 0.06 * np.log10(2), abs=0.02) or onset.value == pytest.approx(
        3.5, abs=0.1
    )


def test_one_bad_file_does_not_hide_the_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in (("a.mpt", CYCLING), ("b.mpt", SWEEP), ("c.mpt", BROKEN["words for numbers"][1])):
        (tmp_path / name).write_bytes(text.encode("cp1252"))
    with pytest.raises(SystemExit) as ended:
        run_app(["analyse", str(tmp_path), "--diameter-mm", "9", "--json"])
    told = capsys.readouterr()
    assert ended.value.code in (0, None)  # it merely lay in the folder
    assert '"charge_capacity"' in told.out
    assert '"oxidation_onset"' in told.out
    assert "c.mpt, line 21" in told.err
