"""The furnace and cell of `benchmarks/settling.py`, and a driver that plays a step as the sweep procedure does."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from procedures.settling import SettleState, Settling

MODEL = Path(__file__).parents[3] / "benchmarks" / "settling.py"


@pytest.fixture(scope="session")
def model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("settling_model", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Step:
    """Plays one step: `until` a state or for some time, with monitor spectra from `log_resistance` when wanted."""

    settling: Settling
    furnace: Any
    setpoint_C: float
    log_resistance: Callable[[Any], float] | None = None
    noise: float = 0.003
    sample_sensor: bool = False
    interval_s: int = 1
    monitor_s: int = 20
    samples: tuple[str, ...] = ("",)
    states: list[SettleState] = field(default_factory=list)
    monitors: int = 0

    def second(self, **changes: Any) -> None:
        self.furnace.step(self.setpoint_C)
        if self.furnace.t_s % self.interval_s:
            return
        sample_C = self.furnace.sample_C + self.furnace.random.gauss(0, self.furnace.noise_K)
        reading = {
            "temperature_C": self.furnace.reading_C,
            "working_setpoint_C": self.furnace.working_C,
            "setpoint_C": self.setpoint_C,
            "sample_temperature_C": sample_C if self.sample_sensor else None,
            "output_percent": self.furnace.output_percent,
        }
        state = self.settling.feed(self.furnace.t_s, **{**reading, **changes})
        if not self.states or self.states[-1] is not state:
            self.states.append(state)

    def monitor(self) -> None:
        assert self.log_resistance is not None
        for sample in self.samples:
            at_s = self.furnace.t_s + 6
            for second in range(self.monitor_s):
                self.second()
                if second == 5:
                    value = self.log_resistance(self.furnace) + self.furnace.random.gauss(0, self.noise)
                    self.settling.feed_monitor(at_s, math.exp(value), self.noise, sample)
            self.monitors += 1

    def run(self, seconds: float) -> None:
        end = self.furnace.t_s + seconds
        while self.furnace.t_s < end:
            self.once()

    def once(self) -> None:
        if self.log_resistance is not None and self.settling.monitor_due(self.furnace.t_s):
            self.monitor()
        else:
            self.second()

    def until_released(self, most_h: float = 12) -> float:
        """Minutes from now to the release."""
        begun = self.furnace.t_s
        while self.settling.release is None and self.furnace.t_s - begun < 3600 * most_h:
            self.once()
        return (self.furnace.t_s - begun) / 60


@pytest.fixture(scope="session")
def player() -> type[Step]:
    return Step
