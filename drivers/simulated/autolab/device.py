"""A simulated Autolab as such: what all parts of the SDK's surface share, and where faults strike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from daq.clock import Clock
from drivers.autolab.models import CurrentRange, Model
from drivers.simulated.autolab.faults import AutolabFaults, Truths
from drivers.simulated.autolab.net_values import EIBandwidth
from drivers.simulated.autolab.physics import CellBehind


class Device:
    """The instrument as such: what all parts of the surface share."""

    def __init__(
        self, clock: Clock, model: Model, cell: CellBehind, faults: AutolabFaults, truths: Truths, name: str
    ) -> None:
        self.clock = clock
        self.model = model
        self.cell = cell
        self.faults = faults
        self.truths = truths
        self.name = name
        self.is_connected = False
        self.is_fra_on = False
        self.start_overload = False
        self.range: CurrentRange = model.ranges[0]
        self.loop = EIBandwidth.High_Stability
        self._counts: dict[str, int] = {}
        self.strikes: Callable[[str], bool] = lambda _kind: False
        self.cable_out: Path | None = None  # while this file is there, the USB is out

    def change(self, **values: bool | float) -> None:
        self.cell.change(self.range.full_scale_A, **values)

    def need(self) -> None:
        if not self.is_connected:
            raise RuntimeError("Object reference not set to an instance of an object: not connected")

    def cost(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def called(self, what: str) -> None:
        """Faults strike here. A hang is one of the wall's time: no deadline in the process can end it."""
        count = self._counts[what] = self._counts.get(what, 0) + 1
        is_out = self.cable_out is not None and self.cable_out.exists()
        if is_out and what == "Connect":
            raise RuntimeError("No Autolab found")
        if is_out or (self.faults.hang_in == what and count >= self.faults.hang_after):
            threading.Event().wait()
        throws = self.faults.throws_after
        if what in ("Start", "Sample") and throws is not None and count > throws:
            raise RuntimeError("Could not send command to the USB device")
        if what in ("Start", "Sample") and self.strikes("measurement_lost"):
            raise RuntimeError("Could not send command to the USB device")

    def count(self, what: str) -> int:
        return self._counts.get(what, 0)
