"""What can't be read without guessing is refused, by file and line; nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from daq.errors import BadInput
from procedures.interchange import read_spectra
from procedures.interchange.text import text_from_bytes

DATA = Path(__file__).parents[2] / "data" / "eis"
GAMRY = DATA / "impedance_py" / "exampleDataGamry.DTA"
RECORDED = sorted(path for path in DATA.rglob("*") if path.is_file() and path.name != "LICENSE")
HEADER = "Frequency (Hz),Z' (Ohm),Z'' (Ohm)"


def arc(points: int = 20) -> tuple[NDArray[np.float64], NDArray[np.complex128]]:
    frequency_Hz = np.logspace(6, 1, points)
    return frequency_Hz, np.asarray(40 + 529 / (1 + 2j * np.pi * frequency_Hz * 529 * 2e-9), dtype=np.complex128)


def rows(points: int = 20, sign: int = 1) -> list[str]:
    return [f"{f:.6e},{z.real:.6e},{sign * z.imag:.6e}" for f, z in zip(*arc(points), strict=True)]


def refused(tmp_path: Path, content: str | bytes, line: int | None = None) -> str:
    """The sentence with which a file is refused; checks that it names the file and the line."""
    path = tmp_path / "bad file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput) as caught:
        read_spectra(path)
    assert str(path) in str(caught.value)
    if line is not None:
        assert f"line {line}:" in str(caught.value)
    return caught.value.problem


def text(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_spectra(tmp_path / "gone.csv")
    with pytest.raises(BadInput, match="folder"):
        read_spectra(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n \r\n\n", b"\x00\x00\x00"])
def test_empty(tmp_path: Path, content: bytes) -> None:
    assert "empty" in refused(tmp_path, content)


def test_binary_garbage(tmp_path: Path) -> None:
    assert "no text" in refused(tmp_path, b"Freq,Z',Z''\n1,2,3\n\x00\x01\x93\x07")
    assert ".mpt" in refused(tmp_path, b"BIO-LOGIC MODULAR FILE\x1a  \x00\x00")
    assert "Excel" in refused(tmp_path, b"PK\x03\x04\x14\x00")


def test_prose(tmp_path: Path) -> None:
    assert "no line names a frequency" in refused(tmp_path, "Dear colleague,\nplease find the data attached.\n", 1)


def test_three_points(tmp_path: Path) -> None:
    assert "3 points" in refused(tmp_path, text(HEADER, *rows()[:3]), 2)


def test_all_nan(tmp_path: Path) -> None:
    assert "finite" in refused(tmp_path, text(HEADER, *["nan,nan,nan"] * 20), 2)


def test_some_nan_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text(HEADER, *rows()[:10], "1e3,NaN,NaN", *rows()[10:]), encoding="utf-8")
    (spectrum,) = read_spectra(path)
    assert len(spectrum.z_ohm) == 20
    assert spectrum.notes == ("1 row with NaN left out: line 12",)


def test_wrong_sign_says_what_to_do(tmp_path: Path) -> None:
    problem = refused(tmp_path, text(HEADER, *rows(sign=-1)), 2)
    assert "inductive" in problem
    assert "name it \"-Z'' (Ohm)\"" in problem
    assert "inductive" in refused(tmp_path, text("f (Hz),Z' (Ohm),-Z'' (Ohm)", *rows()), 2)
    assert "inductive" in refused(tmp_path, text(*rows(sign=-1)), 1)


def test_wrong_sign_is_seen_behind_inductive_leads_too(tmp_path: Path) -> None:
    f, z = arc(40)
    z = z + 2j * np.pi * f * 20e-6  # the leads' 20 uH make the highest frequencies inductive
    assert (z.imag > 0).any()
    assert (z.imag < 0).any()
    turned = [f"{a:.6e},{b.real:.6e},{-b.imag:.6e}" for a, b in zip(f, z, strict=True)]
    assert "contradicts the modulus" in refused(tmp_path, text(HEADER, *turned), 2)
    path = tmp_path / "right.csv"
    path.write_text(
        text(HEADER, *[f"{a:.6e},{b.real:.6e},{b.imag:.6e}" for a, b in zip(f, z, strict=True)]), encoding="utf-8"
    )
    np.testing.assert_allclose(read_spectra(path)[0].z_ohm, z, rtol=1e-5)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_the_sign_check_turns_down_each_recorded_file_when_turned_round(tmp_path: Path, path: Path) -> None:
    spectrum = read_spectra(path)[0]
    points = zip(spectrum.frequency_Hz, spectrum.z_ohm, strict=True)
    assert "nductive" in refused(tmp_path, text(HEADER, *[f"{f!s},{z.real!s},{-z.imag!s}" for f, z in points]))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Frequency (Hz),Z',Z''", 'unit of the column "Z\'" is missing'),
        ("Frequency,Z' (Ohm),Z'' (Ohm)", "unit of the column 'Frequency' is missing"),
        ("Frequency (Hz),|Z| (Ohm),Phase", "unit of the column 'Phase' is missing"),
        ("Frequency (Hz),Z' (furlong),Z'' (furlong)", "not known: 'furlong'"),
        ("Frequency (mhz),Z' (Ohm),Z'' (Ohm)", "not known: 'mhz'"),
        ("Frequency (Hz),Z' (Ohm cm2),Z'' (Ohm cm2)", "times an area"),
        ("Frequency (Hz),Z' (Ohm),Current (A)", "no spectrum"),
    ],
)
def test_missing_and_unknown_units(tmp_path: Path, header: str, said: str) -> None:
    assert said in refused(tmp_path, text(header, *rows()), 1)


def test_degrees_under_a_header_that_says_rad(tmp_path: Path) -> None:
    polar = [f"{f:.6e},{abs(z):.6e},{np.angle(z, deg=True):.6e}" for f, z in zip(*arc(), strict=True)]
    assert "full turn" in refused(tmp_path, text("Frequency (Hz),|Z| (Ohm),Phase (rad)", *polar), 2)


def test_decimal_commas_between_separating_commas(tmp_path: Path) -> None:
    commas = [f"{f:.0f},{z.real:.2f},{z.imag:.2f}".replace(".", ",") for f, z in zip(*arc(), strict=True)]
    assert "';' or tabs" in refused(tmp_path, text(HEADER, *commas), 2)


def test_thousands_separators_are_not_taken_for_decimals(tmp_path: Path) -> None:
    header = HEADER.replace(",", ";")
    whole = [f"{f:,.0f};{z.real:.0f};{z.imag:.0f}" for f, z in zip(*arc(6), strict=True)]
    refused(tmp_path, text(header, *whole))
    assert "thousands" in refused(tmp_path, text(header, *["1,000;529;-3", "900;530;-4", "800;531;-5"] * 3), 2)
    mixed = [f"{f:,.1f};{z.real:.1f};{z.imag:.1f}" for f, z in zip(*arc(6), strict=True)]
    assert "thousands" in refused(tmp_path, text(header, *mixed))


def test_two_spectra_pasted_together(tmp_path: Path) -> None:
    other = [f"{f:.6e},{z.real + 3:.6e},{z.imag:.6e}" for f, z in zip(*arc(), strict=True)]
    assert "two spectra" in refused(tmp_path, text(HEADER, *rows(), *other), 22)
    assert "two spectra" in refused(tmp_path, text(HEADER, *rows(), *rows()), 22)
    assert "two spectra" in refused(tmp_path, text(HEADER, *rows(), *reversed(other)))
    assert "no number" in refused(tmp_path, text(HEADER, *rows(), HEADER, *other), 22)


def test_two_gamry_files_pasted_together_are_two_spectra(tmp_path: Path) -> None:
    path = tmp_path / "two.DTA"
    path.write_bytes(GAMRY.read_bytes() * 2)
    spectra = read_spectra(path)
    assert [(spectrum.loop, len(spectrum.z_ohm)) for spectrum in spectra] == [(1, 72), (2, 72)]


def test_loops_marked_by_a_column_are_split_and_a_short_one_is_said(tmp_path: Path) -> None:
    path = tmp_path / "loops.csv"
    marked = [f"{row},{loop}" for loop in (1, 2) for row in rows()] + [f"{row},3" for row in rows()[:3]]
    path.write_text(text(f"{HEADER},loop_index", *marked), encoding="utf-8")
    spectra = read_spectra(path)
    assert [spectrum.loop for spectrum in spectra] == [1, 2]
    assert "loop 3 left out: 3 points" in spectra[0].notes[0]


def test_unsorted_points_are_sorted_and_doubles_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    shuffled = [rows()[i] for i in np.random.default_rng(1).permutation(20)]
    path.write_text(text(HEADER, *shuffled, shuffled[3]), encoding="utf-8")
    (spectrum,) = read_spectra(path)
    np.testing.assert_allclose(spectrum.z_ohm, arc()[1], rtol=1e-5)
    assert any("1 point there twice" in note for note in spectrum.notes)
    assert any("sorted" in note for note in spectrum.notes)


def test_a_cut_gamry_file_names_the_line(tmp_path: Path) -> None:
    whole = GAMRY.read_bytes()
    lines = whole.split(b"\n")
    cut = b"\n".join(lines[:480]) + b"\n" + lines[480][:30]
    assert "cut" in refused(tmp_path, cut, 481)
    assert "cut" in refused(tmp_path, b"\n".join(lines[:200]))


def test_a_gamry_file_cut_between_rows_says_how_much_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.DTA"
    path.write_bytes(b"\n".join(GAMRY.read_bytes().split(b"\n")[:480]) + b"\n")
    (spectrum,) = read_spectra(path)
    assert "32 of 71 announced points" in spectrum.notes


def test_a_last_number_that_was_cut_is_not_a_number(tmp_path: Path) -> None:
    whole = text(HEADER, *rows())
    for removed in (2, 5, 8):  # ...e+01 loses its exponent, then its digits
        assert "cut" in refused(tmp_path, whole[:-removed], 21)


@pytest.mark.parametrize("path", [p for p in RECORDED if p.name != "Sample2_PEIS_AtRest.csv"], ids=lambda p: p.name)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_file_cut_anywhere_never_makes_up_a_point(tmp_path: Path, path: Path, share: float) -> None:
    whole = path.read_bytes()
    (truth,) = read_spectra(path)
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: int(share * len(whole))])
    try:
        (spectrum,) = read_spectra(cut)
    except BadInput:
        return
    kept = len(spectrum.z_ohm)
    np.testing.assert_array_equal(spectrum.frequency_Hz, truth.frequency_Hz[:kept])
    np.testing.assert_array_equal(spectrum.z_ohm, truth.z_ohm[:kept])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300)
    | st.text(alphabet="0123456789.,;\teE+-'\"#\nfZHzOhm()/", max_size=300).map(str.encode)
)
def test_nonsense_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nonsense"
    path.write_bytes(content)
    spectra, said = [], str(path)
    try:
        spectra = read_spectra(path)
    except BadInput as error:
        said = str(error)
    assert str(path) in said
    assert all(np.isfinite(spectrum.z_ohm).all() and len(spectrum.z_ohm) >= 5 for spectrum in spectra)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_never_a_crash(tmp_path: Path, path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content) - 1))
    length = data.draw(st.integers(0, 3000))
    patch = data.draw(st.sampled_from([b"", b"\n", b"\t", b",", b"1e999", b"-", b"nan", b"Z", content[:500]]))
    damaged = tmp_path / "damaged"
    damaged.write_bytes(content[:start] + patch + content[start + length :])
    spectra, said = [], str(damaged)
    try:
        spectra = read_spectra(damaged)
    except BadInput as error:
        said = str(error)
    assert str(damaged) in said
    assert all(np.isfinite(spectrum.z_ohm).all() and (spectrum.frequency_Hz > 0).all() for spectrum in spectra)


def test_lines_are_counted_as_editors_do() -> None:
    source = text_from_bytes(Path("x"), b"a\r\nb\rc\nd")
    assert source.lines == ("a", "b", "c", "d")
    assert re.search("line 4", str(source.refuse("wrong", 4)))
