"""A hold is reckoned a minute at once: it must be what a step at a time gives, with the power at its bounds too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from drivers.simulated.furnace import Course, Furnace, cold
from drivers.simulated.noise import StepNoise
from drivers.simulated.parameters import FurnaceParameters
from drivers.simulated.sample import Holding, Sample

STEPS = 7200


def furnace_of(parameters: dict[str, Any]) -> Furnace:
    checked = FurnaceParameters(**parameters)
    furnace = Furnace(checked, StepNoise(3, 1), cold(checked))
    furnace.set_target(60.0, None)
    return furnace


def in_parts_of(count: int, furnace: Furnace) -> Course:
    course = Course.nothing()
    for done in range(0, STEPS, count):
        course = course.then(furnace.advance(done + 1, min(count, STEPS - done)))
    return course


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"dead_time_s": 0.0},
        {"sensor_noise_K": 0.5},  # the power is driven to its bounds again and again
        {"proportional_W_per_K": 4000.0},  # the controller never comes to rest
        {"max_power_W": 60.0},  # the target is out of reach
    ],
)
def test_many_steps_at_once_are_the_steps_one_by_one(parameters: dict[str, Any]) -> None:
    singly, together = furnace_of(parameters), furnace_of(parameters)
    expected, found = in_parts_of(1, singly), in_parts_of(1000, together)
    for name, values in found._asdict().items():
        assert np.asarray(values) == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-6), name
    after, before = asdict(together.state), asdict(singly.state)
    assert after.pop("ramp_K_per_s") is before.pop("ramp_K_per_s") is None
    for name, value in after.items():
        assert value == pytest.approx(before[name], rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("lag_s", [0.0, 1.0, 600.0, 1e6])
def test_a_sample_trails_the_same_in_parts_of_any_length(lag_s: float) -> None:
    blocks = 60 + 5 * np.sin(np.arange(997) / 40)
    holding = Holding(lag_s, 0.02, 20.0)
    singly = [float(step) for one in (Sample(holding),) for b in blocks for step in one.advance([b]).temperature_C]
    assert Sample(holding).advance(blocks).temperature_C == pytest.approx(singly, abs=1e-9)
