"""Every end of a run passes through here: `make_safe` of every instrument, each in its own wall.

One instrument that raises or hangs does not keep the others from being made safe.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from daq.clock import Clock
from daq.contracts import Reason, SafeReport
from daq.errors import CellrigError

log = logging.getLogger(__name__)
MARGIN_S = 5.0


class Safeable(Protocol):
    """The part of an instrument that is needed here."""

    @property
    def safe_within_s(self) -> float: ...
    def make_safe(self, reason: Reason) -> SafeReport: ...


@dataclass(frozen=True)
class SafeOutcome:
    """What became of one instrument. `verified` only when its state was read back."""

    instrument: str
    verified: bool
    text: str


def make_all_safe(instruments: Mapping[str, Safeable], clock: Clock, reason: Reason) -> list[SafeOutcome]:
    """Make every instrument safe, all at the same time; waits at most its `safe_within_s` + 5 s for each."""
    outcomes: dict[str, SafeOutcome] = {}
    threads = {
        name: clock.spawn(lambda n=name, i=instrument: outcomes.update({n: _make_safe(n, i, reason)}), f"safe {name}")
        for name, instrument in instruments.items()
    }
    began = clock.monotonic()
    for name, thread in threads.items():
        deadline = began + instruments[name].safe_within_s + MARGIN_S
        thread.join(timeout=max(0.0, deadline - clock.monotonic()))
    return [outcomes.get(name) or _silent(name, instrument) for name, instrument in instruments.items()]


def _make_safe(name: str, instrument: Safeable, reason: Reason) -> SafeOutcome:
    try:
        report = instrument.make_safe(reason)
    except CellrigError as error:
        return SafeOutcome(name, False, f"NOT SAFE, look at it now: {error}")
    except Exception as error:  # this wall must hold: the other instruments still have to be made safe
        log.exception("make_safe of %s failed", name)
        return SafeOutcome(name, False, f"NOT SAFE, look at it now: its driver failed: {error!r}")
    if not report.verified:
        return SafeOutcome(name, False, f"perhaps not safe, look at it: {report.text}")
    return SafeOutcome(name, True, report.text)


def _silent(name: str, instrument: Safeable) -> SafeOutcome:
    text = f"NOT SAFE, look at it now: no answer within {instrument.safe_within_s + MARGIN_S:.0f} s"
    return SafeOutcome(name, False, text)
