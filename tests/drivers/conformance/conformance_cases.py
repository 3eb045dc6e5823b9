"""One instrument to be walked: built by the door a bench file has, with its peer behind it, and a cable to pull.

Every driver that is found by entry point needs a case here: a driver without a peer fails the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from autolab_bench import autolab_options
from wire_bench import world_in

from daq import plugins
from daq.bench import (
    Bench,
    BenchConfig,
    BenchFileModel,
    DriverContext,
    SharedParts,
    build_bench,
    is_virtual,
    load_bench,
)
from daq.clock import Clock, SystemClock
from daq.contracts import Instrument
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.methodscript.models import MODELS
from drivers.simulated.autolab.stand_in import CABLE_OUT
from drivers.simulated.wire.eurotherm_device import EurothermDevice
from drivers.simulated.wire.keithley2450_device import Keithley2450Device
from drivers.simulated.wire.linkam_core import LinkamCore
from drivers.simulated.wire.methodscript_core import MethodScriptCore
from drivers.simulated.wire.modbus_core import RtuCore
from drivers.simulated.wire.mounts import TcpMount
from drivers.simulated.wire.neware_core import NewareCore
from drivers.simulated.wire.neware_tester import NewareTester
from drivers.simulated.wire.scpi_core import ScpiCore

EMSTAT = next(model for model in MODELS if model.name == "EmStat4 HR")
LIMITS = {"max_temperature_C": 150.0}


@dataclass
class Case:
    """`instrument` is connected. `unplug` and `plug` are None where there is no cable to pull."""

    table: Mapping[str, Any]
    instrument: Any
    bench: Bench
    clock: Clock
    is_hardware: bool = False
    unplug: Callable[[], None] | None = None
    plug: Callable[[], None] | None = None

    @property
    def driver(self) -> Any:
        return plugins.load(plugins.DRIVERS, self.table["driver"], "test")


def cases(bench: Path | None) -> list[str]:
    """Names of the instruments: of the bench file, else of all drivers."""
    if bench is not None:
        return sorted(load_bench(bench).model.instruments)
    return plugins.names(plugins.DRIVERS)


@contextmanager
def open_case(name: str, bench: Path | None, folder: Path) -> Iterator[Case]:
    if bench is not None:
        config = load_bench(bench)
        table = {"driver": config.model.instruments[name].driver}
        with connected(config, name, table, folder, is_hardware=True) as case:
            yield case
        return
    peer = PEERS.get(name)
    assert peer is not None, f"the driver {name!r} has no peer to be tested against; add one to {__file__}"
    with peer(folder) as (options, mount):
        table = {"driver": name, **options}
        model = parse(BenchFileModel, {"bench": {"name": "test"}, "instruments": {"one": table}}, "bench.toml")
        with connected(BenchConfig(model, folder / "bench.toml"), "one", table, folder) as case:
            if mount is not None:
                case.unplug, case.plug = mount.unplug, mount.plug
            cable = getattr(case.instrument, "cable", None)
            if cable is not None:
                case.unplug = lambda: setattr(cable, "unplugged", True)
                case.plug = lambda: setattr(cable, "unplugged", False)
            yield case


@contextmanager
def connected(
    config: BenchConfig, name: str, table: Mapping[str, Any], folder: Path, *, is_hardware: bool = False
) -> Iterator[Case]:
    clock: Clock = VirtualClock() if is_virtual(config) else SystemClock()
    bench = build_bench(config, clock, folder / "state")
    with clock.attached():
        instrument: Instrument = bench.instruments[name]
        instrument.connect()
        try:
            yield Case(table, instrument, bench, clock, is_hardware)
        finally:
            bench.close()


# ---------------------------------------------------------------- peers
class Cable(Protocol):
    def unplug(self) -> None: ...
    def plug(self) -> None: ...


@dataclass
class UsbCable:
    """Out while the file is there, for the child process that looks for it."""

    place: Path

    def unplug(self) -> None:
        self.place.write_text("", encoding="utf-8")

    def plug(self) -> None:
        self.place.unlink()


Opened = tuple[dict[str, Any], Cable | None]


@contextmanager
def no_peer(options: dict[str, Any]) -> Iterator[Opened]:
    yield options, None


@contextmanager
def eurotherm(folder: Path) -> Iterator[Opened]:
    world = world_in(folder / "peer")
    mount = TcpMount(lambda: RtuCore({1: EurothermDevice(world)}))
    yield {"port": mount.port, "timeout_s": 0.3, "limits": LIMITS}, mount
    mount.close()
    world.close()


@contextmanager
def linkam(folder: Path) -> Iterator[Opened]:
    world = world_in(folder / "peer")
    core = LinkamCore(world)
    core.too_fast_s = 0.01
    mount = TcpMount(lambda: core)
    yield {"port": mount.port, "timeout_s": 0.3, "limits": LIMITS, "spacing_s": 0.03}, mount
    mount.close()
    world.close()


@contextmanager
def neware(folder: Path) -> Iterator[Opened]:
    world = world_in(folder / "peer")
    shared = SharedParts({"simulated world": world})
    context = DriverContext("peer", {}, {}, SystemClock(), folder / "peer", {}, "peer", shared)
    tester = NewareTester(world, context, 8, {})
    core = NewareCore(tester)
    mount = TcpMount(lambda: core)
    yield {"port": mount.port, "timeout_s": 0.5, "step_folder": str(folder), "step_folder_windows": str(folder),
           "current_max_A": 0.1}, mount  # fmt: skip
    mount.close()
    tester.close()
    world.close()


@contextmanager
def keithley2450(folder: Path) -> Iterator[Opened]:
    world = world_in(folder / "peer")
    core = ScpiCore(Keithley2450Device(world))
    mount = TcpMount(lambda: core)
    yield {"port": mount.port, "timeout_s": 0.3}, mount
    mount.close()
    world.close()


@contextmanager
def autolab(folder: Path) -> Iterator[Opened]:
    """The driver with its child process, and the double of the SDK in it."""
    yield autolab_options(folder, deadline_s=1.0), UsbCable(folder / "sdk" / CABLE_OUT)


@dataclass
class Share:
    """The folder of exports on a network share, which can be away."""

    folder: Path

    def unplug(self) -> None:
        self.folder.rename(self.folder.with_name("away"))

    def plug(self) -> None:
        self.folder.with_name("away").rename(self.folder)


@contextmanager
def land(folder: Path) -> Iterator[Opened]:
    exports = folder / "exports"
    exports.mkdir()
    yield {"exports": str(exports), "settled_s": 0.0}, Share(exports)


@contextmanager
def methodscript(folder: Path) -> Iterator[Opened]:
    world = world_in(folder / "peer")
    core = MethodScriptCore(world, EMSTAT)
    mount = TcpMount(lambda: core)
    yield {"port": mount.port, "timeout_s": 0.3, "model": EMSTAT.name}, mount
    mount.close()
    world.close()


PEERS: dict[str, Callable[[Path], AbstractContextManager[Opened]]] = {
    "autolab": autolab,
    "eurotherm": eurotherm,
    "land": land,
    "keithley2450": keithley2450,
    "linkam": linkam,
    "methodscript": methodscript,
    "neware": neware,
    "simulated-autolab": lambda folder: no_peer({}),
    "simulated-cycler": lambda folder: no_peer({}),
    "simulated-eurotherm": lambda folder: no_peer({"limits": LIMITS}),
    "simulated-land": lambda folder: no_peer({}),
    "simulated-neware": lambda folder: no_peer({}),
    "simulated-methodscript": lambda folder: no_peer({}),
    "simulated-keithley2450": lambda folder: no_peer({}),
    "simulated-linkam": lambda folder: no_peer({"limits": LIMITS}),
    "simulated-furnace": lambda folder: no_peer({"limits": LIMITS}),
    "simulated-potentiostat": lambda folder: no_peer({}),
}
