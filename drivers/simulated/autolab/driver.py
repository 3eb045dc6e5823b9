"""`driver = "simulated-autolab"`: the Autolab driver on the double of its SDK, in this process and in virtual time.

All but the pipe is the real code: sequence, ranging, cut-offs, checks. The pipe and the process are tested with
`driver = "autolab"` and the double named as its `sdk`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from daq.bench import DriverContext
from daq.errors import InstrumentError
from daq.tables import StrictModel, parse
from drivers.autolab import Autolab
from drivers.autolab.halting import Why
from drivers.autolab.link import Link, Message
from drivers.autolab.service import Service
from drivers.simulated.autolab.device import Device
from drivers.simulated.autolab.faults import AutolabFaults, Truths
from drivers.simulated.autolab.stand_in import Settings, sdk_on
from drivers.simulated.options import check_faults, shared_world, simulation_of
from drivers.simulated.simulation import CHANNELS_MAX

FAULTS = ("measurement_lost", "overload")
ANSWERED = {"galvanostatic_setpoint": "A", "range_change": "cell-on"}
OWN = ("channels", "faults", "truths")
OF_THE_REAL_ONE = ("sdk", "sdk_folder", "sdk_settings", "firmware_file", "hardware_setup_file", "modules", "first_hour")


class DoubleOptions(StrictModel):
    """The double's part of `[instruments.NAME]`; the rest is the driver's."""

    channels: int = Field(default=1, ge=1, le=CHANNELS_MAX)
    faults: AutolabFaults = Field(default_factory=AutolabFaults)
    truths: Truths = Field(default_factory=Truths)


class LocalLink:
    """To a service in this process. What passes is JSON, as on the pipe."""

    def __init__(
        self, context: DriverContext, options: DoubleOptions, model: str, channel: int, start: Message
    ) -> None:
        self._context = context
        self._options = options
        self._model = model
        self._channel = channel
        self._start = start
        self._service: Service | None = None
        self._device: Device | None = None

    @property
    def is_open(self) -> bool:
        return self._service is not None

    def open(self) -> None:
        context, options = self._context, self._options
        settings = Settings(
            model=self._model, channel=self._channel, state_folder="", faults=options.faults, truths=options.truths
        )
        world = shared_world(context, simulation_of(context))
        sdk, self._device = sdk_on(world, context.clock, settings, None, context.name)
        self._service = Service(context.name, self._start["options"], self._channel, context.clock, sdk)

    def stream(self, request: Message, within_s: float) -> Iterator[Message]:
        service = self._here()
        request = json.loads(json.dumps(request))
        service.received(request)
        for message in service.answer(request):
            yield json.loads(json.dumps(message))

    def halt(self, why: Why) -> None:
        self._here().halt.ask(why)

    def kill(self) -> None:
        self._service = None

    def close(self) -> None:
        """As a child at the end of its pipe; it takes no time, for a bench is closed outside of virtual time."""
        service, self._service = self._service, None
        if service is not None and self._device is not None:
            service.halt.ask("safe")
            self._device.change(cell_on=False, dsg_input=False, setpoint=0.0)
            self._device.is_connected = False

    def _here(self) -> Service:
        if self._service is None:
            raise InstrumentError(self._context.name, "is not connected; connect the bench first")
        return self._service


class SimulatedAutolab(Autolab):
    """The Autolab driver on a simulated instrument. V, A, ohm, Hz. `channels` M204 modules, one by default."""

    in_process = True

    def __init__(self, context: DriverContext) -> None:
        self._double = double_options(context)
        self._outer = context
        super().__init__(driver_context(context))
        self._built_from = context

    @classmethod
    def check(cls, context: DriverContext) -> None:
        double_options(context)
        check_faults(context, simulation_of(context), FAULTS)
        super().check(driver_context(context))

    @classmethod
    def twin_options(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """For a rehearsal: the real instrument's options without its files and its SDK; as many channels."""
        kept = {name: value for name, value in options.items() if name not in OF_THE_REAL_ONE}
        return {**kept, "channels": len(options.get("modules") or [None])}

    def link(self, channel: int) -> Link:
        return LocalLink(self._outer, self._double, self._options.model, channel, self.start_line(channel))


def double_options(context: DriverContext) -> DoubleOptions:
    """Raises BadInput."""
    own = {name: value for name, value in context.options.items() if name in OWN}
    return parse(DoubleOptions, own, context.place)


def driver_context(context: DriverContext) -> DriverContext:
    """The context of the real driver: the double's files and channels stand in where nothing is said."""
    rest = {name: value for name, value in context.options.items() if name not in OWN}
    count = double_options(context).channels
    files: dict[str, Any] = {
        "model": "PGSTAT302N" if count == 1 else "M204",
        "firmware_file": str(vendor_file("Adk.x")),
        "hardware_setup_file": str(vendor_file("HardwareSetup.AUT00000.xml")),
        "modules": [{"serial": f"AUT{number:05d}"} for number in range(1, count + 1)],
    }
    answers = {**ANSWERED, **rest.pop("first_hour", {})}
    return replace(context, options={**files, **rest, "first_hour": answers})


def vendor_file(name: str) -> Path:
    """A file of this name, for it has to be there; what the vendor's holds is not read by the double."""
    folder = Path(tempfile.gettempdir()) / "cellrig-autolab-double"
    folder.mkdir(exist_ok=True)
    place = folder / name
    if not place.exists():
        place.write_text("stands in for the vendor's file\n", encoding="utf-8")
    return place
