"""Direct control of one instrument through the SDK: connect with a plain cause, switch, set, sample, go safe.

Everything here runs in the one owner thread of the child.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daq.clock import Clock
from daq.errors import InstrumentError
from drivers.autolab.models import MODELS, CurrentRange
from drivers.autolab.options import AutolabOptions
from drivers.autolab.sdk import Sdk, describe, in_words, put

DAC_V = 10 / 65536  # the set-point snaps to it
READBACK_V = 2e-3
SAME_READINGS = 10  # readings that are equal to the last digit: a latch that is not loaded any more
FLAGS = {
    "CurrentOverload": "current overload",
    "PotentialOverload": "potential overload",
    "TemperatureOverload": "temperature overload",
    "Oscillation": "oscillation",
    "ManualCellSwitch": "the cell switch on the instrument is off",
}
WRONG_ADK = "is firmware_file the right one for this interface (Adk.x for IF030, Adk.bin for IF040)?"


@dataclass(frozen=True)
class Sampled:
    """One loaded latch. V, A; `flags` are names of the SDK that were True."""

    voltage_V: float
    current_A: float
    flags: tuple[str, ...] = ()

    @property
    def is_overload(self) -> bool:
        return bool({"CurrentOverload", "PotentialOverload"} & set(self.flags))


class Control:
    """Raises InstrumentError for whatever the SDK throws."""

    def __init__(self, name: str, options: AutolabOptions, channel: int, sdk: Sdk, clock: Clock) -> None:
        self.name = name
        self.options = options
        self.model = MODELS[options.model]
        self.clock = clock
        self.sdk = sdk
        self._channel = channel
        self._instrument: Any = None
        self._same = 0
        self._last: tuple[float, float] | None = None
        self.range: CurrentRange | None = None
        self.ranges: Sequence[CurrentRange] = self.model.ranges
        self.is_connected = False

    # ------------------------------------------------------------ connection
    def connect(self) -> None:
        """Raises InstrumentError: a file that is not there, NOVA open, nothing connected, the wrong firmware."""
        options = self.options
        setup = options.setup_file(self._channel)
        for key, path in (("firmware_file", options.firmware_file), ("hardware_setup_file", setup)):
            if not Path(path).is_file():
                raise InstrumentError(self.name, f"{key} {path} is not there; it comes with the SDK")
        instrument = self.sdk.instrument()
        put(instrument.AutolabConnection, "EmbeddedExeFileToStart", options.firmware_file, self.name)
        put(instrument, "HardwareSetupFile", setup, self.name)
        serial = options.modules[self._channel - 1].serial
        self._called(lambda: instrument.Connect(serial) if serial else instrument.Connect(), "Connect")
        self._instrument = instrument
        if not instrument.AutolabConnection.IsConnected:
            raise InstrumentError(
                self.name,
                f"no connection with {options.firmware_file}: is the instrument on, the USB in, and {WRONG_ADK}",
            )
        self.is_connected = True
        self.make_safe()
        first = self.sample()
        if not (math.isfinite(first.voltage_V) and abs(first.voltage_V) <= 12):
            raise InstrumentError(self.name, f"the first reading makes no sense ({first.voltage_V} V); {WRONG_ADK}")
        self._probe_ranges()
        if options.fra:
            self._check_fra()

    def calibration_warning(self) -> str:
        """Whether the setup file lacks this instrument's own calibration; empty when it has it."""
        setup = Path(self.options.setup_file(self._channel))
        if self.options.fra and "AUT" not in setup.name:
            return (
                f"{setup.name} is a generic setup file without the FRA's calibration; use "
                "HardwareSetup.AUTnnnnn.xml of this serial number, in C:\\ProgramData\\Metrohm Autolab"
            )
        return ""

    def disconnect(self) -> None:
        if self.is_connected:
            self.is_connected = False
            with suppress(Exception):  # it goes away with the process, and has been made safe
                self._instrument.Disconnect()

    def _probe_ranges(self) -> None:
        """With the cell off: the ranges of the model's table that this instrument takes."""
        taken = []
        for one in self.model.ranges:
            try:
                self.set_range(one)
                taken.append(one)
            except InstrumentError:
                continue
        if not taken:
            raise InstrumentError(self.name, f"takes none of the ranges of a {self.model.name}; is the model right?")
        self.ranges = tuple(taken)

    def _check_fra(self) -> None:
        try:
            put(self._instrument.Fra, "Frequency", 1000.0, self.name)
        except Exception as error:  # a missing module throws whatever the SDK likes
            raise InstrumentError(
                self.name, f"there is no FRA module ({describe(error)}); set fra = false, or check the setup file"
            ) from error

    # ------------------------------------------------------------ members
    @property
    def ei(self) -> Any:
        if not self.is_connected:
            raise InstrumentError(self.name, "is not connected")
        return self._instrument.Ei

    @property
    def fra(self) -> Any:
        return self._instrument.Fra

    def set(self, member: str, value: Any) -> None:
        self._called(lambda: put(self.ei, member, value, self.name), member)

    def set_fra(self, member: str, value: Any) -> None:
        self._called(lambda: put(self.fra, member, value, self.name), member)

    def start_fra(self) -> None:
        self._called(self.fra.Start, "Start")

    def switch_fra(self, on: bool) -> None:
        """The FRA's relay and, where this SDK has it, its power."""
        self.set("EnableDsgInput", on)
        if self.sdk.extensions is not None:
            switch = self.sdk.extensions.SwitchFraOn if on else self.sdk.extensions.SwitchFraOff
            self._called(lambda: switch(self._instrument), "SwitchFra")

    def set_mode(self, galvanostatic: bool) -> None:
        """Only with the cell off."""
        modes = self.sdk.ei.EIMode
        self.set("Mode", modes.Galvanostatic if galvanostatic else modes.Potentiostatic)

    def set_loop(self, loop: str) -> None:
        self.set("Bandwidth", getattr(self.sdk.ei.EIBandwidth, loop))

    def set_range(self, wanted: CurrentRange) -> None:
        self.set("CurrentRange", getattr(self.sdk.ei.EICurrentRange, wanted.member))
        self.range = wanted

    def set_potential(self, voltage_V: float) -> None:
        """Read back: it snaps to the DAC's 153 uV, so 2 mV are allowed."""
        self.set("Setpoint", float(voltage_V))
        reached_V = float(self.ei.Setpoint)
        if abs(reached_V - voltage_V) > READBACK_V:
            raise InstrumentError(self.name, f"{voltage_V:.4f} V were set, {reached_V:.4f} V read back")

    def set_current(self, current_A: float) -> None:
        """In the unit that the owner found on a dummy cell. Raises InstrumentError where that is not answered."""
        unit = self.options.first_hour.galvanostatic_setpoint
        if unit is None or self.range is None:
            raise InstrumentError(self.name, "the unit of the galvanostatic set-point is not known (first_hour)")
        self.set("Setpoint", float(current_A if unit == "A" else current_A / self.range.full_scale_A))

    def switch(self, on: bool) -> None:
        states = self.sdk.ei.EICellOnOff
        self.set("CellOnOff", states.On if on else states.Off)
        if bool(self.ei.Cell) != on:
            raise InstrumentError(self.name, f"the cell was switched {'on' if on else 'off'}, and reads back otherwise")
        self._same, self._last = 0, None

    def sample(self) -> Sampled:
        """Loads the latch, then reads it. Raises InstrumentError when it is stuck."""
        ei = self.ei
        self._called(ei.Sampler.Sample, "Sample")
        voltage_V, current_A = float(ei.Potential), float(ei.Current)
        if not (math.isfinite(voltage_V) and math.isfinite(current_A)):
            raise InstrumentError(self.name, f"read {voltage_V} V, {current_A} A, which are no numbers")
        self._same = self._same + 1 if self._last == (voltage_V, current_A) else 1
        self._last = voltage_V, current_A
        if self._same >= SAME_READINGS:
            raise InstrumentError(
                self.name,
                f"{SAME_READINGS} readings in a row are equal ({voltage_V:.6f} V, {current_A:.3e} A): "
                "the values are not measured any more; power the instrument off and on",
            )
        return Sampled(voltage_V, current_A, tuple(flag for flag in FLAGS if bool(getattr(ei, flag))))

    # ------------------------------------------------------------ safe
    def make_safe(self) -> None:
        """Cell off first, then relay, FRA and set-point; everything is tried. Raises InstrumentError when not off."""
        problems: list[str] = []
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("cell off", lambda: self.switch(False)),
            ("FRA off", lambda: self.switch_fra(False)),
            ("set-point 0", lambda: self.set("Setpoint", 0.0)),
            ("potentiostatic", lambda: self.set_mode(False)),
        )
        for what, step in steps:
            try:
                step()
            except InstrumentError as error:
                problems.append(f"{what}: {error}")
        if bool(self.ei.Cell) or problems:
            still = "the cell is still on" if bool(self.ei.Cell) else "the cell is off, but not all was done"
            raise InstrumentError(self.name, f"{still} ({'; '.join(problems)})")

    def _called(self, call: Callable[[], Any], what: str) -> Any:
        try:
            return call()
        except InstrumentError:
            raise
        except Exception as error:  # .NET throws what it likes; its type and text are kept
            raise in_words(error, f"{self.name} ({what})" if what == "Sample" else self.name) from error
