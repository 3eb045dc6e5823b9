"""MethodSCRIPT as text: the public sample values, literals, scripts against the strict parser, error codes."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.methodscript.capabilities import techniques_of
from drivers.methodscript.codes import CODES, error_in, told
from drivers.methodscript.models import MODELS, Model
from drivers.methodscript.package import (
    PackageError,
    Value,
    literal,
    read_literal,
    read_package,
    write_package,
    write_value,
)
from drivers.methodscript.script import Script, Writer, log_spaced
from drivers.simulated.wire.methodscript_program import ScriptError, parse_script
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CutOffs,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Spectrum,
    Technique,
    log_frequencies,
)

PUBLIC = [
    ("da7F85F3Fu", "da", -0.499905, None),
    ("da7F9234Bu", "da", -0.449717, None),
    ("da806EC24u", "da", 0.453668, None),
    ("da807B031u", "da", 0.503857, None),
    ("ba48D503Dp,10,288", "ba", -57.847747e-6, 0x88),
    ("ba4E2C324p", "ba", -52.247772e-6, None),
    ("baAE16C6Dp", "ba", 48.327789e-6, None),
    ("baB360495p", "ba", 53.871765e-6, None),
    ("ba4BA99F0p", "ba", -54.87976e-6, None),
    ("dcDF5DFF4u", "dc", 99.999732, None),
    ("cc896D904m,10,287", "cc", 9885.956, 0x87),
    ("cd82DB1A8u", "cd", 2.9946, None),
]
PICO, EMSTAT = MODELS[0], MODELS[2]
QUESTIONABLE = ("0.5", "1.5m", "+5m", "1e-3", "5 m", "m", "", "--5", "0x", "5mm", "nan")


@pytest.mark.parametrize(("text", "kind", "value", "range_index"), PUBLIC)
def test_the_public_sample_values_decode_and_encode_again(
    text: str, kind: str, value: float, range_index: int | None
) -> None:
    (one,) = read_package("P" + text)
    assert one == Value(kind, one.value, 0, range_index)
    assert one.value == pytest.approx(value, rel=1e-12)
    assert write_value(one) == text


@given(st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-12))
def test_values_keep_what_28_bits_hold(value: float) -> None:
    (one,) = read_package(write_package((Value("ba", value, 2, 21),)))
    assert one.value == pytest.approx(value, rel=4e-6, abs=1e-18)
    assert (one.status, one.range_index) == (2, 21)


def test_not_a_number_and_metadata_that_nobody_knows() -> None:
    nothing, current = read_package("Pba     nan;ba8000001u,12,215,40,9zz")
    assert math.isnan(nothing.value)
    assert (current.value, current.status, current.range_index) == (1e-6, 2, 0x15)


@given(st.text(max_size=40))
def test_no_line_raises_anything_but_a_package_error(line: str) -> None:
    with suppress(PackageError):
        read_package("P" + line)
    error_in(line)


@given(st.floats(-1e8, 1e8).filter(lambda value: value == 0 or abs(value) > 1e-11), st.booleans())
def test_literals_have_no_point_no_plus_no_exponent(value: float, with_prefix: bool) -> None:
    value = value / 1e4 if with_prefix else value
    text = literal(value, with_prefix=with_prefix)
    assert set(text) <= set("-0123456789afpnumkM")
    assert read_literal(text) == pytest.approx(value, rel=4e-6, abs=1e-17)
    assert not with_prefix or text[-1].isalpha()


def test_literals_as_people_write_them() -> None:
    assert [literal(one) for one in (1.5, -0.5, 200e3, 0.01, 0, 36000)] == ["1500m", "-500m", "200k", "10m", "0", "36k"]
    assert literal(0, with_prefix=True) == "0m"
    for value in (math.nan, math.inf, 1e30):
        with pytest.raises(ValueError, match="script"):
            literal(value)


# ---------------------------------------------------------------- scripts
CUT_OFFS = st.builds(
    CutOffs,
    voltage_min_V=st.none() | st.floats(-2, 0),
    voltage_max_V=st.none() | st.floats(1, 2),
    current_min_A=st.none() | st.floats(1e-9, 1e-6),
    current_max_A=st.none() | st.floats(1e-6, 1e-3),
    charge_C=st.none() | st.floats(1e-6, 1),
)
LEVELS, SECONDS = st.floats(-2, 2), st.floats(0.01, 1e5)
SWEEP = {
    "scan_rate_V_s": st.floats(1e-5, 0.1),
    "step_V": st.floats(2e-4, 0.05),
    "cut_offs": CUT_OFFS,
    "current_range_A": st.sampled_from([None, 1e-3]),
    "end_state": st.sampled_from(["off", "hold"]),
}
TECHNIQUES: st.SearchStrategy[Technique] = st.one_of(
    st.builds(OpenCircuit, duration_s=SECONDS, interval_s=SECONDS),
    st.builds(ConstantCurrent, current_A=st.floats(-1e-3, 1e-3), duration_s=SECONDS, interval_s=SECONDS,
              cut_offs=CUT_OFFS),
    st.builds(ConstantPotential, voltage_V=LEVELS, duration_s=SECONDS, interval_s=SECONDS, cut_offs=CUT_OFFS),
    st.builds(LinearSweep, end_V=LEVELS, start_V=st.none() | LEVELS, **SWEEP),
    st.builds(CyclicVoltammetry, vertex_1_V=LEVELS, vertex_2_V=LEVELS, cycles=st.integers(1, 200),
              start_V=st.none() | LEVELS, end_V=st.none() | LEVELS, **SWEEP),
    st.builds(Spectrum, frequencies_Hz=st.lists(st.floats(0.1, 2e5), min_size=1, max_size=20).map(tuple),
              bias_V=st.none() | LEVELS),
    st.builds(GalvanostaticSpectrum, frequencies_Hz=st.just(log_frequencies(1e5, 1, 5)),
              amplitude_A=st.floats(1e-8, 1e-4)),
)  # fmt: skip


@given(TECHNIQUES, st.sampled_from(MODELS), st.sampled_from([1, 2]))
@settings(max_examples=300)
def test_every_script_passes_the_strict_parser(technique: Technique, model: Model, repeats: int) -> None:
    if technique.kind in ("constant-current", "galvanostatic-spectrum") and not model.has_galvanostat:
        return
    script = Writer(model, (model.ranges_A[-1], model.ranges_A[0]), repeats).write(technique, 0.123456789)
    parse_script(script.lines, model.needs_prefix)
    assert all(len(line) < 100 for line in script.lines)
    assert sum(len(line) + 1 for line in script.lines) < 8000


def written(technique: Technique) -> Script:
    return Writer(EMSTAT, (1e-9, 0.1)).write(technique, 0.0)


def test_voltage_and_current_cut_offs_are_in_the_script() -> None:
    cut_offs = CutOffs(voltage_min_V=0.0, voltage_max_V=3.8, current_max_A=1e-3, current_min_A=5e-6)
    lines = written(ConstantPotential(1.0, 60, 1, cut_offs)).lines
    assert {"if p > 3800m", "if p < 0m", "if c > 1m", "if c < -1m", "if c < 5u", "if c > -5u"} <= set(lines)
    assert lines[-2:] == ("on_finished:", "cell_off")


def test_cycles_are_a_loop_in_the_instrument() -> None:
    few = written(CyclicVoltammetry(-0.5, 3.5, 1e-3, cycles=3, start_V=0.0))
    many = written(CyclicVoltammetry(-0.5, 3.5, 1e-3, cycles=3000, start_V=0.0))
    assert abs(len(many.lines) - len(few.lines)) < 5
    assert len(many.loops) == 6001
    assert sum(loop.points for loop in few.loops) == 1 + 500 + 5 * 4000 + 3500


def test_frequencies_are_measured_in_as_few_loops_as_they_allow() -> None:
    frequencies = log_frequencies(2e5, 1, 10)
    assert log_spaced(frequencies) == [frequencies]
    assert [len(run) for run in log_spaced((1e5, 1e4, 1e3, 50.0, 49.0))] == [3, 2]
    assert [len(run) for run in log_spaced((1e3, 1e3, 1e3))] == [1, 1, 1]


# ---------------------------------------------------------------- the strict parser
@pytest.mark.parametrize("word", QUESTIONABLE)
def test_literals_that_no_instrument_takes_are_refused(word: str) -> None:
    with pytest.raises(ScriptError):
        parse_script(["var p", f"set_e {word}"])


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("fail", 0x4001),
        ("Cell_on", 0x4004),
        ("var a\nvar a", 0x4026),
        ("pck_add a", 0x420B),
        ("loop a <= 3i", 0x420B),
        ("var a\nloop a <= 3i\ncell_on", 0x4018),
        ("pck_end", 0x401B),
        ("var p\npck_start\ntimer_get p\npck_end", 0x401B),
        ("var p\nmeas_loop_ocp p 1 5\nmeas_loop_ocp p 1 5\nendloop\nendloop", 0x400B),
        ("set_e p m", 0x4207),
        ("breakloop", 0x401B),
        ("\n".join(["cell_on"] * 3000), 0x4005),
    ],
)
def test_errors_of_a_script_have_their_codes(script: str, code: int) -> None:
    with pytest.raises(ScriptError) as raised:
        parse_script(script.split("\n"))
    assert raised.value.code == code


def test_a_pico_wants_a_prefix_on_potentials() -> None:
    parse_script(["set_e 1"])
    with pytest.raises(ScriptError):
        parse_script(["set_e 1"], needs_prefix=True)


# ---------------------------------------------------------------- codes and capabilities
def test_every_code_has_a_meaning_and_is_found_in_a_line() -> None:
    assert error_in("e!4001: Line 1, Col 1") == (0x4001, "Line 1, Col 1")
    assert error_in("Z!0006") == (0x0006, "")
    assert error_in("!0032") == (0x0032, "")
    assert error_in("Pda7F85F3Fu") is None
    for code in CODES:
        assert told(code).endswith(f"(error {code:04X})")
    assert "does not know" in told(0x9999)


def test_what_an_instrument_says_it_can_do_is_asked_before_a_technique_is_offered() -> None:
    recorded = "000000000000000000000000000003FFFFBFE8FFFFFFFFFFFFFFFFFFFFBFFFFE"
    assert techniques_of(EMSTAT, recorded) == techniques_of(EMSTAT, None)
    assert "constant-current" not in techniques_of(PICO, recorded)
    assert techniques_of(EMSTAT, f"{1 << 31:064X}") == ("spectrum",)
    assert techniques_of(EMSTAT, "?") == techniques_of(EMSTAT, None)
