"""The power goes: every prefix of what a run writes and syncs is replayed, and the run file it leaves is opened.

    python tests/chaos/power_loss.py --rows 2000 --seed 1

prints the counts; exit status 1 when one promise did not hold. Three disks for each prefix of the tape: one that wrote
everything in order, one that kept only what was synced, one (`shuffled`) that wrote a random part of what was not:
some writes, and of those some sectors. What was promised to the writer must be there on each.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tally
from sqlite_tape import Delete, Entry, Sync, Told, Truncate, Write, on_tape

from daq.contracts import Step
from daq.errors import CellrigError
from daq.runfile.reader import RunFile
from daq.runfile.schema import RUN_DB
from daq.runfile.writer import RunWriter
from daq.stream import Column, Stream

SECTOR = 512
STREAM = Stream("cell", (Column("number", kind="int"), Column("voltage_V", "V"), Column("note", kind="text")))
Disk = dict[str, bytearray]


@dataclass
class Found:
    """How many disks were opened, by kind; `bad` holds what must not have been, in words."""

    entries: int = 0
    syncs: int = 0
    disks: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.disks.values())

    @property
    def line(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.disks.items())
        return f"{self.entries} writes and {self.syncs} syncs, {self.total} disks opened ({kinds}), {len(self.bad)} bad"


# ---------------------------------------------------------------- the tape
def record(folder: Path, rows: int) -> list[Entry]:
    """What SQLite did from the moment the run was begun, each row committed by itself, until it was closed."""
    with on_tape(folder) as tape:
        writer = RunWriter.create(
            folder,
            procedure="powerless",
            sample={"name": "a row at a time"},
            parameters={},
            bench={},
            streams=[STREAM],
            steps=(Step("hold", "hold"),),
            plan={},
            versions={"cellrig": "test"},
            started_unix=1.8e9,
            bench_unix=1.8e9,
        )
        tape.entries.append(Told(0))
        attempt = writer.begin_step("hold", 0.0)
        for number in range(rows):
            writer.record("cell", "hold", attempt, float(number), {"number": number, "voltage_V": 0.5, "note": "n" * 9})
            writer.flush()
            tape.entries.append(Told(number + 1))
            if number % 50 == 49:
                writer.event(float(number), "info", "test", f"{number + 1} rows")
        writer.end_step("hold", attempt, "finished", float(rows))
        tape.entries.append(Told(rows, closing=True))
        writer.close("finished", "all rows written", float(rows))
    return tape.entries


# ---------------------------------------------------------------- disks
def apply(disk: Disk, entry: Entry, sectors: random.Random | None = None) -> None:
    """Do to the disk what the entry says; of a write only some sectors, where `sectors` is given."""
    if isinstance(entry, Write):
        file = disk.setdefault(entry.file, bytearray())
        end = entry.at + len(entry.data)
        file.extend(bytes(max(0, end - len(file))))
        for start in range(entry.at - entry.at % SECTOR, end, SECTOR) if sectors else (entry.at,):
            first, last = max(start, entry.at), min(start + SECTOR, end) if sectors else end
            if sectors is None or sectors.random() < 0.8:
                file[first:last] = entry.data[first - entry.at : last - entry.at]
    elif isinstance(entry, Truncate):
        del disk.setdefault(entry.file, bytearray())[entry.size :]
    elif isinstance(entry, Delete):
        disk.pop(entry.file, None)


@dataclass
class Power:
    """The disk with everything, the disk with what was synced, and what lies between them, by file."""

    written: Disk = field(default_factory=dict)
    synced: Disk = field(default_factory=dict)
    pending: dict[str, list[Entry]] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        if isinstance(entry, Told):
            return
        apply(self.written, entry)
        waiting = self.pending.setdefault(entry.file, [])
        if isinstance(entry, Sync) and entry.file not in self.synced:
            self._sync_folder()
        if isinstance(entry, Sync) or (isinstance(entry, Delete) and entry.durable):
            for one in (*waiting, entry):
                apply(self.synced, one)
            waiting.clear()
        else:
            waiting.append(entry)

    def _sync_folder(self) -> None:
        """SQLite syncs the folder with the first sync of a new file: what was deleted there before stays deleted."""
        for waiting in self.pending.values():
            last = max((place for place, one in enumerate(waiting) if isinstance(one, Delete)), default=-1)
            for one in waiting[: last + 1]:
                apply(self.synced, one)
            del waiting[: last + 1]

    def shuffled(self, chance: random.Random) -> Disk:
        disk = {name: bytearray(data) for name, data in self.synced.items()}
        for waiting in self.pending.values():
            for entry in waiting:
                if chance.random() < 0.5:
                    apply(disk, entry, chance)
        return disk


def put(disk: Disk, folder: Path) -> None:
    """The files as the disk has them, in a folder that is emptied first."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, data in disk.items():
        (folder / name).write_bytes(data)
    (folder / "run.lock").touch()  # nobody holds it: the machine was off


def fault(folder: Path, told: Told) -> str:
    """What is wrong with the run in `folder`, for somebody who was told this; empty when all is well."""
    try:
        with RunFile.open(folder) as run:
            outcome = run.outcome
            numbers = run.table("cell")["number"]
        with closing(sqlite3.connect(folder / RUN_DB)) as connection:
            ((whole,),) = connection.execute("PRAGMA integrity_check").fetchall()
    except (CellrigError, sqlite3.Error, ValueError) as error:
        return f"does not open: {error}"
    if numbers.size < told.rows:
        return f"{told.rows - numbers.size} of {told.rows} committed rows are missing"
    if not np.array_equal(numbers, np.arange(numbers.size)):
        return "rows are out of order"
    if whole != "ok":
        return f"integrity check: {whole}"
    if outcome != "interrupted" and not (told.closing and outcome == "finished"):
        return f"reads as {outcome}"
    return ""


# ---------------------------------------------------------------- every prefix
def replay(tape: Sequence[Entry], seed: int, place: Path) -> Found:
    """Every prefix from the moment on when the run had been created."""
    chance = random.Random(seed)
    power, told, found = Power(), None, Found()
    for number, entry in enumerate(tape):
        power.take(entry)
        if isinstance(entry, Told):
            told = entry
            continue
        if told is None:
            continue
        is_sync = isinstance(entry, Sync)
        found.syncs += is_sync
        found.entries += not is_sync
        if is_sync:
            kinds = {"only what was synced": power.synced}
        else:
            kinds = {"in order": power.written, "shuffled": power.shuffled(chance)}
        for kind, disk in kinds.items():
            put(disk, place)
            found.disks[kind] += 1
            if why := fault(place, told):
                found.bad.append(f"after entry {number} of {len(tape)}, {kind}: {why}")
    return found


def lose_power(rows: int, seed: int, folder: Path) -> Found:
    """A run of so many rows, and every moment at which the power can go."""
    runs = folder / "runs"
    runs.mkdir()
    return replay(record(runs, rows), seed, folder / "after")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = lose_power(options.rows, options.seed, Path(folder))
    for one in found.bad[:40]:
        print("BAD:", one)
    print(f"power lost in a run of {options.rows} rows, seed {options.seed}: {found.line}")
    tally.say({"rows": options.rows, "disks as the power left them": found.total, "bad": len(found.bad)})
    return 1 if found.bad or not found.total else 0


if __name__ == "__main__":
    sys.exit(main())
