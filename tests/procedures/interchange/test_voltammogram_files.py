"""Voltammograms as other programs write them: units from the header, nothing guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daq.errors import BadInput
from procedures.interchange.dc_file import read_dc_file
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


def nova(k: int, volt: float, ampere: float) -> str:
    """Every column of NOVA's ASCII of a cyclic voltammogram; what was applied is 5 mV beside what was measured."""
    return f"{volt + 0.005:.6f};{k}.0;{ampere:.6e};{volt:.6f};1;{k + 1};1.0e-5;1.0e-5"


def eclab(k: int, volt: float, ampere: float) -> str:
    return f"2\t1\t0\t0\t0\t{k:.9E}\t{volt + 0.005:.7E}\t{volt:.7E}\t{1e3 * ampere:.9E}\t1.0E+000\t0.0E+000\t38"


NOVA = "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Scan;Index;Q+;Q-"
ECLAB = "\t".join(
    ("mode", "ox/red", "error", "control changes", "counter inc.", "time/s", "control/V", "Ewe/V", "<I>/mA",
     "cycle number", "(Q-Qo)/C", "I Range")
)  # fmt: skip
ECLAB_TOP = "\r\n".join(
    ("EC-Lab ASCII FILE", "Nb header lines : 9", "", "Cyclic Voltammetry", "", "Electrode surface area : 0,001 cm²",
     "Ei (V)              0,000", "", "")
)  # fmt: skip


@pytest.mark.parametrize("mark", [".", ","])
@pytest.mark.parametrize(
    ("header", "row", "encoding"),
    [
        (NOVA, nova, "utf-8"),
        (NOVA, nova, "utf-8-sig"),
        (NOVA.replace(";", "\t"), lambda *one: nova(*one).replace(";", "\t"), "utf-8"),
        (ECLAB_TOP + ECLAB, eclab, "cp1252"),
    ],
)
def test_all_columns_of_nova_and_eclab_and_a_decimal_comma(
    tmp_path: Path, header: str, row: Callable[[int, float, float], str], encoding: str, mark: str
) -> None:
    """What was measured counts, not the set-point beside it; both readers say the same."""
    rows = [row(k, v, i).replace(".", mark) for k, (v, i) in enumerate(zip(VOLT, AMPERE, strict=True))]
    path = tmp_path / "cv.txt"
    path.write_text("\n".join([header, *rows, ""]), encoding=encoding)
    found, record = read_voltammogram(path), read_dc_file(path)
    for one in (found, record):
        assert one.voltage_V == pytest.approx(VOLT, abs=2e-6)
        assert one.current_A == pytest.approx(AMPERE, rel=1e-5)
        assert one.cycle is not None
        assert set(one.cycle) == {1}
    assert record.time_s == pytest.approx(np.arange(len(VOLT)))


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
