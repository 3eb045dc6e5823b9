"""A virtual Neware tester: channels in units of eight, whose firmware runs a step file on simulated cells.

Each unit is a simulated cycler; here its tests get numbers, barcodes, steps that count from their own start, and the
server's database, which remembers all of them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter

from daq.bench import DriverContext, SharedParts
from daq.errors import CellrigError
from drivers.neware.messages import Address
from drivers.neware.step_file import read_step_file
from drivers.neware.step_plan import WORDS, schedule_of
from drivers.schedule import ChannelStatus, CyclerRecord
from drivers.simulated.cells.kept import CellHolder, Cells
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.sample_history import SampleView
from drivers.simulated.world import World

UNIT = 8
DEVTYPE, DEVID = 27, 21
AT_ONCE = 100_000


@dataclass
class Test:
    """One test in the server's database. `ref` is the firmware's own; `kinds` its steps' types, by number from 1."""

    address: Address
    testid: int
    barcode: str
    ref: str
    began_unix: float
    kinds: list[str]


@dataclass
class Layers:
    """Records of a test with where each one's step began. `starts`: first record of every executed step."""

    records: list[CyclerRecord] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


@dataclass
class Database:
    latest: int = 0
    tests: list[Test] = field(default_factory=list)


DATABASE = TypeAdapter(Database)


class UnitWorld:
    """The shared world as a unit sees it: its channel 1 is the world's channel `before` + 1, with a cell of its own."""

    def __init__(self, world: World, folder: Path, before: int) -> None:
        self._world = world
        self._before = before
        self.simulation = world.simulation
        self.faults = world.faults
        folder.mkdir(parents=True, exist_ok=True)
        self._cells = Cells(world.simulation, folder, is_kept=True)

    def now_s(self) -> float:
        return self._world.now_s()

    def sample(self, channel: int) -> SampleView:
        return self._world.sample(self._before + channel)

    def sample_since(self, channel: int, since_s: float) -> list[tuple[float, SampleView]]:
        return self._world.sample_since(self._before + channel, since_s)

    def cell(self, channel: int) -> CellHolder:
        return self._cells.of(self._before + channel, self.now_s())

    def close(self) -> None:
        self._cells.save()


class NewareTester:
    """`files` maps folders as Windows sees them to folders here: where `start` finds its step files."""

    def __init__(self, world: World, context: DriverContext, channels: int, files: Mapping[str, Path]) -> None:
        self.addresses = [Address("127.0.0.1", DEVTYPE, DEVID, 1 + n // UNIT, 1 + n % UNIT) for n in range(channels)]
        self.lock = threading.RLock()  # clients have threads of their own
        self.words: dict[Address, str] = {}  # states that were set from outside, as a person at the client does
        self._files = files
        self._clock = context.clock
        self._folder = Path(context.state_folder) / f"neware_tester_{context.name}"
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "database.json"
        self._database = DATABASE.validate_json(path.read_bytes()) if path.exists() else Database()
        self._layers: dict[tuple[Address, int], Layers] = {}
        self._worlds: list[UnitWorld] = []
        self._units = [self._unit(world, context, n) for n in range(1, 1 + (channels - 1) // UNIT + 1)]

    def _unit(self, world: World, context: DriverContext, number: int) -> SimulatedCycler:
        folder = self._folder / f"unit_{number}"
        self._worlds.append(UnitWorld(world, folder, UNIT * (number - 1)))
        shared = SharedParts({"simulated world": self._worlds[-1]})
        unit = SimulatedCycler(
            replace(context, name=f"unit-{number}", options={}, limits={}, state_folder=folder, shared=shared)
        )
        unit.connect()
        return unit

    # ------------------------------------------------------------ what the server knows
    def latest(self, address: Address) -> Test | None:
        return next((one for one in reversed(self._database.tests) if one.address == address), None)

    def test(self, address: Address, testid: int) -> Test | None:
        """The test with this number, the latest for 0."""
        if testid == 0:
            return self.latest(address)
        found = (one for one in self._database.tests if one.address == address and one.testid == testid)
        return next(found, None)

    def word(self, address: Address) -> str:
        """The state as the server calls it; `false` for a channel that there is not."""
        if address not in self.addresses:
            return "false"
        if address in self.words:
            return self.words[address]
        state = self._status(address).state
        return {"running": "working", "stopped": "stop", "protected": "protect"}.get(state, "finish")

    def live(self, address: Address) -> tuple[int, int, float, float]:
        """Step, cycle, voltage, current."""
        now = self._status(address)
        return now.step, now.cycle, now.voltage_V, now.current_A

    def records(self, test: Test) -> Layers:
        """All of a test up to now."""
        layers = self._layers.setdefault((test.address, test.testid), Layers())
        unit = self._unit_of(test.address)
        while more := unit.records(test.ref, len(layers.records), AT_ONCE):
            for record in more:
                before = layers.records[-1] if layers.records else None
                if before is None or (before.step, before.cycle) != (record.step, record.cycle):
                    layers.starts.append(record.number)
                layers.records.append(record)
        return layers

    # ------------------------------------------------------------ what it is told
    def new_testid(self) -> int:
        self._database.latest += 1
        return self._database.latest

    def start(self, address: Address, barcode: str, path: str, testid: int) -> bool:
        if address not in self.addresses or self.word(address) in ("working", "pause"):
            return False
        try:
            plan = read_step_file(self._local(path).read_bytes())
            unit = self._unit_of(address)
            ref = unit.submit(address.chlid, schedule_of(plan, barcode), barcode)
        except (OSError, ValueError, CellrigError):
            return False
        self.words.pop(address, None)
        kinds = [WORDS[one.kind] for one in plan.steps]
        self._database.tests.append(Test(address, testid, barcode, ref, self._clock.unix(), kinds))
        self._save()
        return True

    def stop(self, address: Address) -> bool:
        test = self.latest(address) if address in self.addresses else None
        if test is None:
            return False
        self.words.pop(address, None)
        self._unit_of(address).stop(test.ref)
        return True

    def close(self) -> None:
        for unit in self._units:
            unit.disconnect()
        for world in self._worlds:
            world.close()

    # ------------------------------------------------------------ inside
    def _local(self, path: str) -> Path:
        folder, _, name = path.replace("\\", "/").rpartition("/")
        for seen_by_windows, here in self._files.items():
            if folder == seen_by_windows.replace("\\", "/").rstrip("/"):
                return here / name
        return Path(path)

    def _unit_of(self, address: Address) -> SimulatedCycler:
        return self._units[address.subdevid - 1]

    def _status(self, address: Address) -> ChannelStatus:
        return self._unit_of(address).status(address.chlid)

    def _save(self) -> None:
        temporary = self._folder / "database.tmp"
        temporary.write_bytes(DATABASE.dump_json(self._database))
        os.replace(temporary, self._folder / "database.json")
