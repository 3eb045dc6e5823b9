"""Our exports, opened by the programs they are for: every point equal to 1e-5."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bdf
import numpy as np
import pytest
from gamry_parser import GamryParser
from impedance.preprocessing import readFile
from numpy.typing import NDArray

from daq.runfile.reader import RunFile
from procedures.interchange import read_spectra
from procedures.interchange.exporting import export_run

Recorded = tuple[RunFile, list[tuple[float, NDArray[np.float64], NDArray[np.complex128]]]]


@pytest.mark.parametrize(("fmt", "reader"), [("zview", "zplot"), ("gamry", "gamry"), ("eclab", "biologic")])
def test_impedance_py(recorded: Recorded, tmp_path: Path, fmt: str, reader: str) -> None:
    run, truth = recorded
    files = export_run(run, fmt, tmp_path / "out")
    assert len(files) == len(truth)
    for file, (_, frequency_Hz, z_ohm) in zip(files, truth, strict=True):
        f_read, z_read = readFile(str(file), reader)
        np.testing.assert_allclose(f_read, frequency_Hz, rtol=1e-5)
        np.testing.assert_allclose(np.real(z_read), z_ohm.real, rtol=1e-5)
        np.testing.assert_allclose(np.imag(z_read), z_ohm.imag, rtol=1e-5)


def test_gamry_parser(recorded: Recorded, tmp_path: Path) -> None:
    run, truth = recorded
    for file, (sample_C, frequency_Hz, z_ohm) in zip(export_run(run, "gamry", tmp_path / "out"), truth, strict=True):
        parser = GamryParser()
        parser.load(str(file))
        table = parser.get_curve_data(0)
        np.testing.assert_allclose(table["Freq"], frequency_Hz, rtol=1e-5)
        np.testing.assert_allclose(table["Zreal"], z_ohm.real, rtol=1e-5)
        np.testing.assert_allclose(table["Zimag"], z_ohm.imag, rtol=1e-5)
        np.testing.assert_allclose(table["Zphz"], np.angle(z_ohm, deg=True), rtol=1e-5)
        assert dict(parser.get_header())["TEMPERATURE"] == pytest.approx(sample_C)
        assert parser.get_experiment_type() == "EISPOT"


def test_batterydf(recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, truth = recorded
    files = [file for file in export_run(run, "bdf", tmp_path / "out") if file.suffix == ".csv"]
    for file, (sample_C, frequency_Hz, z_ohm) in zip(files, truth, strict=True):
        table = bdf.read(str(file))
        assert bdf.validate(table, report=True)["ok"]
        assert capsys.readouterr().out is not None  # it prints a report of its own
        np.testing.assert_allclose(table["Frequency / Hz"], frequency_Hz, rtol=1e-5)
        np.testing.assert_allclose(table["Real Impedance / ohm"], z_ohm.real, rtol=1e-5)
        np.testing.assert_allclose(table["Imaginary Impedance / ohm"], z_ohm.imag, rtol=1e-5)
        np.testing.assert_allclose(table["Temperature T1 / degC"], sample_C, rtol=1e-5)
        np.testing.assert_allclose(table["Voltage / V"], 0.002, rtol=1e-5)
        assert np.all(np.diff(table["Test Time / s"]) > 0)


def test_galvani(recorded: Recorded, tmp_path: Path) -> None:
    run, truth = recorded
    for file, (_, frequency_Hz, z_ohm) in zip(export_run(run, "eclab", tmp_path / "out"), truth, strict=True):
        script = Path(__file__).with_name("galvani_reads.py")
        done = subprocess.run([sys.executable, str(script), str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        table = json.loads(done.stdout)
        np.testing.assert_allclose(table["freq/Hz"], frequency_Hz, rtol=1e-5)
        np.testing.assert_allclose(table["Re(Z)/Ohm"], z_ohm.real, rtol=1e-5)
        np.testing.assert_allclose(table["-Im(Z)/Ohm"], -z_ohm.imag, rtol=1e-5)


@pytest.mark.parametrize("fmt", ["bdf", "zview", "gamry", "eclab"])
def test_our_own_readers(recorded: Recorded, tmp_path: Path, fmt: str) -> None:
    run, truth = recorded
    files = [file for file in export_run(run, fmt, tmp_path / "out") if file.suffix != ".json"]
    for file, (sample_C, frequency_Hz, z_ohm) in zip(files, truth, strict=True):
        (spectrum,) = read_spectra(file)
        np.testing.assert_allclose(spectrum.frequency_Hz, frequency_Hz, rtol=1e-9)
        np.testing.assert_allclose(spectrum.z_ohm, z_ohm, rtol=1e-9)
        assert spectrum.temperature_C == pytest.approx(sample_C)
        assert spectrum.notes == ()
