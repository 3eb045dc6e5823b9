"""Neware's binary records through fastnda: a file in the layout that it documents for version 2, and damaged ones."""

from __future__ import annotations

import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from daq.errors import BadInput
from procedures.analyse_dc import DcRequest, analyse_dc_files, dc_files_among
from procedures.interchange.dc_file import read_dc_file

ROW = struct.Struct("<8xIIBB5xQii4xqqqqHBBBBBi8x")
RECORD, LEAD, ROWS_EACH = 512, 5, 5
CHARGES, DISCHARGES = 1, 2


def ndax(path: Path, *, magnitudes: bool = False, version: int = 2) -> Path:
    """An hour each way at 0.15 mA, twice, a record a minute; range 1: a current is counted in 1e-4 mA."""
    rows = []
    for number in range(244):
        step, minute = divmod(number, 61)
        kind = DISCHARGES if step % 2 else CHARGES
        count = 1500 if magnitudes or kind == CHARGES else -1500
        volt = 33500 if kind == DISCHARGES else 34500
        rows.append(
            ROW.pack(number + 1, step // 2, step + 1, kind, 60_000 * minute, volt, count, 0, 0, 0, 0, 2026, 3, 2,
                     14 + step, minute % 60, 0, 1)
        )  # fmt: skip
    content = bytearray(RECORD)
    content[0], content[2] = 1, version
    for first in range(0, len(rows), ROWS_EACH):
        block = bytes(LEAD) + b"".join(rows[first : first + ROWS_EACH])
        content += block + bytes(RECORD - len(block))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.ndc", bytes(content))
    return path


@pytest.mark.parametrize("magnitudes", [False, True])
def test_the_cell_that_was_written_comes_back(tmp_path: Path, magnitudes: bool) -> None:
    found = read_dc_file(ndax(tmp_path / "cell.ndax", magnitudes=magnitudes))
    assert found.program == "Neware"
    assert len(found.time_s) == 244
    assert np.all(np.diff(found.time_s) >= 0)
    assert set(np.round(found.current_A, 9)) == {1.5e-4, -1.5e-4}
    assert found.voltage_V.min() == pytest.approx(3.35, abs=1e-4)
    assert found.cycle is not None
    assert list(np.unique(found.cycle)) == [1, 2]
    assert any("magnitudes" in note for note in found.notes) is magnitudes


def test_it_is_analysed_as_any_other_cell(tmp_path: Path) -> None:
    path = ndax(tmp_path / "cell.ndax")
    assert dc_files_among([tmp_path]) == [path]
    charge = [
        one for one in analyse_dc_files(DcRequest((path,), active_mass_mg=1.0)).results if one.name == "charge_capacity"
    ]
    assert len(charge) == 2
    assert charge[0].value == pytest.approx(150, rel=0.01)  # 0.15 mA for an hour over 1 mg


def test_damaged_and_unknown_files_are_a_sentence(tmp_path: Path) -> None:
    whole = ndax(tmp_path / "cell.ndax").read_bytes()
    for name, content in (("half.ndax", whole[:2000]), ("none.ndax", b""), ("noise.nda", bytes(range(256)) * 9)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match="fastnda can't read it"):
            read_dc_file(tmp_path / name)
    with pytest.raises(BadInput, match="not yet supported"):
        read_dc_file(ndax(tmp_path / "new.ndax", version=99))
    with pytest.raises(BadInput, match="no such file"):
        read_dc_file(tmp_path / "gone.ndax")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ndax(tmp_path / "cell.ndax")
    monkeypatch.setitem(sys.modules, "fastnda", None)
    with pytest.raises(BadInput, match="neware-files"):
        read_dc_file(path)
