"""`analyse_files`: a folder of foreign spectra becomes a conductivity and an activation energy that are true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from daq.contracts import Result
from daq.errors import BadInput
from procedures.analyse_files import AnalyseRequest, FilesAnalysis, analyse_files

DATA = Path(__file__).parents[2] / "data" / "eis"
SOLID = DATA / "solid_state" / "PEIS_LPSCl_IonBlocking_-25C.txt"
LOOPS = DATA / "solid_state" / "Sample2_PEIS_AtRest.csv"
BOLTZMANN_EV_K = 8.617333e-5
ENERGY_EV, OHM_25C = 0.48, 5290.0
TEMPERATURES_C = (25, 40, 55, 70)


def pellet(temperature_C: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """A pellet between blocking electrodes with 0.3 % noise; R = OHM_25C at 25 degC and ENERGY_EV."""
    f = np.logspace(6, 0, 61)
    w = 2j * np.pi * f
    inverse_K = 1 / (temperature_C + 273.15) - 1 / 298.15
    r_ohm = OHM_25C * np.exp(ENERGY_EV / BOLTZMANN_EV_K * inverse_K)
    z = r_ohm / (1 + w * r_ohm * 2e-11) + 1 / (2e-6 * w**0.9)
    noise = np.random.default_rng(seed).normal(0, 0.003, (2, len(f)))
    return f, z * (1 + noise[0] + 1j * noise[1])


def write_csv(path: Path, f: np.ndarray, z: NDArray[np.complex128], header: str = "") -> Path:
    rows = [f"{a:.9e},{b.real:.9e},{-b.imag:.9e}" for a, b in zip(f, z, strict=True)]
    path.write_text("\n".join([*([header] if header else []), "Frequency (Hz),Z' (Ohm),-Z'' (Ohm)", *rows]) + "\n",
                    encoding="utf-8")  # fmt: skip
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "spectra"
    target.mkdir()
    for temperature_C in TEMPERATURES_C:
        write_csv(target / f"pellet_{temperature_C}C.csv", *pellet(temperature_C, temperature_C))
    (target / "README.txt").write_text("three pellets, see notebook", encoding="utf-8")
    (target / "photo.png").write_bytes(b"\x89PNG")
    return target


def named(analysis: FilesAnalysis, name: str) -> list[Result]:
    return [result for result in analysis.results if result.name == name]


def test_a_folder_named_by_temperature_gives_conductivity_and_activation_energy(folder: Path) -> None:
    analysis = analyse_files(AnalyseRequest((folder,), thickness_mm=0.9, diameter_mm=10))
    (energy,) = named(analysis, "activation_energy")
    assert energy.value == pytest.approx(ENERGY_EV, rel=0.02)
    (room,) = named(analysis, "conductivity_25C")
    sigma_S_cm = 0.09 / (OHM_25C * np.pi * 0.25)
    assert room.value == pytest.approx(sigma_S_cm, rel=0.03)
    assert room.unit == "S/cm"
    assert [result.at["temperature_C"] for result in named(analysis, "total_resistance")] == list(TEMPERATURES_C)
    assert analysis.refusals == []
    assert any("README.txt" in note and "photo.png" in note for note in analysis.notes)


def test_area_and_diameter_say_the_same(folder: Path) -> None:
    by_area = analyse_files(AnalyseRequest((folder,), thickness_mm=0.9, area_cm2=float(np.pi * 0.25)))
    by_diameter = analyse_files(AnalyseRequest((folder,), thickness_mm=0.9, diameter_mm=10))
    first, second = named(by_area, "conductivity_25C")[0].value, named(by_diameter, "conductivity_25C")[0].value
    assert first == pytest.approx(second)


def test_a_settings_file_carries_geometry_and_temperatures(tmp_path: Path) -> None:
    files = tuple(
        write_csv(tmp_path / f"{name}.csv", *pellet(temperature_C, temperature_C))
        for name, temperature_C in zip("abcd", TEMPERATURES_C, strict=True)
    )
    settings = tmp_path / "pellet.toml"
    settings.write_text(
        '[sample]\nname = "K001"\npellet = { thickness_mm = 0.9, diameter_mm = 10 }\n'
        '[temperatures_C]\n"a.csv" = 25\n"b.csv" = 40\n"c*" = 55\n"d*" = 70\n',
        encoding="utf-8",
    )
    analysis = analyse_files(AnalyseRequest(files, settings=settings))
    assert named(analysis, "activation_energy")[0].value == pytest.approx(ENERGY_EV, rel=0.02)
    assert named(analysis, "conductivity_25C")[0].value == pytest.approx(0.09 / (OHM_25C * np.pi * 0.25), rel=0.03)
    thicker = analyse_files(AnalyseRequest(files, settings=settings, thickness_mm=1.8))
    ratio = (named(thicker, "conductivity_25C")[0].value or 0) / (named(analysis, "conductivity_25C")[0].value or 1)
    assert ratio == pytest.approx(2)  # the option wins


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[temperatures_C]\n"z.csv" = 25', "none of the files is called 'z.csv'"),
        ("thickness = 0.9", "unknown key"),
        ('[temperatures_C]\n"a.csv" = -400', "greater than or equal to -273.15"),
        ('[temperatures_C]\n"a*" = 25\n"*.csv" = 30', "different temperatures"),
    ],
)
def test_wrong_settings_are_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    file = write_csv(tmp_path / "a.csv", *pellet(25, 1))
    settings = tmp_path / "settings.toml"
    settings.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        analyse_files(AnalyseRequest((file,), settings=settings))


def test_the_temperature_comes_from_the_option_then_the_pattern_then_the_file_then_the_name(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "x40_25C.csv", *pellet(25, 1), header="# temperature_C: 31.5")

    def taken(**options: object) -> float:
        return analyse_files(AnalyseRequest((file,), **options)).spectra[0].temperature_C  # type: ignore[arg-type]

    assert taken(temperature_C=60.0) == 60.0
    assert taken(temperature_pattern="x{T}_") == 40.0
    assert taken() == 31.5
    said = analyse_files(AnalyseRequest((file,))).notes
    assert any("its name says 25 °C, the file itself 31.5 °C" in note for note in said)
    file = write_csv(tmp_path / "b_25C.csv", *pellet(25, 1))
    assert taken() == 25.0


def test_without_a_temperature_every_file_still_gives_its_resistance(tmp_path: Path) -> None:
    files = tuple(write_csv(tmp_path / f"{name}.csv", *pellet(25, seed)) for seed, name in enumerate("abc"))
    analysis = analyse_files(AnalyseRequest(files))
    totals = named(analysis, "total_resistance")
    assert [result.at["spectrum"] for result in totals] == ["a", "b", "c"]
    for result in totals:
        assert result.value == pytest.approx(OHM_25C, rel=0.02)
    assert all(result.value is None for result in named(analysis, "activation_energy"))
    assert any("3 spectra (a … c): no temperature" in note for note in analysis.notes)


def test_each_loop_of_a_file_is_analysed(tmp_path: Path) -> None:
    analysis = analyse_files(AnalyseRequest((LOOPS,), temperature_C=25.0))
    assert len(named(analysis, "total_resistance")) == 10


def test_a_recorded_electrolyte(tmp_path: Path) -> None:
    analysis = analyse_files(AnalyseRequest((SOLID,)))
    (total,) = named(analysis, "total_resistance")
    assert total.value == pytest.approx(1450, abs=20)
    assert total.at["temperature_C"] == -25.0
    assert named(analysis, "conductivity") == []  # nobody said how thick it is


def test_one_bad_file_is_left_out_and_named(folder: Path) -> None:
    (folder / "pellet_85C.csv").write_text("Frequency (Hz),Z' (Ohm),Z'' (Ohm)\n1,2\n", encoding="utf-8")
    analysis = analyse_files(AnalyseRequest((folder,)))
    assert [refusal.path.name for refusal in analysis.refusals] == ["pellet_85C.csv"]
    assert "line 2" in analysis.refusals[0].reason
    assert len(named(analysis, "total_resistance")) == 4


def test_half_a_geometry_says_which_half_is_missing() -> None:
    said = analyse_files(AnalyseRequest((SOLID,), thickness_mm=0.9)).notes
    assert "a conductivity needs the area too: give --diameter or --area" in said
    said = analyse_files(AnalyseRequest((SOLID,), area_cm2=0.8)).notes
    assert "a conductivity needs the thickness too: give --thickness" in said


def test_a_file_given_twice_counts_once(folder: Path) -> None:
    analysis = analyse_files(AnalyseRequest((folder, folder / "pellet_25C.csv")))
    assert len(analysis.spectra) == 4


def test_what_can_not_be_done_at_all_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    bad = tmp_path / "bad.csv"
    bad.write_text("Dear colleague", encoding="utf-8")
    good = write_csv(tmp_path / "a_25C.csv", *pellet(25, 1))
    for request, said in (
        (AnalyseRequest(()), "no files"),
        (AnalyseRequest((tmp_path / "gone.csv",)), "no such file"),
        (AnalyseRequest((empty,)), "no spectra in this folder"),
        (AnalyseRequest((bad,)), "bad.csv, line 1"),
        (AnalyseRequest((good,), diameter_mm=10, area_cm2=0.8), "not both"),
        (AnalyseRequest((good,), thickness_mm=-1), "greater than or equal to 0.0001"),
        (AnalyseRequest((good,), diameter_mm=0), "greater than or equal to 0.0001"),
        (AnalyseRequest((good,), temperature_C=-300), "no temperature"),
        (AnalyseRequest((good,), temperature_pattern="25C"), "{T} once"),
    ):
        with pytest.raises(BadInput) as caught:
            analyse_files(request)
        assert said in str(caught.value)


def test_an_aborted_experiment_gives_a_number_only_on_request() -> None:
    path = DATA / "impedance_py" / "exampleDataGamryABORT.DTA"
    with pytest.raises(BadInput, match=r"line 172: the experiment was aborted after 72 points .*--accept-aborted"):
        analyse_files(AnalyseRequest((path,)))
    found = analyse_files(AnalyseRequest((path,), accept_aborted=True))
    assert any(one.value is not None for one in found.results)
