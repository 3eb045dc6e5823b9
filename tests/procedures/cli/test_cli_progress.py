"""The time that is left, as a person is told it while runs go on."""

from __future__ import annotations

import pytest

from daq.engine import Progress
from procedures.cli import progress
from procedures.cli.progress import Pace, remaining


def news(bench_s: float, remaining_s: float | None) -> Progress:
    return Progress(1, 2, "charge", "", "", remaining_s, bench_s)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress, "wall_monotonic", lambda: now[0])
    return now


def test_on_a_quickened_bench_the_time_on_the_wall_is_told_as_well(wall: list[float]) -> None:
    pace = Pace()
    assert remaining(news(0.0, 3600.0), pace) == "1 h left"
    wall[0] += 10
    assert remaining(news(600.0, 3000.0), pace) == "50 min left on the bench, 50 s here"


def test_the_second_run_of_a_plan_has_a_pace_of_its_own(wall: list[float]) -> None:
    """Each run's bench time begins at 0; measured against the first run's wall time it would be days."""
    pace = Pace()
    for _ in range(3):
        remaining(news(60.0 * (wall[0] - 100), 100.0), pace)
        wall[0] += 30
    assert remaining(news(0.01, 1800.0), pace) == "30 min left"
    wall[0] += 10
    assert remaining(news(600.01, 1200.0), pace) == "20 min left on the bench, 20 s here"
