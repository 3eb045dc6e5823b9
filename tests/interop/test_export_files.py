"""Names, refusals and side files of an export, at its public door."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

from daq.errors import BadInput
from daq.runfile.reader import RunFile
from daq.sample import samples_of
from procedures.analyse_files import AnalyseRequest, analyse_files
from procedures.analysis.sweep import analyse_sweep
from procedures.eis_spectra import load_spectra
from procedures.interchange.exporting import EXPORT_FORMATS, export_run
from procedures.sample_geometry import geometry_of

Recorded = tuple[RunFile, list[tuple[float, NDArray[np.float64], NDArray[np.complex128]]]]


def test_one_file_a_spectrum_with_the_temperature_in_name_and_header(recorded: Recorded, tmp_path: Path) -> None:
    run, _ = recorded
    files = export_run(run, "zview", tmp_path / "out")
    assert [file.name for file in files] == [
        "Li2OH_0.99K0.01Cl_é_001_24.9C_heating.z",
        "Li2OH_0.99K0.01Cl_é_003_60.0C_heating.z",
        "Li2OH_0.99K0.01Cl_é_004_99.8C_heating.z",
    ]
    text = files[1].read_bytes().decode("utf-8")
    assert "Temperature (degC): 60.020" in text
    assert text.count("\r\n") == text.count("\n")
    assert "Overloaded points left out: 1" in files[2].read_text("utf-8")
    assert list((tmp_path / "out").iterdir()).__len__() == 3  # no leftovers


@pytest.mark.parametrize("fmt", [fmt for fmt in EXPORT_FORMATS if fmt != "nova"])  # that is for voltammograms
def test_nothing_is_overwritten_unless_told(recorded: Recorded, tmp_path: Path, fmt: str) -> None:
    run, _ = recorded
    target = tmp_path / "out"
    files = export_run(run, fmt, target)
    files[-1].write_text("mine", encoding="utf-8")
    for file in files[:-1]:
        file.unlink()
    with pytest.raises(BadInput, match="nothing was written") as caught:
        export_run(run, fmt, target)
    assert str(files[-1]) in str(caught.value)
    assert files[-1].read_text("utf-8") == "mine"
    assert list(target.iterdir()) == [files[-1]]
    assert export_run(run, fmt, target, overwrite=True) == files
    assert files[-1].read_bytes() != b"mine"


def test_a_file_in_place_of_the_folder_and_an_unknown_format(recorded: Recorded, tmp_path: Path) -> None:
    run, _ = recorded
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(BadInput, match="folder is needed"):
        export_run(run, "csv", tmp_path / "out")
    with pytest.raises(BadInput, match="allowed: bdf, zview, gamry, eclab, nova, csv, parquet"):
        export_run(run, "xlsx", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_side_file_says_what_the_numbers_mean_and_where_they_come_from(recorded: Recorded, tmp_path: Path) -> None:
    run, truth = recorded
    files = export_run(run, "bdf", tmp_path / "out")
    facts = json.loads(files[3].read_text("utf-8"))
    assert facts["data_file"] == files[2].name
    assert facts["conventions"]["imaginary_impedance"] == "true sign; negative is capacitive"
    assert facts["temperature"]["sample_temperature_C"] == truth[1][0]
    assert facts["area_cm2"] == pytest.approx(np.pi * 0.25)
    assert facts["thickness_mm"] == 0.9
    assert facts["spectrum"]["attempt"] == 2
    assert facts["taken"] == "2026-09-21T16:13:20+00:00"  # two hours after the run began
    database = run.path / "run.db" if run.path.is_dir() else run.path
    assert facts["run"]["sha256"] == hashlib.sha256(database.read_bytes()).hexdigest()
    assert facts["run"]["id"] == run.id


@pytest.mark.parametrize("fmt", ["bdf", "zview", "gamry", "eclab"])
def test_a_sweep_that_goes_out_and_comes_back_says_the_same(recorded: Recorded, tmp_path: Path, fmt: str) -> None:
    run, _ = recorded
    ours = analyse_sweep(load_spectra(run), geometry_of(samples_of(run.sample)[0])).results
    export_run(run, fmt, tmp_path / "out")
    back = analyse_files(
        AnalyseRequest((tmp_path / "out",), thickness_mm=0.9, diameter_mm=10, temperature_uncertainty_K=0.1)
    )
    assert back.refusals == []
    assert [result.name for result in back.results] == [result.name for result in ours]
    compared = [(a, b) for a, b in zip(ours, back.results, strict=True) if a.value is not None]
    assert {"total_resistance", "conductivity", "activation_energy"} <= {a.name for a, _ in compared}
    for a, b in compared:
        assert b.value == pytest.approx(a.value, rel=1e-5)


def test_streams_as_csv_keep_every_row_and_digit(recorded: Recorded, tmp_path: Path) -> None:
    run, _ = recorded
    files = {file.name: file for file in export_run(run, "csv", tmp_path / "out")}
    assert set(files) == {"impedance.csv", "spectra.csv"}
    table = run.table("impedance")
    with files["impedance.csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(table["id"]) == 3 * 61 + 20
    assert [float(row["z_imag_ohm"]) for row in rows] == table["z_imag_ohm"].tolist()
    assert rows[70]["sample"] == "(Li2OH)0.99K0.01Cl é"
    assert sorted({row["attempt"] for row in rows}) == ["1", "2"]


def test_parquet_has_the_units(recorded: Recorded, tmp_path: Path) -> None:
    run, _ = recorded
    files = {file.name: file for file in export_run(run, "parquet", tmp_path / "out")}
    table = pyarrow.parquet.read_table(files["impedance.parquet"])
    assert table.schema.field("z_real_ohm").metadata == {b"unit": b"ohm"}
    np.testing.assert_array_equal(table["z_real_ohm"].to_numpy(), run.table("impedance")["z_real_ohm"])


def test_without_pyarrow_a_sentence_says_what_to_install(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInput, match=r"pip install 'cellrig\[parquet\]'"):
        export_run(recorded[0], "parquet", tmp_path / "out")
