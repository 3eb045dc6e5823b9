"""Neware testers: `driver = "neware"`. The tester runs its step file by itself; this starts, watches, fetches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, NotSafe
from daq.stream import Column, Stream
from drivers.neware.client import BtsClient
from drivers.neware.exchange import Exchange
from drivers.neware.fetching import Fetcher
from drivers.neware.kept_runs import KeptRuns, read_ref
from drivers.neware.looking import Lookout, Seen
from drivers.neware.messages import Address
from drivers.neware.options import address, folder_of, options_of
from drivers.neware.starting import Starter, check_barcode
from drivers.neware.step_drop import StepFileDrop
from drivers.neware.step_plan import plan_of
from drivers.neware.stopping import Stopper, check_ours
from drivers.roles import CyclerAbilities
from drivers.schedule import ChannelStatus, CyclerRecord, Schedule
from drivers.schedule_checks import check_schedule
from drivers.transport import SocketLink, Transport, link_for

MODELS = {20 + n: f"BTS{78 + n}" for n in range(8)}
ANY_CHANNEL = tuple(range(1, 513))
RESOLUTION_A = 1e-9  # step files carry mA with six decimals


class Neware:
    """Speaks V, A, Ah and s; charge is positive current. Losing this driver stops no test, and neither does leaving.

    A ref is channel, number of the test and barcode; all three are read back before a test is stopped.
    """

    role: Literal["cycler"] = "cycler"
    safe_within_s = 120.0
    snapshot_stream = Stream(
        "cycler",
        (
            Column("channel", kind="int", help="the channel used last"),
            Column("voltage_V", "V"),
            Column("current_A", "A", help="charge positive; of the latest record"),
            Column("state", kind="text"),
        ),
        help="the battery cycler",
    )

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self.options = options = options_of(context)
        self.monitor_interval_s = max(60.0, options.poll_s)
        self.lost_after_s = 3600 * options.patience_h
        self._clock = context.clock
        where = address(options, context.place)
        self.transport = Transport(
            link_for(context, options.port, lambda: SocketLink(*where)), self.name, options.timeout_s
        )
        self._client = BtsClient(Exchange(self.transport, options.username, options.password))
        self._kept = KeptRuns(Path(context.state_folder) / f"neware_{context.name}")
        self._lookout = Lookout(self._client, context.clock, options.poll_s)
        self._fetcher = Fetcher(self._client, context.clock.sleep)
        self._drop = drop = StepFileDrop(folder_of(options, context.folder), options.step_folder_windows, self.name)
        self._starter = Starter(self._client, self._lookout, drop, context.clock, options.poll_s, self._kept)
        self._stopper = Stopper(self._client, self._lookout, context.clock, options.poll_s)
        self._one_start_at_a_time = self.transport.link.lock()
        self._channels: dict[int, Address] = {}
        self._version = self._folder_fault = ""
        self._last_channel = 1

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options that can't be used. Touches nothing."""
        address(options_of(context), context.place)

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """Finds the channels and what ran before. Raises InstrumentLost when BTS Client does not answer."""
        self._kept.load()
        self._lookout.forget()
        try:
            found, self._version = self._client.channels()
            self._channels = self._numbered(found)
            if self._kept.is_open:
                for one in self._lookout.fresh(list(self._channels.values())):
                    self._kept.settle(one.address.key, one.progress.testid, one.live.barcode)
        except (InstrumentError, BadInput):
            self.disconnect()
            raise
        self._last_channel = next(iter(self._channels))
        self._folder_fault = self._drop.missing()

    def _numbered(self, found: Sequence[Address]) -> dict[int, Address]:
        by_key = {one.key: one for one in found}
        if not self.options.channels:
            if len(by_key) != len(found) or not found:
                raise InstrumentError(self.name, "lists no channels, or one twice; name them: channels = { 1 = .. }")
            return dict(enumerate(found, start=1))
        for number, key in self.options.channels.items():
            if key not in by_key:
                raise BadInput(f"{self.name}: there is no channel {key!r} for {number}", allowed=", ".join(by_key))
        return {int(number): by_key[key] for number, key in sorted(self.options.channels.items(), key=_by_number)}

    def disconnect(self) -> None:
        """The tester goes on with what it does."""
        self._channels = {}
        self.transport.close()

    def identity(self) -> Identity:
        first = next(iter(self._there().values()))
        model = MODELS.get(first.devtype, f"devtype {first.devtype}")
        return Identity("Neware", model, f"{first.ip} device {first.devid}", self._version)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> CyclerAbilities:
        """Ranges as the bench file tells them: the server does not. Unconnected, any channel may be there."""
        o = self.options
        channels = tuple(self._channels) or tuple(sorted(int(one) for one in o.channels)) or ANY_CHANNEL
        return CyclerAbilities(
            channels, o.voltage_min_V, o.voltage_max_V, o.current_max_A, RESOLUTION_A, o.record_min_s, 0.1, True
        )

    def limits(self) -> Sequence[Limit]:
        return ()

    def wire_trace(self) -> str:
        return self.transport.trace.told()

    def read(self) -> Snapshot:
        """Of the channel used last, asked for anew: an old answer would hide that the server is gone."""
        number = self._last_channel
        now = self._told(number, self._lookout.one(self._there()[number]))
        if self._folder_fault:  # not asked for again while it is there: a share that hangs would hold up the reading
            self._folder_fault = self._drop.missing()
        return Snapshot(
            {"channel": now.channel, "voltage_V": now.voltage_V, "current_A": now.current_A, "state": now.state},
            (self._folder_fault,) if self._folder_fault else (),
        )

    def self_test(self) -> list[str]:
        """A file is put into the shared folder; every channel says what it does. Raises InstrumentError."""
        path, _ = self._drop.put("cellrig_self_test", b"<root />")
        seen = self._lookout.all(list(self._there().values())).values()
        lines = [f"a file was put into the shared folder; BTS Client has to see it as {path}"]
        return lines + [f"{one.address.key} {one.word}{f' {one.live.barcode!r}' * bool(one.ref)}" for one in seen]

    def make_safe(self, reason: Reason) -> SafeReport:
        """Losing the engine, or its end, stops no test. Else the tests that were started here are, and no others."""
        if not self._channels:
            raise NotSafe(self.name, "is not connected, so its channels cannot be stopped; stop them in BTS Client")
        if reason in ("engine_lost", "finished"):
            return SafeReport(True, "the tester runs on by itself")
        self._lookout.forget()
        try:
            running = self._ours_running()
        except InstrumentError as error:
            raise NotSafe(self.name, f"can't be asked what runs ({error}); stop it in BTS Client") from error
        problems = self._stopper.stop({ref: self._channels[self._number_of(ref)] for ref in running})
        if problems:
            raise NotSafe(self.name, f"{'; '.join(str(one) for one in problems)}; look at BTS Client")
        return SafeReport(True, f"{len(running)} channels stopped, read back")

    def carrying_on(self) -> list[str]:
        """The tests started here that run, each with its channel."""
        return [f"channel {self._number_of(ref)} runs {ref}" for ref in self._ours_running()]

    def _ours_running(self) -> list[str]:
        seen = self._lookout.all(list(self._there().values())).values()
        known = set(self._kept.refs())
        return [one.ref for one in seen if one.ref in known and one.is_active and one.ref is not None]

    # ------------------------------------------------------------ the role
    def status(self, channel: int) -> ChannelStatus:
        """Raises BadInput for a channel that is not there."""
        self._lookout_check(channel)
        return self._told(channel, self._lookout.all(list(self._channels.values()))[self._channels[channel]])

    def check_submit(self, schedule: Schedule, sample_id: str) -> None:
        """Raises BadInput for what is beyond the ranges or a step file, and for a name that can be no barcode."""
        check_schedule(schedule, self.abilities(), self.name)
        plan_of(schedule, self.name)
        check_barcode(sample_id, self.name)

    def submit(self, channel: int, schedule: Schedule, sample_id: str) -> str:
        """Raises BadInput as `check_submit`, and when the channel is not free; InstrumentError when it won't start."""
        self._lookout_check(channel)
        self.check_submit(schedule, sample_id)
        with self._one_start_at_a_time:
            ref = self._starter.start(self._channels[channel], schedule, sample_id, self.options.backup_folder_windows)
        self._last_channel = channel
        return ref

    def stop(self, ref: str) -> None:
        """Raises InstrumentError when another test has taken its place (nothing is sent then), or it runs on."""
        for problem in self.stop_all([ref]):
            raise problem

    def stop_all(self, refs: Sequence[str]) -> Sequence[InstrumentError]:
        """Told one after the other, waited for together; returns what went wrong, of each that did."""
        return self._stopper.stop({ref: self._channels[self._number_of(ref)] for ref in refs})

    def attach(self, ref: str) -> ChannelStatus:
        """Raises InstrumentError when its channel has another test now."""
        number = self._number_of(ref)
        seen = self._lookout.all(list(self._channels.values()))[self._channels[number]]
        self._last_channel = number
        return self._told(number, check_ours(ref, seen, self.name))

    def records(self, ref: str, after: int = 0, limit: int = 100_000) -> Sequence[CyclerRecord]:
        """Of a test that runs, or that another has followed. Raises InstrumentLost; the cursor stays good then."""
        channel = self._channels[self._number_of(ref)]
        testid = read_ref(ref, self.name)[1]
        return self._fetcher.records(channel, testid, max(after, 0), limit, self._kept.origins(ref))

    # ------------------------------------------------------------ inside
    def _there(self) -> dict[int, Address]:
        if not self._channels:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        return self._channels

    def _lookout_check(self, channel: int) -> None:
        if channel not in self._there():
            raise BadInput(
                f"{self.name} has no channel {channel!r}", allowed=", ".join(str(one) for one in self._channels)
            )

    def _number_of(self, ref: str) -> int:
        key = read_ref(ref, self.name)[0]
        for number, channel in self._there().items():
            if channel.key == key:
                return number
        raise InstrumentError(self.name, f"has no channel {key}, on which {ref!r} was started")

    def _told(self, number: int, seen: Seen) -> ChannelStatus:
        """Voltage and current of the latest record where it runs: `inquire` rounds the current to 0.1 mA."""
        volt, current = seen.live.voltage_V, 0.0
        if seen.is_active and seen.progress.count:
            volt, current = self._fetcher.last(seen.address, seen.progress.testid, seen.progress.count)
        step = seen.live.step
        origins = self._kept.origins(seen.ref or "")
        if 0 < step <= len(origins):
            step = origins[step - 1]
        return ChannelStatus(number, seen.state, seen.ref, step, seen.live.cycle, volt, current, seen.text)


def _by_number(item: tuple[str, str]) -> int:
    return int(item[0])
