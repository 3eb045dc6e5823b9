"""One simulated world for two processes: the peer that answers on the wire publishes it, a run's cells follow it.

The publisher writes what it was at its start, the shared clock, and every command since; a follower computes the
same world from that, step by step. Bench files ask for it with `[simulation] furnace = "peer"`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from daq.clock import ScaledClock
from daq.errors import BadInput, InstrumentError
from daq.tables import StrictModel, parse
from drivers.simulated.simulation import Simulation
from drivers.simulated.state import Command, WorldSnapshot
from drivers.simulated.world import World

STARTED_FILE = "published_world.json"
COMMANDS_FILE = "published_commands.jsonl"
LOCK_FILE = "published_world.lock"


class Published(StrictModel):
    """What the publisher was at its start, and the clock that both share."""

    epoch_unix: float
    speed: float
    origin_s: float
    snapshot: WorldSnapshot


class PublishedWorld(World):
    """A world that others can follow. Raises BadInput when another process publishes in this folder already."""

    def __init__(self, simulation: Simulation, speed: float, epoch_unix: float, state_folder: Path) -> None:
        state_folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = FileLock(state_folder / LOCK_FILE)
        try:
            self._lock_file.acquire(timeout=0)
        except Timeout:
            raise BadInput(
                "the furnace of this bench is simulated by another process", place=str(state_folder)
            ) from None
        self._commands_path = state_folder / COMMANDS_FILE
        self._is_published = False
        super().__init__(simulation, ScaledClock(speed, epoch_unix), state_folder)
        self._commands_path.write_text("", encoding="utf-8")
        published = Published(epoch_unix=epoch_unix, speed=speed, origin_s=self._origin_s, snapshot=self.snapshot())
        (state_folder / STARTED_FILE).write_text(published.model_dump_json(), encoding="utf-8")
        self._is_published = True

    def _obey(self, command: Command) -> None:
        if self._is_published:
            with open(self._commands_path, "a", encoding="utf-8", newline="\n") as file:
                file.write(command.model_dump_json() + "\n")
        super()._obey(command)

    def close(self) -> None:
        super().close()
        self._lock_file.release()


class FollowingWorld(World):
    """The world of a publisher, computed again here. Its furnace takes commands only at the publisher."""

    def __init__(self, simulation: Simulation, instrument: str, state_folder: Path) -> None:
        self._instrument = instrument
        self._commands_path = state_folder / COMMANDS_FILE
        self._read_bytes = 0
        self._published = self._find(simulation, state_folder)
        super().__init__(simulation, ScaledClock(self._published.speed, self._published.epoch_unix), state_folder)
        self._origin_s = self._published.origin_s

    def _find(self, simulation: Simulation, folder: Path) -> Published:
        """Raises InstrumentError when nobody publishes, BadInput when it is another world."""
        try:
            with FileLock(folder / LOCK_FILE, timeout=0):
                pass
        except Timeout:
            place = folder / STARTED_FILE
            table: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            published = parse(Published, table, str(place))
            if published.snapshot.simulation != simulation.fingerprint():
                raise BadInput(
                    "the simulated furnace of this bench was started with other parameters; start it again",
                    place=str(place),
                ) from None
            return published
        except OSError:
            pass  # the folder is not even there
        raise InstrumentError(
            self._instrument,
            "the furnace of this simulated bench is a process of its own, and does not run; "
            "start it with: cellrig simulate eurotherm --bench BENCH (or linkam)",
        )

    def _restore(self, holdings: list[Any]) -> None:
        self._adopt(self._published.snapshot, holdings)

    def _to_now(self) -> None:
        with open(self._commands_path, "rb") as file:
            file.seek(self._read_bytes)
            lines = file.read()
        complete = lines[: lines.rfind(b"\n") + 1]
        self._read_bytes += len(complete)
        for line in complete.splitlines():
            command = parse(Command, json.loads(line), str(self._commands_path))
            self._to_step(command.step)  # a step late at most, where this process looked at the clock first
            self._obey(command)
        super()._to_now()

    def _command(self, *_: Any, **__: Any) -> None:
        raise InstrumentError(self._instrument, "the furnace is another process's; command it there")

    def _save(self) -> None:
        """The publisher keeps the state."""
