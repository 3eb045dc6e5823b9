"""A wire peer as a process of its own: what it is, where it answers, and what a person can do to it while it runs."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from daq.bench import BenchConfig, load_bench
from daq.bench_lock import bench_folder
from daq.clock import wall_unix
from daq.errors import BadInput, CellrigError
from drivers.simulated.published import FollowingWorld, PublishedWorld
from drivers.simulated.simulation import Simulation, read_simulation
from drivers.simulated.wire.eurotherm_device import Family
from drivers.simulated.wire.faults import WireFaults
from drivers.simulated.wire.kinds import FURNACES, KINDS, Place, check_kind, number
from drivers.simulated.wire.mounts import Mount, PtyMount, TcpMount
from drivers.transport import host_and_port

WORLD = "state"  # as the runner names it for a bench in real time

HELP = """\
fault NAME=VALUE   a fault of the line from now on, as fault late=0.1 (clear: none)
unplug [SECONDS]   pull the cable, and put it back (plug: now)
power [SECONDS]    cut its power
break on|off       break the sensor (of a 2450: a lead of the cell), mend it
panel DEGC         turn the set-point at the panel
manual on|off      put it in manual at the panel
quirk NAME[=N]     of a Neware server, as quirk cycles_from_0 (off: quirk NAME=off)
identity NUMBER    be another instrument, as identity 0x2460
written            of a Eurotherm: what was written into it, REGISTER=VALUE, since this was asked last
output on|off      press OUTPUT at the panel of a 2450
show               what it measures and does
quit"""


@dataclass
class PeerRequest:
    """What the command line asked for. `bench` gives port, speed and cell; else `tcp` or `pty` say where."""

    kind: str
    bench: Path | None = None
    tcp: int | None = None
    pty: Path | None = None
    family: Family = "2400"
    model: str | None = None
    unit: int = 1
    baud: int = 0
    speed: float | None = None
    faults: Sequence[str] = ()


class Peer:
    """A peer that answers. `do(line)` is one typed command; it returns what to print. Raises BadInput."""

    def __init__(self, request: PeerRequest) -> None:
        check_kind(request.kind)
        config = load_bench(request.bench) if request.bench else None
        port = _port(request, config)
        if port is not None and "://" not in port and not Path(port).parent.is_dir():
            raise BadInput(f"there is no folder {Path(port).parent}; make it first", place="simulate")
        speed = request.speed or (config.model.bench.speed if config else None) or 1.0
        self.faults = WireFaults()
        for fault in request.faults:
            self.faults.set(fault)
        simulation = read_simulation(config.model.simulation if config else {}, config.place if config else "peer")
        self._temporary = None if config else TemporaryDirectory(prefix="cellrig-peer-")
        folder = Path(self._temporary.name) if self._temporary else bench_folder(_of(config)) / WORLD
        self.world = _world(request, simulation, speed, folder)
        place = Place(config, self.world, self.faults, folder, speed == 1.0,
                      request.family, request.model, request.unit, request.baud)  # fmt: skip
        self._parts = parts = KINDS[request.kind](place)
        self.device: Any = parts.device
        self.mount = TcpMount(parts.make_core) if port is None else _mount(port, parts.make_core, parts.make_tcp_core)
        self.greeting = f"{request.kind} answers at {self.mount.port}"
        self._timer: threading.Timer | None = None

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.mount.close()
        self._parts.close()
        self.world.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    # ------------------------------------------------------------ typed commands
    def do(self, line: str) -> str:
        words = shlex.split(line)
        if not words:
            return ""
        name, rest = words[0], words[1:]
        commands: dict[str, Callable[[list[str]], str | None]] = {
            "fault": self._set_faults,
            "clear": lambda rest: self.faults.clear(),
            "unplug": self._unplug,
            "plug": lambda rest: self.mount.plug(),
            **self._parts.commands,
            "show": lambda rest: self._parts.show(),
            "help": lambda rest: HELP,
        }
        if name not in commands:
            raise BadInput(f"this peer has no command {name!r}", allowed=f"{', '.join(commands)}, quit")
        return commands[name](rest) or "done"

    def _set_faults(self, rest: list[str]) -> None:
        for one in rest:
            self.faults.set(one)

    def _unplug(self, rest: list[str]) -> None:
        self.mount.unplug()
        if rest:
            self._timer = threading.Timer(number(rest), self.mount.plug)
            self._timer.daemon = True
            self._timer.start()


class Commanded(Protocol):
    def do(self, line: str) -> str: ...


def run_commands(peer: Commanded, lines: Iterable[str], tell: Callable[[str], None]) -> bool:
    """Do what is typed until `quit` (True) or the end of input (False)."""
    for line in lines:
        if line.strip() == "quit":
            return True
        try:
            answer = peer.do(line)
        except (CellrigError, ValueError) as error:
            answer = str(error)
        if answer:
            tell(answer)
    return False


def _world(request: PeerRequest, simulation: Simulation, speed: float, folder: Path) -> PublishedWorld | FollowingWorld:
    """A furnace's own world; a cell's is that of the bench's furnace where it is a peer too, else one beside it."""
    if request.kind in FURNACES:
        return PublishedWorld(simulation, speed, wall_unix(), folder)
    if simulation.furnace_is_peer:
        return FollowingWorld(simulation, request.kind, folder)
    return PublishedWorld(simulation, speed, wall_unix(), folder / request.kind)


def _of(config: BenchConfig | None) -> BenchConfig:
    assert config is not None
    return config


def _port(request: PeerRequest, config: BenchConfig | None) -> str | None:
    """Where to answer: as asked for, else where the bench file's driver will look for it; None: any TCP port."""
    if request.tcp:
        return f"socket://127.0.0.1:{request.tcp}"
    if request.pty is not None:
        return str(request.pty)
    if config is None:
        return None
    tables = [one for one in config.model.instruments.values() if one.driver == request.kind]
    if len(tables) != 1 or not isinstance((tables[0].model_extra or {}).get("port"), str):
        raise BadInput(
            f"has no instrument with driver = {request.kind!r} and a port, or more than one", place=config.place
        )
    return (tables[0].model_extra or {})["port"]


def _mount(port: str, make_core: Callable[[], Any], make_tcp_core: Callable[[], Any] | None) -> Mount:
    if "://" not in port:
        return PtyMount(make_core(), Path(port))
    host, number = host_and_port(port, ("socket", "modbus-tcp"), "simulate", default=502)
    if host not in ("127.0.0.1", "localhost"):
        raise BadInput("a peer answers on this computer only", place=port, allowed="127.0.0.1")
    if not port.startswith("modbus-tcp:"):
        return TcpMount(make_core, number)
    if make_tcp_core is None:
        raise BadInput("this instrument does not speak Modbus", place=port)
    return TcpMount(make_tcp_core, number, "modbus-tcp")
