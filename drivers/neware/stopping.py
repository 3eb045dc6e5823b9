"""Stopping tests: each is looked at just before, and nothing is sent to a channel that has another test now."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from daq.clock import Clock
from daq.errors import InstrumentError
from drivers.neware.client import BtsClient
from drivers.neware.looking import Lookout, Seen
from drivers.neware.messages import Address

log = logging.getLogger(__name__)

LOOKS = 6


def check_ours(ref: str, seen: Seen, instrument: str) -> Seen:
    """`seen`, if it is this test: channel, number and barcode fit. Raises InstrumentError."""
    if seen.ref != ref:
        now = f"has {seen.ref} now" if seen.ref else "has no test now"
        raise InstrumentError(instrument, f"{ref} is lost to another test: its channel {now}; nothing was sent to it")
    return seen


class Stopper:
    """Many are stopped one after the other, and waited for together: sixty-four must not take an hour."""

    def __init__(self, client: BtsClient, lookout: Lookout, clock: Clock, poll_s: float) -> None:
        self._client, self._lookout, self._clock, self._poll_s = client, lookout, clock, poll_s

    def stop(self, tests: Mapping[str, Address]) -> list[InstrumentError]:
        """Refs with their channels; returns what went wrong, of each that did."""
        told: dict[str, Address] = {}
        problems: list[InstrumentError] = []
        for ref, channel in tests.items():
            try:
                if check_ours(ref, self._lookout.one(channel), self._client.name).is_active:
                    told[ref] = channel
                    self._tell(channel)
            except InstrumentError as error:
                problems.append(error)
        return problems + (self._running_on(told) if told else [])

    def _tell(self, channel: Address) -> None:
        try:
            self._client.stop(channel)
        except InstrumentError as error:  # it may have arrived all the same: what the channel shows will tell
            log.warning("%s: the answer to a stop was lost (%s)", self._client.name, error)
        finally:
            self._lookout.forget()

    def _running_on(self, told: Mapping[str, Address]) -> list[InstrumentError]:
        left, shown = dict(told), ""
        for look in range(LOOKS):
            if look:
                self._clock.sleep(self._poll_s)
            try:
                seen = self._lookout.fresh(list(left.values()))
            except InstrumentError as error:
                shown = f"what became of {', '.join(left)} is not known ({error})"
                continue
            left = {ref: one.address for ref, one in zip(left, seen, strict=True) if one.ref == ref and one.is_active}
            if not left:
                return []
            shown = ", ".join(f"{one.ref} shows {one.word!r}" for one in seen if one.ref in left)
        return [InstrumentError(self._client.name, f"was told to stop, and {shown}; stop it in BTS Client")]
