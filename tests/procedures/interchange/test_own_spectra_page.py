"""The page on foreign spectra keeps its word: its settings file, its Python and its headers work as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from procedures.analyse_files import AnalyseRequest, analyse_files
from procedures.interchange import read_spectra

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "own-spectra.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert found is not None
    return found.group(1)


def write_pellet(path: Path, resistance_ohm: float, header: str = "Frequency (Hz),Z' (Ohm),-Z'' (Ohm)") -> Path:
    w = 2j * np.pi * np.logspace(6, 0, 61)
    z = resistance_ohm / (1 + w * resistance_ohm * 2e-11) + 1 / (2e-6 * w**0.9)
    rows = [f"{a.imag / (2 * np.pi):.9e},{b.real:.9e},{-b.imag:.9e}" for a, b in zip(w, z, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_its_settings_file(tmp_path: Path) -> None:
    names = {"a.mpt": 5000.0, "b.mpt": 2000.0, "c_1.mpt": 700.0}
    files = tuple(write_pellet(tmp_path / name, ohm) for name, ohm in names.items())
    settings = tmp_path / "pellet.toml"
    settings.write_text(block("toml"), encoding="utf-8")
    found = analyse_files(AnalyseRequest(files, settings=settings))
    assert [one.temperature_C for one in found.spectra] == [25, 40, 60]
    assert {one.temperature_uncertainty_K for one in found.spectra} == {0.5}
    room = next(result for result in found.results if result.name == "conductivity_25C")
    assert room.value == pytest.approx(0.09 / (5000 * np.pi * 0.16), rel=0.05)  # the electrode's 8 mm, not the pellet's


def test_its_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write_pellet(tmp_path / "pellet_25C.z", 5000)
    (tmp_path / "spectra").mkdir()
    write_pellet(tmp_path / "spectra" / "pellet_25C.z", 5000)
    exec(compile(block("python"), "own-spectra.md", "exec"), {})
    assert "conductivity" in capsys.readouterr().out


def test_the_header_it_recommends(tmp_path: Path) -> None:
    headers = set(re.findall(r"`(Frequency[^`]*)`", PAGE))
    assert headers
    for header in headers:
        (spectrum,) = read_spectra(write_pellet(tmp_path / "a.csv", 5000, header))
        assert spectrum.notes == ()
        assert (spectrum.z_ohm.imag < 0).all()
