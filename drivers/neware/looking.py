"""What all channels do now, asked together and not too often; and whether a channel still has a given test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daq.clock import Clock
from daq.errors import InstrumentError
from drivers.neware.client import BtsClient, Live, Progress
from drivers.neware.kept_runs import ref_of
from drivers.neware.messages import STARTABLE, STATES, Address
from drivers.schedule import ChannelState


@dataclass(frozen=True)
class Seen:
    """One channel at one moment. `word` is the server's own."""

    address: Address
    word: str
    live: Live
    progress: Progress

    @property
    def state(self) -> ChannelState:
        """A test that has ended counts as running until the server has all of its records."""
        state = STATES.get(self.word, "unknown")
        if self.word in STARTABLE and self.progress.testid and not self.progress.is_complete:
            return "running"
        return state if self.progress.testid or state == "running" else _idle(state)

    @property
    def is_active(self) -> bool:
        """Whether the tester may be working on it: anything that is not known to have ended."""
        return self.word not in STARTABLE

    @property
    def ref(self) -> str | None:
        return ref_of(self.address.key, self.progress.testid, self.live.barcode) if self.progress.testid else None

    @property
    def text(self) -> str:
        if self.word not in STATES:
            return f"the server calls it {self.word!r}"
        if self.state == "running" and self.word in STARTABLE:
            return f"it has ended ({self.word}); its last records are on their way to the server"
        return "the tester's protection ended it" if self.word == "protect" else ""


def _idle(state: ChannelState) -> ChannelState:
    return "idle" if state in ("finished", "stopped") else state


class Lookout:
    """Asks after all channels at most every `poll_s`, whoever wants to know."""

    def __init__(self, client: BtsClient, clock: Clock, poll_s: float) -> None:
        self._client = client
        self._clock = clock
        self._poll_s = poll_s
        self._seen: dict[Address, Seen] = {}
        self._seen_s = 0.0

    def forget(self) -> None:
        """What was seen is old: something was commanded."""
        self._seen = {}

    def all(self, channels: Sequence[Address]) -> Mapping[Address, Seen]:
        now = self._clock.monotonic()
        if not self._seen or now - self._seen_s >= self._poll_s:
            self._seen = {one.address: one for one in self.fresh(channels)}
            self._seen_s = now
        return self._seen

    def fresh(self, channels: Sequence[Address]) -> list[Seen]:
        """Raises InstrumentError where a channel is gone."""
        words = self._client.states(channels)
        for channel, word in zip(channels, words, strict=True):
            if word == "false":
                raise InstrumentError(
                    self._client.name, f"channel {channel.key} is no longer there; look at the tester and its cables"
                )
        lives, progress = self._client.live(channels), self._client.progress(channels)
        return [Seen(*four) for four in zip(channels, words, lives, progress, strict=True)]

    def one(self, channel: Address) -> Seen:
        return self.fresh([channel])[0]
