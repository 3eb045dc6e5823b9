"""The public names of the vendor's SDK that the driver uses, with the behaviour found on rigs, in plain Python.

None of the vendor's code: names and facts from public code and bench reports. Every call costs its measured time.
"""

from __future__ import annotations

from pathlib import Path

from drivers.simulated.autolab.device import Device
from drivers.simulated.autolab.ei import EI
from drivers.simulated.autolab.fra import Fra


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
