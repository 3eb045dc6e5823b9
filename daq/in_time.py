"""A call into a driver that may hang, in a thread of its own with a deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from daq.clock import Clock
from daq.errors import InstrumentLost

T = TypeVar("T")


class Hangs(InstrumentLost):
    """A call into a driver is not back within its deadline."""


def in_time(clock: Clock, seconds: float, call: Callable[[], T], instrument: str, what: str) -> T:
    """What `call` returns, or raises. Raises Hangs when it is not back after `seconds` of the clock.

    The thread that hangs is left behind: nothing can take it out of a driver from outside.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001  raised again in the thread that asked
            raised.append(error)

    thread = clock.spawn(work, f"{what}, {instrument}")
    thread.join(timeout=seconds)
    if raised:
        raise raised[0]
    if not returned:
        raise Hangs(instrument, f"{what} did not come back within {seconds:.0f} s; its driver hangs")
    return returned[0]
