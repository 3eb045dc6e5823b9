"""What a simulated controller measures and heats."""

from __future__ import annotations

from typing import Protocol

from drivers.simulated.furnace_views import FurnaceView


class Physics(Protocol):
    """What the controller measures and heats: `drivers.simulated.world.World`."""

    def set_target(self, temperature_C: float, ramp_K_per_s: float | None) -> None: ...
    def hold(self) -> None: ...
    def heater_off(self) -> None: ...
    def fix_output(self, percent: float) -> None: ...
    def furnace(self) -> FurnaceView: ...
