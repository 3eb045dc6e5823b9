"""Numbers and times as they are printed: what a person would write down from them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.errors import BadInput
from procedures.cli.text import duration, measured, seconds_of, size


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.13427, 0.00213, "0.1343 ± 0.0021"),
        (25529.0, 213.0, "25530 ± 210"),
        (4.49e-6, 4.5e-7, "(4.49 ± 0.45)e-6"),
        (0.5603, None, "0.5603"),
        (None, 0.1, "-"),
        (math.nan, None, "-"),
        (0.0, 0.02, "0.000 ± 0.020"),
        (60.000000000001, 4e-13, "60"),
    ],
)
def test_two_digits_of_the_uncertainty(value: float | None, uncertainty: float | None, text: str) -> None:
    assert measured(value, uncertainty) == text


@given(
    st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda v: abs(v) > 1e-12),
    st.floats(1e-3, 0.5),
)
def test_what_is_printed_is_the_number_within_its_uncertainty(value: float, relative: float) -> None:
    uncertainty = abs(value) * relative
    found = re.fullmatch(r"\(?(\S+) ± ([^)\s]+)\)?(e-?\d+)?", measured(value, uncertainty))
    assert found is not None
    power = found[3] or ""
    assert abs(float(found[1] + power) - value) <= 0.06 * uncertainty
    assert float(found[2] + power) == pytest.approx(uncertainty, rel=0.06)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3599, "1 h"),
        (12000, "3 h 20 min"),
        (200000, "2 d 8 h"),
        (None, "?"),
        (math.inf, "?"),
        (-3, "0 s"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(1, 1e7))
def test_a_printed_duration_reads_back_within_its_rounding(seconds: float) -> None:
    assert seconds_of(duration(seconds), "here") == pytest.approx(seconds, rel=0.02, abs=31)


@pytest.mark.parametrize("written", ["", "2", "h", "2 hours", "-2h", "2h and more", "1e3 s"])
def test_a_time_is_not_guessed(written: str) -> None:
    with pytest.raises(BadInput, match="allowed: numbers with s, min, h or d"):
        seconds_of(written, "--down-for")


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1500, 8.4e6, 2e12)] == ["0 B", "999 B", "1.5 kB", "8.4 MB", "2 TB"]
