"""In virtual time the points of one moment are recorded together: the run is as if each had been recorded by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daq.bench import BenchConfig, BenchFileModel
from daq.plan import make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan
from daq.tables import parse
from drivers.simulated.potentiostat_driver import SimulatedPotentiostat
from drivers.techniques import Point, Technique

SAMPLE = {"name": "K001", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}, "electrode": {"diameter_mm": 9}}
SWEEP = {
    "procedure": "cyclic-voltammetry",
    "temperature_C": "none",
    "start_V": 2.0,
    "scan_rate_mV_s": 10,
    "step_mV": 1,
    "cycles": 1,
}


def singly(self: SimulatedPotentiostat, technique: Technique, channel: int = 1) -> Iterator[list[Point]]:
    return ([point] for point in self.measure(technique, channel))


def swept(folder: Path, **changes: object) -> tuple[str, RunFile]:
    table = {
        "bench": {"name": "points"},
        "instruments": {"potentiostat": {"driver": "simulated-potentiostat"}},
        "simulation": {"cell": "gold", "preset": "K001", "seed": 3},
    }
    bench = BenchConfig(parse(BenchFileModel, table, "points"), None)
    (ended,) = run_plan(make_plan({"sample": SAMPLE, "run": [SWEEP], **changes}, bench), folder, Watcher())
    return ended.end.outcome, RunFile.open(ended.path)


@pytest.mark.parametrize(
    "changes",
    [{}, {"interlock": [{"quantity": "voltammetry.voltage_V", "maximum": 3.2, "action": "stop"}]}],
    ids=["whole", "ended by an interlock"],
)
def test_a_sweep_is_the_same_point_by_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    outcome, together = swept(tmp_path / "together", **changes)
    monkeypatch.setattr(SimulatedPotentiostat, "measure_in_blocks", singly)
    other, one_by_one = swept(tmp_path / "one by one", **changes)
    with together, one_by_one:
        assert (outcome, [one.text for one in together.events()][-3:]) == (
            other,
            [one.text for one in one_by_one.events()][-3:],
        )
        rows, expected = together.table("voltammetry"), one_by_one.table("voltammetry")
    many = min(len(one["id"]) for one in (rows, expected))
    assert many > 1000
    assert abs(len(rows["id"]) - len(expected["id"])) <= (100 if changes else 0)  # stopped at the end of its block
    for name in rows:
        assert (rows[name][:many] == expected[name][:many]).all(), name
