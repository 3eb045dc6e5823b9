"""The electrochemical interface of the SDK: mode, cell, ranges, set-point, and the latched sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drivers.simulated.autolab.device import Device
from drivers.simulated.autolab.net_values import CURRENT_RANGES, EIBandwidth, EICellOnOff, EIMode, number, strict
from drivers.simulated.autolab.physics import snapped

SAMPLE_s, PROPERTY_s = 0.025, 0.005


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
