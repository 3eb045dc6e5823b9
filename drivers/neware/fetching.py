"""Records of one test from a cursor on, however the connection fails: what is given is whole and in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from daq.errors import InstrumentLost
from drivers.neware.client import BLOCK, BtsClient
from drivers.neware.messages import Address
from drivers.neware.record_text import RawRecords
from drivers.neware.record_walk import Place, place_at, walk
from drivers.schedule import CyclerRecord
from drivers.transport import BadReply

TRIES = 3
AGAIN_AFTER_s = 5.0
PLACES_KEPT = 256


class Fetcher:
    """Remembers where each walk was, so that the next call goes on there; any other place is found again."""

    def __init__(self, client: BtsClient, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep
        self._places: dict[tuple[Address, int], Place] = {}
        self._offsets: dict[tuple[Address, int], int] = {}

    def records(
        self, channel: Address, testid: int, after: int, limit: int, origins: Sequence[int]
    ) -> list[CyclerRecord]:
        """Raises InstrumentLost, BadReply; nothing is skipped then, for the caller's cursor stays."""
        test = (channel, testid)
        count = self._client.progress([channel], testid)[0].count
        if after >= count or limit <= 0:
            return []
        offset = self._offset(test)
        place = self._places.get(test)
        if place is None or place.number != after:
            place = place_at(self._client.layers(channel, testid), after) if after else Place()
        found: list[CyclerRecord] = []
        while place.number < count and len(found) < limit:
            last = min(count, after + limit, place.number + BLOCK)
            raw = self._block(channel, testid, place.number + 1, last - place.number)
            place, some = walk(place, raw, offset, origins)
            found += some[max(0, after - some[0].number + 1) :]
        if len(self._places) >= PLACES_KEPT:
            self._places.clear()
        self._places[test] = place
        return found

    def last(self, channel: Address, testid: int, count: int) -> tuple[float, float]:
        """Voltage and current of the latest record."""
        raw = self._block(channel, testid, count, 1)
        return raw.voltage_V[0], raw.current_A[0]

    def _offset(self, test: tuple[Address, int]) -> int:
        """Some clients count cycles from 0: told by the test's first record."""
        if test not in self._offsets:
            self._offsets[test] = 1 - min(self._block(*test, 1, 1).cycle[0], 1)
        return self._offsets[test]

    def _block(self, channel: Address, testid: int, first: int, count: int) -> RawRecords:
        """At least one record."""
        problem: BadReply | InstrumentLost | None = None
        for attempt in range(TRIES):
            if attempt:
                self._sleep(AGAIN_AFTER_s)
            try:
                raw = self._client.records(channel, testid, first, count)
            except BadReply as error:
                problem = error
                continue
            if raw.number:
                return raw if len(raw.number) <= count else RawRecords._make(column[:count] for column in raw)
            text = f"says that it has record {first} of test {testid} on channel {channel.key}, and does not send it"
            problem = InstrumentLost(self._client.name, text)
        assert problem is not None
        raise problem
