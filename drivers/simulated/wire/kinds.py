"""Which peers there are: for each the instrument behind it, how bytes reach it, and what can be done to it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from daq.bench import BenchConfig
from daq.errors import BadInput
from drivers.simulated.wire.eurotherm_device import EurothermDevice, Family
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.simulated.wire.linkam_core import LinkamCore
from drivers.simulated.wire.methodscript_process import methodscript_of
from drivers.simulated.wire.modbus_core import RtuCore, TcpCore
from drivers.simulated.wire.neware_core import NewareCore, Quirks, set_quirks
from drivers.simulated.wire.neware_process import tester_of
from drivers.simulated.wire.scpi_core import ScpiCore
from drivers.simulated.world import World

Command: TypeAlias = Callable[[list[str]], str | None]


@dataclass(frozen=True)
class Place:
    """What a peer is built from. `paced`: in real time, so that it takes the time that a real one takes."""

    config: BenchConfig | None
    world: World
    faults: WireFaults
    folder: Path
    paced: bool
    family: Family = "2400"
    model: str | None = None
    unit: int = 1
    baud: int = 0


@dataclass(frozen=True)
class Parts:
    """`make_core` frames one connection; `make_tcp_core` the same for Modbus TCP; `commands` by name, with help."""

    device: Any
    make_core: Callable[[], Any]
    show: Callable[[], str]
    commands: Mapping[str, Command] = field(default_factory=dict)
    make_tcp_core: Callable[[], Any] | None = None
    close: Callable[[], None] = lambda: None


def _eurotherm(place: Place) -> Parts:
    device = EurothermDevice(place.world, place.family, latency=place.paced)
    units = {place.unit: device}

    def identity(words: list[str]) -> None:
        device.identity = int(words[0], 0)

    def written(words: list[str]) -> str:
        log = [f"{register}={value:g}" for register, value in device.written]
        device.written.clear()
        return " ".join(log) or "nothing"

    commands: dict[str, Command] = {
        "power": lambda words: device.power_cycle(number(words, 5.0)),
        "break": lambda words: device.sensor_break(is_on(words)),
        "panel": lambda words: device.panel_target(number(words)),
        "manual": lambda words: device.panel_manual(is_on(words), number(words[1:], 0.0)),
        "identity": identity,
        "written": written,
    }
    return Parts(
        device,
        lambda: RtuCore(units, place.faults, place.baud),
        lambda: str(place.world.furnace()),
        commands,
        lambda: TcpCore(units, place.faults),
    )


def _linkam(place: Place) -> Parts:
    core = LinkamCore(place.world, place.faults, place.baud)
    commands: dict[str, Command] = {
        "power": lambda words: core.power_cycle(number(words, 5.0)),
        "break": lambda words: core.sensor_break(is_on(words)),
    }
    return Parts(core, lambda: core, lambda: str(place.world.furnace()), commands)


def _methodscript(place: Place) -> Parts:
    core = methodscript_of(place.config, place.model, place.world, place.faults)
    commands: dict[str, Command] = {"power": lambda words: core.power_cycle(number(words, 5.0))}
    return Parts(core, lambda: core, core.told, commands)


def _keithley2450(place: Place) -> Parts:
    source = Keithley2450Device(place.world, latency=place.paced)
    core = ScpiCore(source, place.faults)

    def shown() -> str:
        source.begin()
        volts, amperes = source.cell.pass_time()
        return f"output {'on' if source.output else 'off'}, cell at {volts:.6f} V, {amperes:.6e} A"

    commands: dict[str, Command] = {
        "power": lambda words: source.power_cycle(number(words, 5.0)),
        "break": lambda words: source.sensor_break(is_on(words)),
        "output": lambda words: source.person(lambda: source.switch(is_on(words))),
    }
    return Parts(source, lambda: core, shown, commands)


def _neware(place: Place) -> Parts:
    quirks = Quirks()
    tester = tester_of(place.config, place.world, place.world.clock, place.folder)

    def quirk(words: list[str]) -> None:
        for one in words:
            name, _, value = one.partition("=")
            set_quirks(quirks, {name: int(value) if value.isdecimal() else value != "off"}, "quirk")

    def shown() -> str:
        return ", ".join(f"{one.key} {tester.word(one)}" for one in tester.addresses)

    return Parts(tester, lambda: NewareCore(tester, quirks, place.faults), shown, {"quirk": quirk}, close=tester.close)


KINDS: Mapping[str, Callable[[Place], Parts]] = {
    "eurotherm": _eurotherm,
    "keithley2450": _keithley2450,
    "linkam": _linkam,
    "methodscript": _methodscript,
    "neware": _neware,
}
FURNACES = ("eurotherm", "linkam")


def check_kind(kind: str) -> None:
    """Raises BadInput."""
    if kind not in KINDS:
        raise BadInput(f"there is no peer {kind!r}", place="simulate", allowed=", ".join(sorted([*KINDS, "land"])))


def number(words: list[str], otherwise: float | None = None) -> float:
    """The first word as a number. Raises BadInput."""
    if not words and otherwise is not None:
        return otherwise
    try:
        return float(words[0])
    except (IndexError, ValueError):
        raise BadInput("a number is missing") from None


def is_on(words: list[str]) -> bool:
    """Raises BadInput for anything but on and off."""
    if not words or words[0] not in ("on", "off"):
        raise BadInput("say on or off")
    return words[0] == "on"
