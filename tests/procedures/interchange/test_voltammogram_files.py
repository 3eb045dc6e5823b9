"""Voltammograms as other programs write them: units from the header, nothing guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daq.errors import BadInput
from procedures.interchange.voltammogram_file import is_voltammogram, read_voltammogram

UP = np.linspace(0.0, 1.0, 25)
VOLT = np.concatenate([UP, UP[::-1]])
AMPERE = 1e-4 * (VOLT - 0.4)


def table(header: str, cut: str, factor: float, before: str = "", cycle: bool = False) -> str:
    rows = [
        cut.join([f"{v:.6f}", f"{factor * i:.6e}", *(["1"] if cycle else [])])
        for v, i in zip(VOLT, AMPERE, strict=True)
    ]
    return "\n".join([before, header, "", *rows])


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (table("Potential/V, Current/A", ", ", 1.0, "Cyclic Voltammetry\nInit E (V) = 0"), "current_A"),
        (table("Ewe/V\t<I>/mA\tcycle number", "\t", 1e3, "EC-Lab ASCII FILE", cycle=True), "current_A"),
        (table("WE(1).Potential (V);WE(1).Current (A)", ";", 1.0), "current_A"),
        (table("voltage_V,current_A", ",", 1.0), "current_A"),
        (table("E (V),j (mA/cm2)", ",", 1e3), "density_mA_cm2"),
        (table("Potential/V Current/µA", " ", 1e6), "current_A"),
    ],
)
def test_potential_and_current_are_found_by_name_and_unit(tmp_path: Path, text: str, column: str) -> None:
    path = tmp_path / "cv.txt"
    path.write_text(text, encoding="utf-8")
    assert is_voltammogram(path)
    found = read_voltammogram(path)
    assert found.voltage_V == pytest.approx(VOLT, abs=1e-6)
    expected = AMPERE if column == "current_A" else 1e3 * AMPERE
    assert getattr(found, column) == pytest.approx(expected, rel=1e-5)
    other = "density_mA_cm2" if column == "current_A" else "current_A"
    assert np.isnan(getattr(found, other)).all()
    assert set(found.cycle) == ({1} if "cycle" in text else {0})


def test_a_spectrum_and_a_table_without_units_are_none(tmp_path: Path) -> None:
    for number, text in enumerate(
        (
            table("Freq/Hz, Potential/V, Current/A", ", ", 1.0),
            table("Potential, Current", ", ", 1.0),
            "nothing of the kind",
        )
    ):
        path = tmp_path / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        assert not is_voltammogram(path)
        with pytest.raises(BadInput, match="their units"):
            read_voltammogram(path)


def test_half_a_row_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_text(table("voltage_V,current_A", ",", 1.0) + "\n0.5,", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 54.*empty"):
        read_voltammogram(path)
