"""Lags survive from run to run, with their date; a damaged file says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from daq.errors import BadInput
from procedures.settling import LagEstimate, LagStore

HEATING = LagEstimate(540.0, 0.04, "swagelok 10 mm", "heating", "2026-11-25")


def test_a_lag_is_offered_next_time(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "lags.json"
    LagStore(path).put(HEATING)
    assert LagStore(path).get("swagelok 10 mm", "heating") == HEATING
    assert LagStore(path).get("swagelok 10 mm", "cooling") is None
    assert LagStore(path).get("pouch", "heating") is None


def test_newer_values_replace_older_and_others_stay(tmp_path: Path) -> None:
    store = LagStore(tmp_path / "lags.json")
    cooling = LagEstimate(700.0, 0.1, "swagelok 10 mm", "cooling", "2026-11-25")
    newer = LagEstimate(560.0, 0.02, "swagelok 10 mm", "heating", "2026-12-01")
    for lag in (HEATING, cooling, newer):
        store.put(lag)
    assert store.get("swagelok 10 mm", "heating") == newer
    assert store.get("swagelok 10 mm", "cooling") == cooling
    assert [p.name for p in tmp_path.iterdir()] == ["lags.json"]


def test_a_lag_without_fixture_or_date_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fixture"):
        LagStore(tmp_path / "lags.json").put(LagEstimate(540.0, 0.04))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": "other", "lags": []}',
        '{"format": "cellrig-lags-1"}',
        '{"format": "cellrig-lags-1", "lags": [3]}',
        '{"format": "cellrig-lags-1", "lags": [{"lag_s": -1, "relative_uncertainty": 0.1}]}',
        '{"format": "cellrig-lags-1", "lags": [{"lag_s": "x", "relative_uncertainty": 0.1}]}',
        '{"format": "cellrig-lags-1", "lags": [{"lag_s": 5, "relative_uncertainty": 0.1, "colour": 1}]}',
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lags.json"
    path.write_text(text, encoding="utf-8")
    for attempt in (lambda: LagStore(path).get("x", "heating"), lambda: LagStore(path).put(HEATING)):
        with pytest.raises(BadInput, match=r"lags\.json.*delete it"):
            attempt()
    assert path.read_text(encoding="utf-8") == text
