"""What the child answers: plain dicts in, plain dicts out. No object of the SDK gets past here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from daq.clock import Clock
from daq.errors import BadInput, CellrigError, InstrumentError
from daq.tables import parse
from drivers.autolab.control import Control
from drivers.autolab.direct_current import DirectCurrent, open_circuit
from drivers.autolab.halting import Halt, Left
from drivers.autolab.options import AutolabOptions
from drivers.autolab.sdk import Sdk, load_sdk
from drivers.autolab.spectrum import SpectrumTaking
from drivers.autolab.technique_tables import from_table
from drivers.techniques import DcPoint, GalvanostaticSpectrum, OpenCircuit, Point, Spectrum, Technique

Message = dict[str, Any]


class Service:
    """One instrument. `answer` is called by one thread only; `halt.ask` by any.

    A request is `{"do": ...}`; the answer is any number of `{"point": ...}` and `{"note": ...}`, and last one of
    `{"done": ...}`, `{"left": why}`, `{"error": text}`.
    """

    def __init__(
        self, name: str, options: Mapping[str, Any], channel: int, clock: Clock, sdk: Sdk | None = None
    ) -> None:
        """`sdk` None: the one that the options name is loaded at `connect`."""
        self._name = name
        self._options = parse(AutolabOptions, options, name)
        self._channel = channel
        self._clock = clock
        self._sdk = sdk
        self._control: Control | None = None
        self.halt = Halt(clock)
        self._notes: list[str] = []

    def received(self, request: Mapping[str, Any]) -> None:
        """In the order in which requests come in, before their turn: a halt after this one is meant for it."""
        if request["do"] == "measure":
            self.halt.begin()

    def answer(self, request: Mapping[str, Any]) -> Iterator[Message]:
        try:
            yield from self._answer(request)
        except Left as left:
            yield {"left": left.why}
        except CellrigError as error:
            yield {"error": str(error).removeprefix(f"{self._name}: ")}

    def _answer(self, request: Mapping[str, Any]) -> Iterator[Message]:
        do = request["do"]
        if do == "connect":
            yield {"done": self._connect()}
        elif do == "measure":
            yield from self._measure(from_table(request["technique"]))
            yield {"done": {}}
        elif do == "sample":
            now = self._connected().sample()
            yield {"done": asdict(now)}
        elif do == "make_safe":
            self._connected().make_safe()
            yield {"done": {}}
        elif do == "disconnect":
            self.close()
            yield {"done": {}}
        else:
            raise BadInput(f"the child of {self._name} was asked for {do!r}, which it does not know")

    def close(self) -> None:
        """Safe, and gone. Raises InstrumentError when the cell is not verified off; it is disconnected then too."""
        control, self._control = self._control, None
        if control is not None and control.is_connected:
            try:
                control.make_safe()
            finally:
                control.disconnect()

    def _connected(self) -> Control:
        if self._control is None:
            raise InstrumentError(self._name, "is not connected")
        return self._control

    def _connect(self) -> Message:
        options = self._options
        sdk = self._sdk or load_sdk(options.sdk, options.sdk_folder, options.sdk_settings, self._clock, self._name)
        control = Control(self._name, options, self._channel, sdk, self._clock)
        try:
            control.connect()
        except InstrumentError:
            if control.is_connected:
                control.disconnect()
            raise
        self._control = control
        return {
            "sdk": sdk.version,
            "ranges_A": [one.full_scale_A for one in control.ranges],
            "bandwidths_Hz": [one.bandwidth_Hz for one in control.ranges],
            "warning": control.calibration_warning(),
        }

    # ------------------------------------------------------------ measuring
    def _measure(self, technique: Technique) -> Iterator[Message]:
        control = self._connected()
        control.make_safe()  # where a technique before was left in "hold"
        end = "off"
        try:
            for point in self._points(control, technique):
                yield from self._told()
                yield {"point": point._asdict() if isinstance(point, DcPoint) else asdict(point)}
            end = technique.end_state
            yield from self._told()
        except Left as left:
            end = technique.end_state if left.why == "closed" else "off"
            raise
        except GeneratorExit:
            end = technique.end_state
            raise
        finally:
            if end == "hold":
                control.switch_fra(False)
            elif control.is_connected:
                control.make_safe()

    def _points(self, control: Control, technique: Technique) -> Iterator[Point]:
        if isinstance(technique, Spectrum | GalvanostaticSpectrum):
            return SpectrumTaking(control, technique, self.halt, self._notes.append).points()
        if isinstance(technique, OpenCircuit):
            return open_circuit(control, technique, self.halt)
        return DirectCurrent(control, technique, self.halt, self._notes.append).points()

    def _told(self) -> Iterator[Message]:
        while self._notes:
            yield {"note": self._notes.pop(0)}
