"""Records within steps as records of a test: the server counts time and capacity anew in each step.

A walk goes record by record from a known place. It is put at any place by the server's own table of steps, so that
the same record comes out the same, whoever asks after whatever break.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drivers.neware.client import Layer, RawRecord, is_charge
from drivers.schedule import CyclerRecord


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


def walk(
    place: Place, raw: Sequence[RawRecord], cycle_offset: int, origins: Sequence[int]
) -> tuple[Place, list[CyclerRecord]]:
    """The records that follow `place`. `cycle_offset` makes the server's cycles count from 1; `origins` are the
    schedule's steps by the number of the tester's (which stay as they are where there is none)."""
    found: list[CyclerRecord] = []
    before: RawRecord | None = None
    for one in raw:
        cycle = one.cycle + cycle_offset
        if one.step != place.step or cycle != place.cycle:
            place = _entered(_reached(place, before), one.step, cycle, is_charge(one.kind))
        charge_Ah, discharge_Ah = place.charge_Ah, place.discharge_Ah
        if place.is_charge:
            charge_Ah += one.capacity_Ah
        else:
            discharge_Ah += one.capacity_Ah
        step = origins[one.step - 1] if 0 < one.step <= len(origins) else one.step
        time_s = place.before_s + one.step_s
        found.append(
            CyclerRecord(one.number, time_s, step, cycle, one.voltage_V, one.current_A, charge_Ah, discharge_Ah)
        )
        before = one
    return _reached(place, before), found


def _reached(place: Place, last: RawRecord | None) -> Place:
    if last is None:
        return place
    return replace(place, number=last.number, step_s=last.step_s, step_Ah=last.capacity_Ah)


def _entered(place: Place, step: int, cycle: int, charges: bool) -> Place:
    """The beginning of the step after this place."""
    charge_Ah = place.charge_Ah + (place.step_Ah if place.is_charge else 0.0)
    discharge_Ah = place.discharge_Ah + (0.0 if place.is_charge else place.step_Ah)
    if cycle != place.cycle:
        charge_Ah = discharge_Ah = 0.0
    return Place(place.number, step, cycle, place.before_s + place.step_s, charge_Ah, discharge_Ah, 0.0, 0.0, charges)
