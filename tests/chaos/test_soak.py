"""The short seeded form of `soak.py`: a quarter of an hour on two of the benches; `make chaos` takes a day on each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from soak import soak
from soak_truth import Truth

HOURS = {"eurotherm-methodscript": 0.1, "keithley2450": 0.25}  # a cycle on the third bench takes hours


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", HOURS)
def test_bad_wires_end_no_run_and_make_no_wrong_value(name: str, tmp_path: Path) -> None:
    soaked = soak(name, HOURS[name], 3, tmp_path / name)
    assert soaked.outcomes == ["finished"]
    assert not soaked.wrong
    assert soaked.rows > 300
    assert sum(soaked.struck.values()) > 10


def test_a_reading_that_the_world_never_had_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth itself is shifted: as if every reading were a kelvin, or ten millivolts, off."""
    between = Truth.between

    def shifted(self: Truth, t_s: Any, column: str) -> Any:
        low, high = between(self, t_s, column)
        return low + 0.01, high + 0.01

    monkeypatch.setattr(Truth, "between", shifted)
    soaked = soak("keithley2450", 0.1, 3, tmp_path / "shifted")
    assert len(soaked.wrong) > 20
    assert "the truth was" in soaked.wrong[0]
