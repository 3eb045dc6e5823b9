"""A run does not begin beside a test that an earlier one left on a cycler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daq.bench import Bench, BenchConfig, build_bench
from daq.errors import BadInput, InstrumentLost
from daq.tests_left import refuse_beside_tests
from daq.virtual_clock import VirtualClock
from drivers.schedule import Protection, Rest, Schedule

TABLE: dict[str, Any] = {
    "bench": {"name": "cells"},
    "instruments": {"cycler": {"driver": "simulated-cycler"}, "furnace": {"driver": "simulated-furnace"}},
    "simulation": {"cell": "lfp", "preset": "K001"},
    "source": None,
}
HOUR = Schedule("rest", (Rest(3600.0),), Protection(-5, 5, 1))


def bench_in(folder: Path, clock: VirtualClock) -> Bench:
    return build_bench(BenchConfig.from_dict(TABLE), clock, folder)


def test_it_is_refused_while_the_test_goes_on_and_not_after(tmp_path: Path) -> None:
    clock = VirtualClock()
    with clock.attached():
        bench = bench_in(tmp_path, clock)
        refuse_beside_tests(bench, None)
        cycler: Any = bench.instruments["cycler"]
        cycler.connect()
        cycler.submit(3, HOUR, "cell A")
        with pytest.raises(BadInput, match="channel 3 runs") as told:
            refuse_beside_tests(bench, tmp_path / "2026-03-01_cycling_A")
        assert "Nothing was started" in str(told.value)
        assert "cellrig resume 2026-03-01_cycling_A" in str(told.value)
        clock.sleep(3700)
        refuse_beside_tests(bench, None)
        bench.close()


def test_a_cycler_that_cannot_be_asked_counts_only_where_a_run_was_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    with clock.attached():
        bench = bench_in(tmp_path, clock)

        def lost(self: object) -> None:
            raise InstrumentLost("cycler", "no answer")

        monkeypatch.setattr(type(bench.instruments["cycler"]), "connect", lost)
        refuse_beside_tests(bench, None)
        with pytest.raises(BadInput, match="can't be asked what it runs"):
            refuse_beside_tests(bench, tmp_path / "2026-03-01_cycling_A")
        bench.close()
