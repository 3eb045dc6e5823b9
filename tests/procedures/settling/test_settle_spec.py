"""A rule that can't be kept, or isn't understood, is refused before anything is heated."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daq.errors import BadInput
from procedures.settling import SettleSpec


def test_defaults_are_usable_with_an_ordinary_sensor() -> None:
    SettleSpec().check(sensor_noise_K=0.02, interval_s=1.0)


def test_a_slope_below_the_noise_is_refused_with_the_computed_minimum() -> None:
    spec = SettleSpec(slope_K_per_min=0.0005)
    with pytest.raises(BadInput, match=r"0\.0042 or more"):
        spec.check(sensor_noise_K=0.1, interval_s=1.0)  # 3 x 0.1 sqrt(12) / (10 sqrt(600))
    SettleSpec(slope_K_per_min=0.0043).check(sensor_noise_K=0.1, interval_s=1.0)


def test_a_band_within_the_noise_is_refused() -> None:
    with pytest.raises(BadInput, match=r"band_K.*0\.89 or more"):
        SettleSpec(band_K=0.5, drift_limit_K=1.0, slope_K_per_min=0.1).check(sensor_noise_K=0.5, interval_s=1.0)


def test_noise_check_covers_the_cooling_rule() -> None:
    spec = SettleSpec(cooling=SettleSpec(slope_K_per_min=0.0001))
    with pytest.raises(BadInput, match="slope_K_per_min"):
        spec.check(sensor_noise_K=0.02, interval_s=1.0)


def test_from_toml_with_cooling_that_inherits() -> None:
    table = tomllib.loads(
        'band_K = 0.3\non_timeout = "skip"\nagree_repeats = 3\n[cooling]\nband_K = 1\ntimeout_min = 240\n'
    )
    spec = SettleSpec.from_mapping(table, "plan.toml, run 1, settle")
    assert (spec.band_K, spec.on_timeout, spec.agree_repeats) == (0.3, "skip", 3)
    cooling = spec.for_step(start_C=60, target_C=40)
    assert (cooling.band_K, cooling.timeout_min, cooling.on_timeout) == (1, 240, "skip")
    assert spec.for_step(start_C=40, target_C=60) is spec


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"bandK": 0.5}, ["plan.toml", "unknown key 'bandK'", "band_K, slope_K_per_min"]),
        ({"band_K": "0.5"}, ["plan.toml.band_K", "not a number", "0.05 to 20"]),
        ({"band_K": True}, ["plan.toml.band_K", "not a number"]),
        ({"band_K": float("nan")}, ["plan.toml.band_K", "out of range"]),
        ({"band_K": -1}, ["plan.toml.band_K", "out of range"]),
        ({"agree_repeats": 2.5}, ["plan.toml.agree_repeats", "whole number"]),
        ({"agree_repeats": float("inf")}, ["plan.toml.agree_repeats"]),
        ({"sensor": "thermocouple"}, ["plan.toml.sensor", "sample, control, auto"]),
        ({"sensor": ["sample"]}, ["plan.toml.sensor"]),
        ({"on_timeout": 3}, ["measure_flagged"]),
        ({"cooling": 3}, ["plan.toml.cooling", "not a table"]),
        ({"cooling": {"cooling": {}}}, ["plan.toml.cooling", "of its own"]),
        ({"timeout_min": 120, "ceiling_min": 30}, ["plan.toml.ceiling_min", "below the time-out"]),
        ({"band_K": None}, ["plan.toml.band_K", "not a number"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_is_allowed(table: dict, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        SettleSpec.from_mapping(table, "plan.toml")
    for word in words:
        assert word in str(caught.value)


_words = st.sampled_from(["", "a", "sample", "skip", "band_K"])
_plain = st.none() | st.booleans() | st.integers() | st.floats() | _words
_anything = _plain | st.lists(_plain, max_size=2) | st.dictionaries(_words, _plain, max_size=2)


@given(st.dictionaries(st.sampled_from([*SettleSpec.__dataclass_fields__, "nonsense"]), _anything, max_size=3))
def test_any_table_is_a_spec_or_bad_input(table: dict) -> None:
    place = "here"
    spec = None
    try:
        spec = SettleSpec.from_mapping(table, "here")
    except BadInput as bad:
        place = bad.place
    assert place.startswith("here")
    if spec is not None:
        assert all(getattr(spec, key) == value for key, value in table.items() if key != "cooling")
