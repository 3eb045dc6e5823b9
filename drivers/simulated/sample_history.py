"""What the samples' temperatures were since somebody last looked, minute by minute: a cell on a cycler lives through
them whether or not anybody listens."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers.simulated.sample import SampleCourse

EVERY_STEPS = 60
MOST_BLOCKS = 500  # of up to an hour
EVEN_K, EVEN_SHARE = 0.1, 0.01  # a piece in which a sample changes by less is taken as even

Array = NDArray[np.float64]


class SampleView(NamedTuple):
    """The truth about one channel's sample at a moment: what no instrument shows."""

    temperature_C: float
    high_phase: float


class Piece(NamedTuple):
    """Up to a step of the world, in which the sample was as `view` says."""

    until_step: float
    view: SampleView


class SampleHistory:
    """Courses that are over, thinned to a row a minute. `place` is a sample's, as in the courses."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[Array, list[Array], list[Array]]] = deque(maxlen=MOST_BLOCKS)

    def keep(self, start: int, end: int, courses: Sequence[SampleCourse]) -> None:
        """Of the steps after `start` up to `end`; `courses` may go on beyond."""
        steps = np.arange(start + EVERY_STEPS - start % EVERY_STEPS, end + 1, EVERY_STEPS)
        if steps.size:
            rows = steps - start - 1
            temperatures = [one.temperature_C[rows] for one in courses]
            self._blocks.append((steps.astype(float), temperatures, [one.high_phase[rows] for one in courses]))

    def with_more(self, start: int, end: int, courses: Sequence[SampleCourse]) -> SampleHistory:
        """As this one and `keep`, which leaves it as it is."""
        more = SampleHistory()
        more._blocks.extend(self._blocks)
        more.keep(start, end, courses)
        return more

    def pieces(self, place: int, since_step: float, now_step: float, now: SampleView) -> list[Piece]:
        """From `since_step` to now, each with what the sample was at its end; one where it did not change."""
        blocks = [one for one in self._blocks if one[0][-1] > since_step]
        steps = np.concatenate([[], *(one[0] for one in blocks)])
        inside = (steps > since_step) & (steps < now_step)
        steps = steps[inside]
        temperature_C = np.concatenate([[], *(one[1][place] for one in blocks)])[inside]
        phase = np.concatenate([[], *(one[2][place] for one in blocks)])[inside]
        is_even = np.all(np.abs(temperature_C - now.temperature_C) <= EVEN_K)
        if is_even and np.all(np.abs(phase - now.high_phase) <= EVEN_SHARE):
            return [Piece(now_step, now)]
        found: list[Piece] = []
        for step, at_C, share in zip(steps.tolist(), temperature_C.tolist(), phase.tolist(), strict=True):
            last = found[-1].view if found else None
            if last and abs(at_C - last.temperature_C) <= EVEN_K and abs(share - last.high_phase) <= EVEN_SHARE:
                found[-1] = Piece(step, last)
            else:
                found.append(Piece(step, SampleView(at_C, share)))
        return [*found, Piece(now_step, now)]
