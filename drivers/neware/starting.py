"""Starting a test: nothing is sent unless the channel is known to be free, and never twice."""

from __future__ import annotations

import logging

from daq.clock import Clock
from daq.errors import BadInput, InstrumentError
from drivers.neware.client import BtsClient
from drivers.neware.kept_runs import KeptIntent, KeptRuns
from drivers.neware.looking import Lookout, Seen
from drivers.neware.messages import STARTABLE, Address
from drivers.neware.step_drop import StepFileDrop
from drivers.neware.step_file import step_file
from drivers.neware.step_plan import plan_of
from drivers.schedule import Schedule

log = logging.getLogger(__name__)

CONFIRM_TIMES = 6
BARCODE_MAX = 60


class Starter:
    """What is known of a test is durable in `kept` before its start is sent, and before it is reported."""

    def __init__(
        self,
        client: BtsClient,
        lookout: Lookout,
        drop: StepFileDrop,
        clock: Clock,
        poll_s: float,
        kept: KeptRuns,
    ) -> None:
        self._client, self._lookout, self._drop = client, lookout, drop
        self._clock, self._poll_s, self._kept = clock, poll_s, kept

    def start(self, channel: Address, schedule: Schedule, sample_id: str, backup_folder: str) -> str:
        """The ref of the test. Raises BadInput when the channel is not free; InstrumentError otherwise."""
        name = self._client.name
        check_barcode(sample_id, name)
        plan = plan_of(schedule, name)
        before = self._free(channel)
        unix = self._clock.unix()
        data = step_file(plan, sample_id, unix)
        path, sha256 = self._drop.put(f"{channel.key}_{sample_id}_{unix:.0f}", data)
        intent = KeptIntent(
            key=channel.key, testid_before=before.progress.testid, barcode=sample_id, schedule_id=schedule.id,
            step_file=path, step_file_sha256=sha256, origins=plan.origins(),
        )  # fmt: skip
        self._kept.intend(intent)
        said = "ok"
        try:
            if not self._client.start(channel, sample_id, path, backup_folder or _folder(path)):
                said = "false"
        except InstrumentError as error:  # the request may have arrived all the same: looked for, never sent again
            log.warning("%s: the answer to a start was lost (%s)", name, error)
            said = f"nothing ({error})"
        finally:
            self._lookout.forget()
        if said == "false":
            self._kept.give_up(channel.key)
            raise InstrumentError(
                name, f"refuses to start {path} on channel {channel.key}; the reason is in BTS Client's log window"
            )
        seen = self._confirmed(channel, sample_id, before, said)
        run = intent.run(seen.progress.testid)
        self._kept.keep(run)
        return run.ref

    def _free(self, channel: Address) -> Seen:
        """Startable twice, a poll apart."""
        self._refuse_taken(channel)
        self._clock.sleep(self._poll_s)
        return self._refuse_taken(channel)

    def _refuse_taken(self, channel: Address) -> Seen:
        seen = self._lookout.one(channel)
        if seen.word not in STARTABLE:
            what = f"runs {seen.ref}" if seen.word == "working" else f"is in the state {seen.word!r}"
            raise BadInput(
                f"{self._client.name}: channel {channel.key} {what}; nothing was started",
                allowed=f"a channel that shows {', '.join(STARTABLE)}",
            )
        return seen

    def _confirmed(self, channel: Address, sample_id: str, before: Seen, said: str) -> Seen:
        """A new test with our barcode on it."""
        problem: InstrumentError | None = None
        seen = before
        for look in range(CONFIRM_TIMES):
            if look:
                self._clock.sleep(self._poll_s)
            try:
                seen, problem = self._lookout.one(channel), None
            except InstrumentError as error:
                problem = error
                continue
            if seen.live.barcode == sample_id and seen.progress.testid not in (0, before.progress.testid):
                return seen
        shown = str(problem) if problem else f"shows {seen.word!r}, barcode {seen.live.barcode!r}"
        raise InstrumentError(
            self._client.name,
            f"answered {said} to a start on channel {channel.key}, which {shown}: whether {sample_id} runs is not "
            "known, and nothing is sent again; look at BTS Client",
        )


def check_barcode(sample_id: str, instrument: str) -> None:
    """Raises BadInput. A barcode is how a test is known again, so it has to come back as it was sent."""
    if not sample_id.isprintable() or sample_id != sample_id.strip() or not 0 < len(sample_id) <= BARCODE_MAX:
        raise BadInput(
            f"{instrument}: {sample_id!r} can't be a barcode", allowed=f"1 to {BARCODE_MAX} printable characters"
        )


def _folder(path: str) -> str:
    return path.rpartition("\\" if "\\" in path else "/")[0]
