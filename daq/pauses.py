"""How often the interlocks have paused one step without its getting any further: it may bring a limit about itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from daq.contracts import AfterBreak
from daq.control import Hold
from daq.errors import LimitBroken

MOST_PAUSES = 5  # by one interlock within one step that is begun anew each time; the next ends the run
FURTHER_K = 1.0  # a furnace that has moved by more since the first of them has taken the step further


class Pauses:
    """Of one step. `temperatures_C` below: what each furnace of the bench reads, in degC, by its name."""

    def __init__(self, after_break: AfterBreak) -> None:
        self._begins_anew = after_break == "repeat"
        self._times: Counter[str] = Counter()
        self._from_C: Mapping[str, float] = {}

    def count(self, holds: Iterable[Hold], temperatures_C: Mapping[str, float]) -> None:
        """The step was left for these. Raises LimitBroken for one that has paused it too often.

        A step that goes on with what is left after a break gets further by itself and is not counted; one that is
        begun anew keeps nothing but the way that the furnace has gone.
        """
        if not self._begins_anew:
            return
        if not self._times or self._is_further(temperatures_C):
            self._times.clear()
            self._from_C = temperatures_C
        for hold in holds:
            self._times[hold.name] += 1
            if self._times[hold.name] > MOST_PAUSES:
                raise LimitBroken(
                    "interlock",
                    f"{hold.text}; it has paused this step {MOST_PAUSES} times before, and each time the step began "
                    "anew and came to it again: the step seems to bring it about by itself. The run ends safely; "
                    'set another limit, or action = "stop" or "skip"',
                )

    def _is_further(self, temperatures_C: Mapping[str, float]) -> bool:
        before = self._from_C
        return any(abs(now - before[name]) > FURTHER_K for name, now in temperatures_C.items() if name in before)
