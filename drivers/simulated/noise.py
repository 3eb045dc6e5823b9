"""Noise as a function of place and time, so that no generator's state has to be kept or shared."""

from __future__ import annotations

import numpy as np

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
        self._values: list[float] = []

    def at(self, step: int) -> float:
        block, place = divmod(step, BLOCK)
        if block != self._block:
            self._values = generator(self._seed, *self._source, block).standard_normal(BLOCK).tolist()
            self._block = block
        return self._values[place]

    def between(self, first: int, count: int) -> list[float]:
        """Of `count` steps from `first` on."""
        found: list[float] = []
        while len(found) < count:
            step = first + len(found)
            self.at(step)
            place = step % BLOCK
            found += self._values[place : place + count - len(found)]
        return found
