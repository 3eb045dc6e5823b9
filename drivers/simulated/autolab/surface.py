"""The public names of the vendor's SDK that the driver uses, with the behaviour found on rigs, in plain Python.

None of the vendor's code: names and facts from public code and bench reports. Every call costs its measured time.
"""

from __future__ import annotations

import cmath
import enum
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daq.clock import Clock
from drivers.autolab.models import CurrentRange, Model
from drivers.simulated.autolab.faults import AutolabFaults, Truths
from drivers.simulated.autolab.physics import CellBehind, snapped

SAMPLE_s, PROPERTY_s = 0.025, 0.005
SCALES = ("1000A", "100A", "80A", "50A", "40A", "20A", "10A", "1A", "100mA", "10mA", "1mA")
SMALL_SCALES = ("100uA", "10uA", "1uA", "100nA", "10nA", "1nA", "100pA", "10pA", "1pA")


class EIMode(enum.Enum):
    Potentiostatic = 0
    Galvanostatic = 1


class EICellOnOff(enum.Enum):
    Off = 0
    On = 1


class EIBandwidth(enum.Enum):
    UltraHigh_Speed = 0
    High_Speed = 1
    High_Stability = 2


class FraWaveType(enum.Enum):
    Sine = 0
    MultiSine5 = 1
    MultiSine15 = 3


CURRENT_RANGES: Any = enum.Enum(
    "EICurrentRange", {f"CR{place:02d}_{name}": 7 - place for place, name in enumerate(SCALES + SMALL_SCALES)}
)


def strict(value: Any, kind: type[enum.Enum]) -> Any:
    """As pythonnet 3: no number stands for an enum."""
    if not isinstance(value, kind):
        raise TypeError(
            f"since Python.NET 3.0 {type(value).__name__} can not be converted to Enum implicitly. Use Enum(int_value)"
        )
    return value


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or type(value) not in (int, float):
        raise TypeError(f"'{type(value).__name__}' value cannot be converted to System.Double")
    return float(value)


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


class AutolabConnection:
    def __init__(self, device: Device) -> None:
        self._device = device
        self._file = ""

    @property
    def EmbeddedExeFileToStart(self) -> str:
        return self._file

    @EmbeddedExeFileToStart.setter
    def EmbeddedExeFileToStart(self, value: str) -> None:
        self._file = value

    @property
    def IsConnected(self) -> bool:
        return self._device.is_connected


class Signal:
    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    @property
    def Value(self) -> float:
        return self._read()


class Sampler:
    def __init__(self, ei: EI, device: Device) -> None:
        self._ei = ei
        self._device = device

    @property
    def GetSignals(self) -> list[str]:
        return ["Time", "WE(1).Potential", "WE(1).Current", "WE(1).Power", "WE(1).Resistance", "WE(1).Charge"]

    def Sample(self) -> None:
        self._device.need()
        self._device.called("Sample")
        self._device.cost(SAMPLE_s)
        self._ei.load()

    def GetSignal(self, name: str) -> Signal:
        """Live: takes a sample of its own."""
        values = {"WE(1).Potential": lambda: self._ei.latched[0], "WE(1).Current": lambda: self._ei.latched[1]}
        if name not in values:
            raise KeyError(name)

        def read() -> float:
            self.Sample()
            return values[name]()

        return Signal(read)


class EI:
    """`Potential`, `Current` and the overload flags are latched: only `Sample` loads them."""

    EIMode = EIMode
    EICellOnOff = EICellOnOff
    EIBandwidth = EIBandwidth
    EICurrentRange = CURRENT_RANGES

    def __init__(self, device: Device) -> None:
        self._device = device
        self.latched = (0.0, 0.0, False, False)
        self.Sampler = Sampler(self, device)

    def load(self) -> None:
        device = self._device
        if device.faults.stuck_after is not None and device.count("Sample") > device.faults.stuck_after:
            return
        volts, amperes, over, beyond = device.cell.read(device.range)
        over = over or device.start_overload or device.strikes("overload")
        device.start_overload = False
        self.latched = volts, amperes, over, beyond

    def _read(self, value: Any) -> Any:
        self._device.need()
        self._device.cost(PROPERTY_s)
        return value

    def _write(self) -> None:
        self._device.need()
        self._device.cost(PROPERTY_s)

    @property
    def Potential(self) -> float:
        return self._read(self.latched[0])

    @property
    def Current(self) -> float:
        return self._read(self.latched[1])

    @property
    def CurrentOverload(self) -> bool:
        return self._read(self.latched[2])

    @property
    def PotentialOverload(self) -> bool:
        return self._read(self.latched[3])

    @property
    def TemperatureOverload(self) -> bool:
        return self._read(False)

    @property
    def Oscillation(self) -> bool:
        return self._read(self._device.loop.name in self._device.faults.oscillates_in)

    @property
    def ManualCellSwitch(self) -> bool:
        return self._read(False)

    @property
    def PotentialApplied(self) -> float:
        return self._read(self._device.cell.applied.setpoint)

    @property
    def Cell(self) -> bool:
        return self._read(self._device.cell.applied.cell_on)

    @property
    def CellOnOff(self) -> EICellOnOff:
        return self._read(EICellOnOff.On if self._device.cell.applied.cell_on else EICellOnOff.Off)

    @CellOnOff.setter
    def CellOnOff(self, value: EICellOnOff) -> None:
        self._write()
        self._device.change(cell_on=strict(value, EICellOnOff) is EICellOnOff.On)

    @property
    def Mode(self) -> EIMode:
        return self._read(EIMode.Galvanostatic if self._device.cell.applied.galvanostatic else EIMode.Potentiostatic)

    @Mode.setter
    def Mode(self, value: EIMode) -> None:
        self._write()
        self._device.change(galvanostatic=strict(value, EIMode) is EIMode.Galvanostatic)

    @property
    def Setpoint(self) -> float:
        return self._read(self._device.cell.applied.setpoint)

    @Setpoint.setter
    def Setpoint(self, value: float) -> None:
        """Snaps to the DAC: in V, in V x range, or in A as a share of the range."""
        self._write()
        asked = number(value)
        applied, truths = self._device.cell.applied, self._device.truths
        scale_A = self._device.range.full_scale_A
        if applied.galvanostatic and truths.galvanostatic_setpoint == "A":
            self._device.change(setpoint=snapped(asked / scale_A) * scale_A)
        else:
            self._device.change(setpoint=snapped(asked))

    @property
    def Bandwidth(self) -> EIBandwidth:
        return self._read(self._device.loop)

    @Bandwidth.setter
    def Bandwidth(self, value: EIBandwidth) -> None:
        self._write()
        self._device.loop = strict(value, EIBandwidth)

    @property
    def CurrentRange(self) -> Any:
        return self._read(CURRENT_RANGES[self._device.range.member])

    @CurrentRange.setter
    def CurrentRange(self, value: Any) -> None:
        self._write()
        member = strict(value, CURRENT_RANGES).name
        known = {one.member: one for one in self._device.model.ranges}
        if member not in known or member in self._device.faults.refused_ranges:
            raise ValueError(f"Invalid argument. SetValue(18,29,{value.value})")
        self._device.cell.pass_time(self._device.range.full_scale_A)
        self._device.range = known[member]

    @property
    def EnableDsgInput(self) -> bool:
        return self._read(self._device.cell.applied.dsg_input)

    @EnableDsgInput.setter
    def EnableDsgInput(self, value: bool) -> None:
        self._write()
        self._device.change(dsg_input=bool(value))


class Fra:
    """Manual control. `Start` blocks; Imaginary is -Z'' and Phase -phase; all results are arrays of one."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._frequency_Hz, self._amplitude = 1000.0, 0.01
        self._wave = FraWaveType.Sine
        self._time_s, self._cycles = 0.125, 1
        self.Real: list[float] = []
        self.Imaginary: list[float] = []
        self.Modulus: list[float] = []
        self.Phase: list[float] = []

    def _number(self, value: Any) -> float:
        self._device.need()
        self._device.cost(PROPERTY_s)
        if self._device.faults.no_fra:
            raise RuntimeError("Module FRA32M not found")
        return number(value)

    @property
    def Frequency(self) -> float:
        return self._frequency_Hz

    @Frequency.setter
    def Frequency(self, value: float) -> None:
        self._frequency_Hz = self._number(value)

    @property
    def Amplitude(self) -> float:
        return self._amplitude

    @Amplitude.setter
    def Amplitude(self, value: float) -> None:
        self._amplitude = self._number(value)

    @property
    def WaveType(self) -> FraWaveType:
        return self._wave

    @WaveType.setter
    def WaveType(self, value: FraWaveType) -> None:
        self._wave = strict(value, FraWaveType)

    @property
    def MinimumIntegrationTime(self) -> float:
        return self._time_s

    @MinimumIntegrationTime.setter
    def MinimumIntegrationTime(self, value: float) -> None:
        self._time_s = self._number(value)

    @property
    def MinimumIntegrationCycles(self) -> int:
        return self._cycles

    @MinimumIntegrationCycles.setter
    def MinimumIntegrationCycles(self, value: int) -> None:
        self._cycles = int(self._number(value))

    def Start(self) -> None:
        device = self._device
        device.need()
        device.called("Start")
        seconds = max(self._time_s, self._cycles / self._frequency_Hz)
        device.cost((seconds + device.truths.start_overhead_s) / 2)
        applied = device.cell.applied
        if applied.dsg_input and device.is_fra_on and applied.cell_on:
            seen, peak_A = device.cell.impedance(self._frequency_Hz, self._amplitude, seconds, device.range)
            device.start_overload = peak_A > device.range.full_scale_A
        else:
            seen = complex(1e9 * (1 + 0.1 * (device.count("Start") % 7)), 0.0)
        device.cost((seconds + device.truths.start_overhead_s) / 2)
        sign = -1.0 if device.truths.imaginary == "inverted" else 1.0
        self.Real, self.Imaginary = [seen.real], [sign * seen.imag]
        self.Modulus, self.Phase = [abs(seen)], [sign * math.degrees(cmath.phase(seen))]


class Instrument:
    def __init__(self, device: Device) -> None:
        self.device_behind = device
        self.AutolabConnection = AutolabConnection(device)
        self._setup = ""
        self.Ei = EI(device)
        self.Fra = Fra(device)

    @property
    def HardwareSetupFile(self) -> str:
        return self._setup

    @HardwareSetupFile.setter
    def HardwareSetupFile(self, value: str) -> None:
        self._setup = value

    @property
    def GetSignals(self) -> list[str]:
        return self.Ei.Sampler.GetSignals

    def Connect(self, serial: str = "") -> None:
        device = self.device_behind
        device.called("Connect")
        for path in (self._setup, self.AutolabConnection.EmbeddedExeFileToStart):
            if not Path(path).is_file():
                raise FileNotFoundError(f"Could not find file '{path}'.")
        if device.faults.nova_holds_it:
            raise RuntimeError("Error opening USB device: Access Denied")
        if device.faults.chatter:
            print("native chatter on the SDK's own standard output", flush=True)
        device.is_connected = not device.faults.not_connected

    def Disconnect(self) -> None:
        self.device_behind.is_connected = False

    def Dispose(self) -> None:
        self.Disconnect()


class InstrumentExtensions:
    """Extension methods, called statically as from pythonnet."""

    @staticmethod
    def SwitchFraOn(instrument: Instrument) -> None:
        device = instrument.device_behind
        device.need()
        device.is_fra_on = True

    @staticmethod
    def SwitchFraOff(instrument: Instrument) -> None:
        device = instrument.device_behind
        device.need()
        device.is_fra_on = False
