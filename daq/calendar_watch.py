"""Whether the computer's calendar still agrees with bench time: it is set by people and by the network, and sleeps."""

from __future__ import annotations

from collections.abc import Callable

from daq.clock import Clock

JUMP_S = 2.0  # less is the network's slow correction, which adds up to an anchor now and then


class CalendarWatch:
    """`look()` calls `jumped(unix, ahead_s)` when the calendar has moved against bench time since the last call.

    Bench time itself never jumps, so durations and deadlines stay right. Where it stands still while the computer
    sleeps (Linux), a sleep looks like a calendar set ahead: the text of the event names both.
    """

    def __init__(self, clock: Clock, jumped: Callable[[float, float], None]) -> None:
        self._clock = clock
        self._jumped = jumped
        self._offset_s = clock.unix() - clock.monotonic()

    def look(self) -> None:
        unix = self._clock.unix()
        offset_s = unix - self._clock.monotonic()
        ahead_s = offset_s - self._offset_s
        if abs(ahead_s) >= JUMP_S:
            self._offset_s = offset_s
            self._jumped(unix, ahead_s)


def jump_text(ahead_s: float) -> str:
    """The event, in words."""
    if ahead_s < 0:
        return f"the computer's clock was set back by {-ahead_s:.0f} s; the times of the run go on as before"
    return (
        f"the computer's clock is {ahead_s:.0f} s ahead of the run: it was set, or the computer slept; "
        "the times of the run go on as before"
    )
