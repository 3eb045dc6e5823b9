"""The same seed and the same calls give the same readings, bit for bit; another seed gives others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from truth_bench import truth_bench

from daq.virtual_clock import VirtualClock
from drivers.techniques import OpenCircuit, Spectrum, log_frequencies

SHORT = Spectrum(log_frequencies(1e6, 100, 3))


def history(folder: Path, simulation: dict[str, Any], start_s: float = 0.0) -> list[Any]:
    seen: list[Any] = []
    with truth_bench(folder, simulation, clock=VirtualClock(start_s)) as truth:
        for target in (30, 45):
            truth.furnace.set_target(target, 3)
            for _ in range(20):
                truth.clock.sleep(37.5)
                seen += [truth.furnace.read(), truth.potentiostat.read()]
            for point in truth.potentiostat.measure(SHORT, 2):
                seen.append(tuple(getattr(point, name) for name in ("z_real_ohm", "z_imag_ohm", "dc_current_A")))
            seen += list(truth.potentiostat.measure(OpenCircuit(5)))
    return seen


def test_the_same_again(tmp_path: Path) -> None:
    simulation = {"preset": "Li2OHCl", "seed": 7}
    first = history(tmp_path / "a", simulation)
    assert history(tmp_path / "b", simulation) == first
    assert history(tmp_path / "c", {**simulation, "seed": 8}) != first


def test_when_the_clock_began_does_not_matter_to_temperatures(tmp_path: Path) -> None:
    early = history(tmp_path / "a", {})
    late = history(tmp_path / "b", {}, start_s=86_400.0)
    assert early[:40:2] == late[:40:2]


def test_looking_does_not_change_the_world(tmp_path: Path) -> None:
    def end(folder: Path, every_s: float) -> Any:
        with truth_bench(folder, {"preset": "Li2OHCl"}) as truth:
            truth.furnace.set_target(60, 3)
            while truth.clock.monotonic() < 7200:
                truth.clock.sleep(every_s)
                truth.furnace.read()
                truth.world.sample(3)
            return truth.furnace.read(), truth.world.sample(1)

    seldom = end(tmp_path / "seldom", 7200)
    assert end(tmp_path / "often", 0.5) == seldom
    assert end(tmp_path / "odd", 7.5) == seldom


@pytest.mark.parametrize("days", [1, 2])
def test_a_long_absence_is_the_same_as_a_long_presence(tmp_path: Path, days: int) -> None:
    with truth_bench(tmp_path / "away") as away, truth_bench(tmp_path / "there", clock=away.clock) as there:
        away.furnace.set_target(50, 3)
        there.furnace.set_target(50, 3)
        for _ in range(24 * days):
            there.clock.sleep(3600)
            there.furnace.read()
        assert away.furnace.read() == there.furnace.read()
        assert away.world.now_s() == days * 86_400
