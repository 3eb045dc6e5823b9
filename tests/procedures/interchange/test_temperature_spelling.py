"""Temperatures in file names: taken where the spelling has one meaning, else left alone."""

from __future__ import annotations

import pytest

from daq.errors import BadInput
from procedures.interchange.temperature import from_name, from_pattern


@pytest.mark.parametrize(
    ("stem", "temperature_C"),
    [
        ("PEIS_LPSCl_IonBlocking_-25C", -25.0),
        ("PEIS_TSeq7_-25C_#61_C01", -25.0),
        ("pellet 25degC", 25.0),
        ("pellet_60.5 °C_b", 60.5),
        ("60p5C", 60.5),
        ("T80C_run2", 80.0),
        ("+40C", 40.0),
        ("EIS_298.15K", 25.0),
        ("120_C", 120.0),
        ("100degC_100C", 100.0),
    ],
)
def test_usual_spellings(stem: str, temperature_C: float) -> None:
    assert from_name(stem) == pytest.approx(temperature_C)


@pytest.mark.parametrize(
    "stem",
    [
        "cell-25C",  # hyphen or minus
        "LFP_2C",  # a C-rate
        "heated_25C_to_60C",
        "sample25Cl",
        "0.99K0.01Cl",
        "20240115_peis_C01",
        "pellet",
    ],
)  # fmt: skip
def test_no_temperature_where_there_are_two_readings_or_none(stem: str) -> None:
    assert from_name(stem) is None


def test_absolute_zero_is_a_limit() -> None:
    with pytest.raises(BadInput, match="no temperature"):
        from_name("x_-300C")


@pytest.mark.parametrize(
    ("stem", "pattern", "temperature_C"),
    [
        ("a25C", "{T}C", 25.0),
        ("cell-25C", "cell-{T}C", 25.0),
        ("cell-25C", "cell{T}C", -25.0),
        ("run3_T60_b", "run*_T{T}_", 60.0),
        ("x_60.5_y", "_{T}_", 60.5),
        ("nothing", "{T}C", None),
    ],
)
def test_a_pattern_shows_where_it_stands(stem: str, pattern: str, temperature_C: float | None) -> None:
    assert from_pattern(stem, pattern) == temperature_C


@pytest.mark.parametrize("pattern", ["", "25C", "{T}_{T}"])
def test_a_pattern_without_its_place_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match=r"\{T\} once"):
        from_pattern("a25C", pattern)
