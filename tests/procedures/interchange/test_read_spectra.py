"""Spectra that other programs recorded: each format of the lab's neighbours, and the dialects people type."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from procedures.interchange import ForeignSpectrum, read_spectra

DATA = Path(__file__).parents[2] / "data" / "eis"
IMPEDANCE_PY = DATA / "impedance_py"
SOLID_STATE = DATA / "solid_state"


def arc(points: int = 25) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    """A resistor 40 ohm in series with 529 ohm parallel to 2 nF: frequencies (n,) falling, Z (n,)."""
    frequency_Hz = np.logspace(6, 1, points)
    return frequency_Hz, np.asarray(40 + 529 / (1 + 2j * np.pi * frequency_Hz * 529 * 2e-9), dtype=np.complex128)


def one(path: Path) -> ForeignSpectrum:
    spectra = read_spectra(path)
    assert len(spectra) == 1
    return spectra[0]


def write(tmp_path: Path, text: str, name: str = "spectrum.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def table(header: str, rows: list[list[float]], separator: str = ",", comma: bool = False) -> str:
    lines = [header] if header else []
    for row in rows:
        line = separator.join(f"{value:.9e}" for value in row)
        lines.append(line.replace(".", ",") if comma else line)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("name", "program", "points", "first"),
    [
        ("exampleDataGamry.DTA", "Gamry DTA", 72, (200015.6, 825.8584 - 1367.239j)),
        ("exampleDataAutolab.txt", "ZPlot text", 41, (10000, 0.013785863964281 + 0.007191946305823j)),
        ("exampleDataBioLogic.mpt", "EC-Lab text", 43, (1000.3201, 65.470886 - 0.38998979j)),
        ("exampleDataZPlot.z", "ZPlot text", 21, (300000, 147.77 - 11.335j)),
        ("exampleDataParstat.txt", "Parstat text", 31, (10000, -0.00049816280376104 + 0.0175143479976367j)),
        ("exampleDataVersaStudio.par", "VersaStudio par", 61, (100000, 55.31571 + 4.575431j)),
        ("exampleDataCHInstruments.txt", "CH Instruments text", 73, (99610, 98.91 - 2.748j)),
        ("exampleData.csv", "table", 66, (3.1623e-3, 4.949989776405060160e-2 - 2.043869854441892481e-2j)),
        ("Circuit1_EIS_1.z", "ZPlot text", 48, (50000, 29.036 + 0.63662j)),
    ],
)
def test_recorded_files_give_all_points_with_their_true_sign(
    name: str, program: str, points: int, first: tuple[float, complex]
) -> None:
    spectrum = one(IMPEDANCE_PY / name)
    assert spectrum.program == program
    assert len(spectrum.frequency_Hz) == len(spectrum.z_ohm) == points
    assert (spectrum.frequency_Hz[0], spectrum.z_ohm[0]) == (pytest.approx(first[0]), pytest.approx(first[1]))
    assert spectrum.z_ohm[spectrum.frequency_Hz.argmin()].imag < 0


def test_an_aborted_gamry_file_says_how_much_is_missing() -> None:
    spectrum = one(IMPEDANCE_PY / "exampleDataGamryABORT.DTA")
    assert len(spectrum.z_ohm) == 72  # the table after the abort is not taken for points
    assert "the experiment was aborted (line 172)" in spectrum.notes
    assert spectrum.aborted == "line 172"
    assert "72 of 98 announced points" in spectrum.notes
    assert one(IMPEDANCE_PY / "exampleDataGamry.DTA").notes == ()


def test_a_solid_electrolyte_between_blocking_steel() -> None:
    spectrum = one(SOLID_STATE / "PEIS_LPSCl_IonBlocking_-25C.txt")
    assert len(spectrum.z_ohm) == 79
    assert spectrum.frequency_Hz[0] == pytest.approx(7.0000185e6)
    where_arc_and_line_meet = np.argmin(-spectrum.z_ohm.imag[spectrum.frequency_Hz < 1e5])
    assert spectrum.z_ohm.real[spectrum.frequency_Hz < 1e5][where_arc_and_line_meet] == pytest.approx(1450, rel=0.05)


def test_loops_of_one_file_come_apart() -> None:
    spectra = read_spectra(SOLID_STATE / "Sample2_PEIS_AtRest.csv")
    assert [spectrum.loop for spectrum in spectra] == list(range(10))
    assert {len(spectrum.z_ohm) for spectrum in spectra} == {89}
    assert all("1 row without a frequency (direct current) left out" in spectrum.notes for spectrum in spectra)
    assert spectra[0].z_ohm[0] == pytest.approx(50.752583 * np.exp(-1j * np.deg2rad(20.75998)))
    assert len({spectrum.label for spectrum in spectra}) == 10


HEADERS = [
    ("f,Z',Z''", 1, 1, 1),
    ("frequency,re,im", 1, 1, 1),
    ("freq,z_re,-z_im", 1, 1, -1),
    ("Freq,Zreal,Zimag", 1, 1, 1),
    ("Frequency (Hz),Z' (Ohm),-Z'' (Ohm)", 1, 1, -1),
    ("Frequency (kHz),Z' (kOhm),-Z\" (kOhm)", 1e3, 1e3, -1e3),
    ("Frequency [MHz],Re(Z) [mOhm],−Im(Z) [mOhm]", 1e6, 1e-3, -1e-3),
    ("Frequency / Hz,Real Impedance / ohm,Imaginary Impedance / ohm", 1, 1, 1),
    ("frequency_hertz,real_impedance_ohm,imaginary_impedance_ohm", 1, 1, 1),
    ("frequency_Hz,z_real_ohm,z_imag_ohm", 1, 1, 1),
    ("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", 1, 1, -1),
    ("# freq/Hz,Re(Z)/MΩ,Im(Z)/MΩ", 1, 1e6, 1e6),
    ("f (Hz),Re(Z) (ohm),Im(Z) (ohm)", 1, 1, 1),
    ("freq (khz),Re[Z] (Ohms),-Im[Z] (Ohms)", 1e3, 1, -1),
    (",Freq_Hz,Zre_Ohm,Zim_Ohm", 1, 1, 1),
    ("", 1, 1, 1),
]


@pytest.mark.parametrize(("header", "f_unit", "re_unit", "im_unit"), HEADERS)
def test_headers_say_sign_and_unit(tmp_path: Path, header: str, f_unit: float, re_unit: float, im_unit: float) -> None:
    f, z = arc()
    rows = [[a / f_unit, b.real / re_unit, b.imag / im_unit] for a, b in zip(f, z, strict=True)]
    if header.startswith(","):  # pandas writes its index into a column without a name
        rows = [[index, *row] for index, row in enumerate(rows)]
    spectrum = one(write(tmp_path, table(header, rows)))
    np.testing.assert_allclose(spectrum.frequency_Hz, f, rtol=1e-8)
    np.testing.assert_allclose(spectrum.z_ohm, z, rtol=1e-8)
    unitless = not any(unit in header for unit in ("Hz", "hertz", "khz"))
    assert ("the header gives no units; taken as Hz and ohm" in spectrum.notes) == unitless


@pytest.mark.parametrize(
    ("header", "phase"),
    [
        ("freq/Hz,|Z|/Ohm,Phase(Z)/deg", lambda z: np.angle(z, deg=True)),
        ("Frequency (Hz),Z (Ohm),-Phase (°)", lambda z: -np.angle(z, deg=True)),
        ("Frequency (Hz),Zmod (Ohm),Zphz (rad)", np.angle),
    ],
)
def test_modulus_and_phase(tmp_path: Path, header: str, phase) -> None:
    f, z = arc()
    rows = [[a, abs(b), float(phase(b))] for a, b in zip(f, z, strict=True)]
    np.testing.assert_allclose(one(write(tmp_path, table(header, rows))).z_ohm, z, rtol=1e-7)


def test_of_two_loop_columns_the_one_that_changes_marks_the_loops(tmp_path: Path) -> None:
    f, z = arc()
    rows = [[f[i], z[i].real, z[i].imag, 1, loop] for loop in (1, 2) for i in range(len(f))]
    path = write(tmp_path, table("freq/Hz\tRe(Z)/Ohm\tIm(Z)/Ohm\tcycle number\tz cycle", rows, "\t"))
    assert [spectrum.loop for spectrum in read_spectra(path)] == [1, 2]


def test_rows_of_bdf_without_an_impedance_are_left_out(tmp_path: Path) -> None:
    f, z = arc()
    header = "Test Time / s,Voltage / V,Current / A,Step Count / 1,Frequency / Hz,Real Impedance / ohm,"
    header += "Imaginary Impedance / ohm"
    direct = [f"{t},3.7,0.001,1,,," for t in range(10)]
    rows = [f"{10 + i},3.7,0,2,{f[i]:.9e},{z[i].real:.9e},{z[i].imag:.9e}" for i in range(len(f))]
    spectrum = one(write(tmp_path, "\n".join([header, *direct, *rows]) + "\n", "a.bdf.csv"))
    np.testing.assert_allclose(spectrum.z_ohm, z, rtol=1e-8)
    assert "10 rows without an impedance left out" in spectrum.notes


def test_nova_text_with_semicolons(tmp_path: Path) -> None:
    f, z = arc()
    header = "Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)"
    rows = [[i, f[i], z[i].real, -z[i].imag, abs(z[i]), -np.angle(z[i], deg=True), i] for i in range(len(f))]
    np.testing.assert_allclose(one(write(tmp_path, table(header, rows, ";"))).z_ohm, z, rtol=1e-8)


@pytest.mark.parametrize("separator", [";", "\t", "   "])
def test_decimal_commas_where_the_comma_separates_nothing(tmp_path: Path, separator: str) -> None:
    f, z = arc()
    header = separator.join(["Frequency (Hz)", "Z' (Ohm)", "-Z'' (Ohm)"])
    text = table(header, [[a, b.real, -b.imag] for a, b in zip(f, z, strict=True)], separator, comma=True)
    np.testing.assert_allclose(one(write(tmp_path, text)).z_ohm, z, rtol=1e-8)


def test_ec_lab_text_with_decimal_commas_in_windows_1252(tmp_path: Path) -> None:
    text = (IMPEDANCE_PY / "exampleDataBioLogic.mpt").read_text("cp1252")
    head, body = text[: text.index("freq/Hz")], text[text.index("freq/Hz") :]
    path = write(tmp_path, head + body.replace(".", ","), "commas.mpt", "cp1252")
    np.testing.assert_array_equal(one(path).z_ohm, one(IMPEDANCE_PY / "exampleDataBioLogic.mpt").z_ohm)


def test_the_format_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "renamed.csv"
    path.write_bytes((IMPEDANCE_PY / "exampleDataGamry.DTA").read_bytes())
    assert one(path).program == "Gamry DTA"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_windows_programs(tmp_path: Path, encoding: str) -> None:
    f, z = arc()
    text = "Électrolyte;;\r\n" + table(
        "Frequency (Hz);Z' (Ohm);-Z'' (Ohm)", [[a, b.real, -b.imag] for a, b in zip(f, z, strict=True)], ";"
    ).replace("\n", "\r\n")
    np.testing.assert_allclose(one(write(tmp_path, text, encoding=encoding)).z_ohm, z, rtol=1e-8)


def test_ivium_idf(tmp_path: Path) -> None:
    f, z = arc()
    rows = "\n".join(f"{b.real:.8E} {b.imag:.8E} {a:.8E}" for a, b in zip(f, z, strict=True))
    path = write(tmp_path, f"Title=pellet\nMethod=Impedance\nprimary_data\n3\n{len(f)}\n{rows}\n", "a.idf")
    np.testing.assert_allclose(one(path).z_ohm, z, rtol=1e-7)


def test_autolab_dfr_turns_its_sign(tmp_path: Path) -> None:
    f, z = arc()
    points = ["\n".join(f"{v:.8E}" for v in (a, b.real, -b.imag, 0, 0, 0, 0, 0, 0)) for a, b in zip(f, z, strict=True)]
    path = write(tmp_path, f"VERSION8.0\n{len(f)}\n1\n" + "\n".join(points) + "\n", "a.dfr")
    np.testing.assert_allclose(one(path).z_ohm, z, rtol=1e-7)


def test_p00_has_six_columns_below_a_preamble(tmp_path: Path) -> None:
    f, z = arc()
    header = "Freq./Hz\tZ'/Ohm\t-Z''/Ohm\tI/A\tZ/Ohm\tPhase/deg"
    rows = [[a, b.real, -b.imag, 0, abs(b), np.angle(b, deg=True)] for a, b in zip(f, z, strict=True)]
    text = f"a title\n\n{len(f)}\n" + table(header, rows, "\t")
    np.testing.assert_allclose(one(write(tmp_path, text, "a.P00")).z_ohm, z, rtol=1e-8)


def test_units_in_a_row_of_their_own(tmp_path: Path) -> None:
    f, z = arc()
    text = table("Frequency,Z',Z''\nHz,Ohm,Ohm", [[a, b.real, b.imag] for a, b in zip(f, z, strict=True)])
    np.testing.assert_allclose(one(write(tmp_path, text)).z_ohm, z, rtol=1e-8)


@pytest.mark.parametrize(
    ("line", "temperature_C"),
    [("# temperature_C: 60.02", 60.02), ("# Temperature: -25 °C", -25.0), ("# Temperature (degC) = 25,5", 25.5),
     ("# temperature: 60", None), ("# room temperature", None)],
)  # fmt: skip
def test_a_temperature_in_the_header_counts_only_with_its_unit(
    tmp_path: Path, line: str, temperature_C: float | None
) -> None:
    f, z = arc()
    text = table(f"{line}\nf (Hz),Z' (Ohm),Z'' (Ohm)", [[a, b.real, b.imag] for a, b in zip(f, z, strict=True)])
    assert one(write(tmp_path, text)).temperature_C == temperature_C


def test_a_temperature_column_is_averaged(tmp_path: Path) -> None:
    f, z = arc()
    rows = [[f[i], z[i].real, z[i].imag, 60 + 0.1 * (i % 2)] for i in range(24)]
    text = table("frequency_Hz,z_real_ohm,z_imag_ohm,temperature_C", rows)
    assert one(write(tmp_path, text)).temperature_C == pytest.approx(60.05)
