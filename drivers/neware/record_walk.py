"""Records within steps as records of a test: the server counts time and capacity anew in each step.

A walk goes record by record from a known place. It is put at any place by the server's own table of steps, so that
the same record comes out the same, whoever asks after whatever break.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, repeat

from drivers.neware.client import Layer, is_charge
from drivers.neware.record_text import RawRecords
from drivers.schedule import CyclerRecord

_RECORD = partial(tuple.__new__, CyclerRecord)  # from all its values in order; `CyclerRecord(...)` takes twice as long


@dataclass(frozen=True)
class Place:
    """After which record a walk is, and what had passed before the step it is in. Capacities are of the cycle."""

    number: int = 0
    step: int = 0
    cycle: int = 0
    before_s: float = 0.0
    charge_Ah: float = 0.0
    discharge_Ah: float = 0.0
    step_s: float = 0.0
    step_Ah: float = 0.0
    is_charge: bool = True


def place_at(layers: Sequence[Layer], after: int) -> Place:
    """The end of the last step that was over at or before record `after`: a walk begins there."""
    over = layers[: bisect_left(layers, after + 1, key=lambda one: one.last)]
    place = Place()
    for layer in over:
        place = _entered(place, layer.step, layer.cycle, layer.is_charge)
        place = replace(place, number=layer.last, step_s=layer.duration_s, step_Ah=layer.capacity_Ah)
    return place


def walk(place: Place, raw: RawRecords, cycle_offset: int, origins: Sequence[int]) -> tuple[Place, list[CyclerRecord]]:
    """The records that follow `place`. `cycle_offset` makes the server's cycles count from 1; `origins` are the
    schedule's steps by the number of the tester's (which stay as they are where there is none)."""
    found: list[CyclerRecord] = []
    steps = list(zip(raw.step, raw.cycle, strict=True))
    changes = [n for n, (one, other) in enumerate(pairwise(steps), start=1) if one != other]
    for begin, end in pairwise([0, *changes, len(steps)]):
        number, cycle = raw.step[begin], raw.cycle[begin] + cycle_offset
        if number != place.step or cycle != place.cycle:
            place = _entered(place, number, cycle, is_charge(raw.kind[begin]))
        step = origins[number - 1] if 0 < number <= len(origins) else number
        found += _within(place, raw, slice(begin, end), step)
        last = end - 1
        place = replace(place, number=raw.number[last], step_s=raw.step_s[last], step_Ah=raw.capacity_Ah[last])
    return place, found


def _within(place: Place, raw: RawRecords, rows: slice, step: int) -> Iterator[CyclerRecord]:
    """The records of one step."""
    before_s, before_Ah = place.before_s, place.charge_Ah if place.is_charge else place.discharge_Ah
    time_s = [before_s + one for one in raw.step_s[rows]]
    grows: Iterable[float] = [before_Ah + one for one in raw.capacity_Ah[rows]]
    stays = repeat(place.discharge_Ah if place.is_charge else place.charge_Ah)
    charge, discharge = (grows, stays) if place.is_charge else (stays, grows)
    numbers, volts, amps = raw.number[rows], raw.voltage_V[rows], raw.current_A[rows]
    cells = zip(numbers, time_s, repeat(step), repeat(place.cycle), volts, amps, charge, discharge, repeat(None))
    return map(_RECORD, cells)


def _entered(place: Place, step: int, cycle: int, charges: bool) -> Place:
    """The beginning of the step after this place."""
    charge_Ah = place.charge_Ah + (place.step_Ah if place.is_charge else 0.0)
    discharge_Ah = place.discharge_Ah + (0.0 if place.is_charge else place.step_Ah)
    if cycle != place.cycle:
        charge_Ah = discharge_Ah = 0.0
    return Place(place.number, step, cycle, place.before_s + place.step_s, charge_Ah, discharge_Ah, 0.0, 0.0, charges)
