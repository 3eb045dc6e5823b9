"""The simulated battery cycler as an instrument: `driver = "simulated-cycler"`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from daq.bench import DriverContext
from daq.contracts import Identity, Instrument, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, NotSafe
from daq.stream import Column, Stream
from daq.tables import StrictModel
from drivers.cycler_records import RecordColumns
from drivers.roles import BatteryCycler, CyclerAbilities
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from drivers.schedule_checks import check_schedule
from drivers.simulated.cycler_channel import COLUMNS, CyclerTest, Position
from drivers.simulated.noise import StepNoise
from drivers.simulated.options import (
    FIRMWARE,
    WorldDoor,
    cannot_stand_in,
    check_faults,
    check_limits,
    options_of,
    simulation_of,
)
from drivers.simulated.simulation import CHANNELS_MAX
from drivers.simulated.world import World

FOLDER = "simulated_cycler"
RECORDED = CyclerRecord._fields[1:]  # the columns of a channel's file
FAULTS = ("reading_lost", "hang")
VOLTAGE_MAX_V, CURRENT_MAX_A = 5.0, 0.1
VOLTAGE_NOISE, CURRENT_NOISE = 40, 41
KEEP_EVERY_S = 3600.0  # a look in between costs no write: whoever starts again runs the hour once more, to the same


class CyclerOptions(StrictModel):
    """`[instruments.NAME]` of a simulated cycler."""

    channels: int = Field(default=CHANNELS_MAX, ge=1, le=CHANNELS_MAX)
    monitor_interval_s: float = Field(default=600.0, gt=0)


@dataclass
class KeptTest:
    """A channel's test on disk. `count` records of its file are good; the cell goes with the position."""

    ref: str
    number: int
    sample_id: str
    schedule: Schedule
    position: Position
    cell: dict[str, float]
    count: int = 0


KEPT = TypeAdapter(KeptTest)


class SimulatedCycler:
    """Each channel runs its schedule by itself; it is brought up to now whenever it is looked at.

    What happened while nobody looked, and while the process was gone, is found in its records.
    Speaks V, A and Ah; charge is positive current.
    """

    in_process = True
    role: Literal["cycler"] = "cycler"
    safe_within_s = 5.0
    snapshot_stream = Stream(
        "cycler",
        (
            Column("channel", kind="int", help="the channel used last"),
            Column("voltage_V", "V"),
            Column("current_A", "A", help="charge positive"),
            Column("state", kind="text"),
        ),
        help="the battery cycler",
    )

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._context = context
        self._options = options_of(context, CyclerOptions)
        self.monitor_interval_s = self._options.monitor_interval_s
        self._simulation = simulation_of(context)
        self._door = WorldDoor(context)
        self._folder = Path(context.state_folder) / FOLDER / context.name
        self._kept: dict[int, KeptTest] = {}
        self._rows: dict[int, list[np.ndarray]] = {}  # of each channel, what is not on disk yet
        self._kept_at_s: dict[int, float] = {}
        self._noises: dict[tuple[int, int, int, int], StepNoise] = {}  # by seed, source, channel, test
        self._lock = threading.Lock()
        self._last_channel = 1

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options, limits or a simulation that can't be used. Builds and touches nothing."""
        options_of(context, CyclerOptions)
        check_limits(context, {})
        check_faults(context, simulation_of(context), FAULTS)

    @classmethod
    def standing_in_for(cls, instrument: Instrument) -> dict[str, Any]:
        """The options with which it is most like this cycler. Raises BadInput for one that a person starts, and for
        channels or limits that it has not.
        """
        if not isinstance(instrument, BatteryCycler):
            raise cannot_stand_in(instrument, "a person starts it")
        channels = max(instrument.abilities().channels, default=1)
        if channels > CHANNELS_MAX or instrument.limits():
            raise cannot_stand_in(instrument, f"it has more than {CHANNELS_MAX} channels, or limits of its own")
        return {"channels": channels, "monitor_interval_s": instrument.monitor_interval_s}

    # ------------------------------------------------------------ the instrument
    @property
    def world(self) -> World:
        return self._door.world

    def connect(self) -> None:
        """Finds the tests that ran before, and lets them run on. Raises BadInput for damaged files."""
        self._door.enter(self._simulation)
        self._folder.mkdir(parents=True, exist_ok=True)
        for channel in range(1, self._options.channels + 1):
            path = self._path(channel)
            if not path.exists():
                continue
            try:
                self._kept[channel] = KEPT.validate_json(path.read_bytes())
            except (ValidationError, OSError) as error:
                raise BadInput("the kept test of this channel is damaged; delete it", place=str(path)) from error

    def disconnect(self) -> None:
        """The channels run on."""
        for channel in list(self._kept):
            self._to_now(channel)
            self._keep(channel)
        self._door.leave()

    def identity(self) -> Identity:
        return Identity("cellrig", "simulated cycler", f"seed {self._simulation.seed}", FIRMWARE)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> CyclerAbilities:
        channels = tuple(range(1, self._options.channels + 1))
        return CyclerAbilities(channels, -VOLTAGE_MAX_V, VOLTAGE_MAX_V, CURRENT_MAX_A, 1e-9, 0.1, 0.1, True)

    def limits(self) -> Sequence[Limit]:
        return ()

    def read(self) -> Snapshot:
        """The channel used last. Raises InstrumentLost where a fault strikes."""
        self.world.faults.hang(self.name)
        self.world.faults.raise_if_lost(self.name)
        now = self.status(self._last_channel)
        return Snapshot(
            {"channel": now.channel, "voltage_V": now.voltage_V, "current_A": now.current_A, "state": now.state}
        )

    def make_safe(self, reason: Reason) -> SafeReport:
        """Losing the engine, or its end, stops no test; stopping or failing does."""
        try:
            self._door.world  # noqa: B018 - asks whether it is connected
        except InstrumentError as error:
            raise NotSafe(self.name, "is not connected, so its channels cannot be stopped") from error
        running = [channel for channel in self._kept if self.status(channel).state == "running"]
        if reason in ("engine_lost", "finished"):
            return SafeReport(True, f"{len(running)} channels run on by themselves")
        for channel in running:
            self.stop(self._kept[channel].ref)
        return SafeReport(True, f"{len(running)} channels stopped, read back")

    def carrying_on(self) -> list[str]:
        """The tests that run, each with its channel."""
        now = [(channel, self.status(channel)) for channel in self._kept]
        return [f"channel {channel} runs {one.ref}" for channel, one in now if one.state == "running"]

    # ------------------------------------------------------------ the role
    def status(self, channel: int) -> ChannelStatus:
        """Raises BadInput for a channel that is not there."""
        self._check_channel(channel)
        with self._lock:
            self._to_now(channel)
            kept = self._kept.get(channel)
            if kept is None:
                sample = self.world.sample(channel)
                rest_V = self.world.cell(channel).cell.open_circuit_V(sample.temperature_C)
                return ChannelStatus(channel, "idle", None, 0, 0, rest_V, 0.0)
            p = kept.position
            return ChannelStatus(channel, p.state, kept.ref, p.step + 1, p.cycle, p.voltage_V, p.current_A, p.text)

    def submit(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        """Raises BadInput when the channel runs, or the schedule is beyond `abilities()`."""
        self._check_channel(channel)
        check_schedule(schedule, self.abilities(), self.name)
        if self.status(channel).state == "running":
            raise BadInput(f"{self.name}: channel {channel} runs {self._kept[channel].ref}; stop it first")
        with self._lock:
            before = self._kept.get(channel)
            number = before.number + 1 if before else 1
            ref = f"{self.name}-{channel}-{number}"
            now_s, sample = self.world.now_s(), self.world.sample(channel)
            holder = self.world.cell(channel)
            holder.rest_until(now_s, sample.temperature_C, sample.high_phase)
            position = Position(at_s=now_s, voltage_V=holder.cell.open_circuit_V(sample.temperature_C))
            if before is not None:
                self._keep(channel)
            self._records_path(ref).write_bytes(b"")
            self._kept[channel] = KeptTest(ref, number, sample_id, schedule, position, holder.cell.state())
            self._keep(channel)
            self._last_channel = channel
            return ref

    def stop(self, ref: str) -> None:
        """Stop that test. Raises InstrumentError when no channel has it, or another has taken its place."""
        channel = self._channel_of(ref)
        with self._lock:
            self._to_now(channel)
            kept = self._kept[channel]
            if kept.position.state == "running":
                kept.position = replace(kept.position, state="stopped", text="stopped by request", current_A=0.0)
                self._keep(channel)

    def attach(self, ref: str) -> ChannelStatus:
        return self.status(self._channel_of(ref))

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Sequence[CyclerRecord]:
        path, offset = self._records_path(ref), max(after, 0)
        with self._lock:
            for channel, kept in self._kept.items():
                if kept.ref == ref:
                    self._to_now(channel)
                    self._keep(channel)
                    limit = min(limit, kept.count - offset)
            if limit <= 0:
                return ()
            try:
                read = np.fromfile(path, count=limit * COLUMNS, offset=offset * COLUMNS * 8).reshape(-1, COLUMNS)
            except FileNotFoundError:
                raise InstrumentError(self.name, f"has no records of a test {ref!r}") from None
        columns = {"number": np.arange(offset + 1, offset + 1 + len(read)), **dict(zip(RECORDED, read.T, strict=True))}
        return RecordColumns({**columns, "step": read[:, 1].astype(int), "cycle": read[:, 2].astype(int)})

    # ------------------------------------------------------------ inside
    def _check_channel(self, channel: int) -> None:
        if channel not in self.abilities().channels:
            allowed = f"1 to {self._options.channels}"
            raise BadInput(f"{self.name} has no channel {channel!r}", allowed=allowed)

    def _channel_of(self, ref: str) -> int:
        for channel, kept in self._kept.items():
            if kept.ref == ref:
                return channel
        raise InstrumentError(self.name, f"has no test {ref!r} on any channel now")

    def _path(self, channel: int) -> Path:
        return self._folder / f"channel_{channel}.json"

    def _records_path(self, ref: str) -> Path:
        if not re.fullmatch(r"[\w.-]+", ref):
            raise InstrumentError(self.name, f"has no records of a test {ref!r}")
        return self._folder / f"{ref}.f64"

    def _to_now(self, channel: int) -> None:
        """Let a running test catch up; what it recorded meanwhile goes to disk every hour of its own time."""
        kept = self._kept.get(channel)
        if kept is None or kept.position.state != "running":
            return
        if self.world.now_s() - kept.position.at_s < 1e-6:
            return
        holder = self.world.cell(channel)
        holder.cell.adopt(kept.cell)
        test = CyclerTest(kept.schedule, kept.position, holder.cell)
        for until_s, sample in self.world.sample_since(channel, kept.position.at_s):
            test.advance(until_s, sample.temperature_C, sample.high_phase)
        kept.cell, holder.at_s = holder.cell.state(), test.position.at_s
        self._rows.setdefault(channel, []).extend(test.rows)
        due = kept.position.at_s - self._kept_at_s.get(channel, -KEEP_EVERY_S) >= KEEP_EVERY_S
        if due or kept.position.state != "running":
            self._keep(channel)

    def _keep(self, channel: int) -> None:
        """Records first, then the position: rows beyond it, of a process that was killed, are cut off."""
        kept = self._kept[channel]
        rows = self._rows.pop(channel, [])
        if not rows and self._kept_at_s.get(channel) == kept.position.at_s and kept.position.state == "running":
            return
        if rows:
            block = np.concatenate(rows)
            self._add_noise(block, channel, kept)
            with open(self._records_path(kept.ref), "r+b") as file:
                file.truncate(kept.count * COLUMNS * 8)
                file.seek(0, os.SEEK_END)
                file.write(block.tobytes())
            kept.count += len(block)
        self._save(channel)
        self._kept_at_s[channel] = kept.position.at_s

    def _add_noise(self, block: np.ndarray, channel: int, kept: KeptTest) -> None:
        """To each record its own, whenever and however often it is made: what was seen twice is the same twice."""
        noise, seed = self._simulation.cycler, self._simulation.seed
        for column, source, size in (
            (3, VOLTAGE_NOISE, noise.cycler_voltage_noise_V),
            (4, CURRENT_NOISE, noise.cycler_current_noise_fraction * block[:, 4]),
        ):
            key = (seed, source, channel, kept.number)
            if key not in self._noises:  # it keeps what it drew for the records that follow
                self._noises[key] = StepNoise(*key)
            block[:, column] += size * self._noises[key].between(kept.count, len(block))

    def _save(self, channel: int) -> None:
        temporary = self._path(channel).with_suffix(".tmp")
        temporary.write_bytes(KEPT.dump_json(self._kept[channel]))
        os.replace(temporary, self._path(channel))
