"""The straight parts of a sweep as measurement loops, and which of them come again and again."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.methodscript.package import literal
from drivers.techniques import CyclicVoltammetry, LinearSweep


@dataclass
class Way:
    """One straight part of a sweep. `with_start`: its first stair is where it begins; else one stair further."""

    from_V: float
    to_V: float
    cycle: int
    technique: CyclicVoltammetry | LinearSweep
    with_start: bool = False

    @property
    def stairs(self) -> int:
        return max(1, round(abs(self.to_V - self.from_V) / self.technique.step_V))

    @property
    def points(self) -> int:
        return self.stairs + self.with_start

    def line(self) -> str:
        step_V = (self.to_V - self.from_V) / self.stairs
        begin_V = self.from_V if self.with_start else self.from_V + step_V
        rate_V_s = self.technique.scan_rate_V_s * abs(step_V) / self.technique.step_V  # a stair keeps its time
        numbers = (begin_V, self.to_V, abs(step_V), rate_V_s)
        return "meas_loop_lsv p c " + " ".join(literal(one, with_prefix=True) for one in numbers)

    def same_as(self, other: Way) -> bool:
        return (self.from_V, self.to_V, self.with_start) == (other.from_V, other.to_V, other.with_start)


@dataclass(frozen=True)
class Group:
    times: int
    ways: list[Way]


def repeated(ways: list[Way]) -> list[Group]:
    """Pairs of ways that come again and again, as one pair and how often."""
    groups: list[Group] = []
    place = 0
    while place < len(ways):
        times = 1
        pair = ways[place : place + 2]
        while len(pair) == 2 and _same_pair(pair, ways[place + 2 * times : place + 2 * times + 2]):
            times += 1
        if times > 1:
            groups.append(Group(times, pair))
            place += 2 * times
        else:
            groups.append(Group(1, ways[place : place + 1]))
            place += 1
    return groups


def _same_pair(pair: list[Way], other: list[Way]) -> bool:
    return len(other) == 2 and all(one.same_as(two) for one, two in zip(pair, other, strict=True))
