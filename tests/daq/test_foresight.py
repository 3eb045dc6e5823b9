"""What `check` says of interlocks by the plan's own temperatures: those that will trip, those that never can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daq.plan import check_plan, load_plan, make_plan
from daq.runfile.reader import RunFile
from daq.runner import Watcher, run_plan

ROOT = Path(__file__).resolve().parents[2]
FURNACE = "furnace.temperature_C"
HOLD = {"procedure": "temperature-hold", "temperature_C": 90, "ramp_K_per_min": 5, "duration_h": 0.5}
SWEEP = {"procedure": "eis-sweep", "temperatures_C": [30, 80], "return_temperature_C": 30}


def plan_of(lock: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    sample = {"name": "pellet", "pellet": {"thickness_mm": 0.9, "diameter_mm": 10}}
    return {"sample": sample, "run": [run], "interlock": [{"name": "mine", "action": "stop", **lock}]}


def told(lock: dict[str, Any], run: dict[str, Any]) -> list[str]:
    """What `check` warns of, on the built-in bench, whose furnace ends a run at 150 degC."""
    (checked,) = check_plan(make_plan(plan_of(lock, run)))
    return [line for line in checked.warnings if "interlock" in line]


@pytest.mark.parametrize(
    ("lock", "run", "parts"),
    [
        ({"quantity": FURNACE, "maximum": 80}, HOLD, ["'mine' will trip", "goes to 90 °C", "80", "ends safely"]),
        ({"quantity": "hold.temperature_C", "maximum": "80 degC"}, HOLD, ["will trip: the plan goes to 90 °C"]),
        ({"quantity": FURNACE, "maximum": 80, "action": "pause"}, HOLD, ["will trip", "waits for it", "12 h"]),
        ({"quantity": FURNACE, "maximum": 91}, HOLD, ["may trip", "Give it more room"]),
        ({"quantity": "furnace.setpoint_C", "maximum": 70}, SWEEP, ["will trip", "goes to 80 °C"]),
        ({"quantity": "hold.temperature_C", "minimum": 95, "action": "warn"}, HOLD, ["will trip", "minimum of 95"]),
        ({"quantity": FURNACE, "minimum": 60}, HOLD, ["lets no run begin with a cold furnace", "60 °C"]),
        ({"quantity": FURNACE + " per min", "maximum": 4}, HOLD, ["will trip where", "heats at 5 K/min", "of 4"]),
        ({"quantity": FURNACE + " per h", "maximum": 240}, HOLD, ["heats at 300 K/h"]),
        ({"quantity": FURNACE + " per min", "minimum": -1}, SWEEP, ["cools at 3 K/min", "minimum of -1"]),
        ({"quantity": FURNACE, "maximum": 160}, HOLD, ["can never pass its maximum of 160", "ends the run at 150"]),
        ({"quantity": "furnace.silence_s", "maximum": 3600, "action": "pause"}, HOLD, ["can never pass", "answers"]),
        ({"quantity": FURNACE, "maximum": 100, "delay_s": 86400}, HOLD, ["can never trip: its delay of 86400 s"]),
    ],
)
def test_one_sentence_tells_it(lock: dict[str, Any], run: dict[str, Any], parts: list[str]) -> None:
    (line,) = told(lock, run)
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("lock", "run"),
    [
        ({"quantity": FURNACE, "maximum": 100}, HOLD),
        ({"quantity": FURNACE, "maximum": 91, "delay_s": 600}, HOLD),
        ({"quantity": "hold.temperature_C", "minimum": 85}, HOLD),
        ({"quantity": FURNACE + " per min", "maximum": 6}, HOLD),
        ({"quantity": FURNACE + " per min", "minimum": -1}, HOLD),  # which never cools
        ({"quantity": FURNACE + " per min", "maximum": 4, "window_s": 3600}, HOLD),  # over before it is seen
        ({"quantity": "furnace.temperature_C - furnace.sample_temperature_C", "maximum": 5}, HOLD),
        ({"quantity": "potentiostat.voltage_V", "maximum": 1}, HOLD),
        ({"quantity": "furnace.silence_s", "maximum": 5, "action": "warn"}, HOLD),
    ],
)
def test_nothing_is_said_of_what_cannot_be_told(lock: dict[str, Any], run: dict[str, Any]) -> None:
    assert told(lock, run) == []


@pytest.mark.parametrize(
    "lock",
    [
        {"quantity": FURNACE, "maximum": 80, "action": "warn"},
        {"quantity": "hold.temperature_C", "minimum": 95, "action": "warn"},
        {"quantity": FURNACE + " per min", "maximum": 4, "action": "warn"},
        {"quantity": FURNACE, "maximum": 95, "action": "warn"},
    ],
)
def test_what_is_foretold_is_what_happens(lock: dict[str, Any], tmp_path: Path) -> None:
    short = {**HOLD, "duration_h": 0.1}
    (ended,) = run_plan(make_plan(plan_of(lock, short)), tmp_path, Watcher())
    with RunFile.open(ended.path) as run:
        assert run.outcome == "finished"
        assert bool(run.interlocks) is any("will trip" in line for line in told(lock, short))


@pytest.mark.parametrize("name", ["heating_in_stages", "paper/arrhenius_k001", "paper/cv", "paper/lfp"])
def test_examples_are_not_warned_of(name: str) -> None:
    for checked in check_plan(load_plan(ROOT / "examples" / f"{name}.toml")):
        assert [line for line in checked.warnings if "interlock" in line] == []
