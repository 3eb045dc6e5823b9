"""Noise as a function of place and time, so that no generator's state has to be kept or shared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096


def generator(seed: int, *key: int) -> np.random.Generator:
    """A generator of its own for one source at one moment. `key` are non-negative integers."""
    return np.random.default_rng(np.random.SeedSequence([seed, *key]))


class StepNoise:
    """Standard normal noise per step of the world: the same step always carries the same value."""

    def __init__(self, seed: int, *source: int) -> None:
        self._seed = seed
        self._source = source
        self._block = -1
        self._drawn = np.empty(0)

    def at(self, step: int) -> float:
        place = self._to_block_of(step)
        return float(self._drawn[place])

    def between(self, first: int, count: int) -> NDArray[np.float64]:
        """Of `count` steps from `first` on."""
        found = np.empty(count)
        done = 0
        while done < count:
            place = self._to_block_of(first + done)
            part = self._drawn[place : place + count - done]
            found[done : done + len(part)] = part
            done += len(part)
        return found

    def _to_block_of(self, step: int) -> int:
        """Draw the block of this step, if it is another one; the step's place in it."""
        block, place = divmod(step, BLOCK)
        if block != self._block:
            self._drawn = generator(self._seed, *self._source, block).standard_normal(BLOCK)
            self._block = block
        return place
