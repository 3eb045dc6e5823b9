"""When a step of the simulated cycler ends, its channel protects itself, and a record by time is due."""

from __future__ import annotations

from drivers.schedule import End, Protection

TINY_s = 1e-6


def passed_limit(guard: Protection, voltage_V: float, current_A: float, step_Ah: float) -> str:
    """The limit of the protection that is passed now, in words, or nothing. `step_Ah`: the step's, as a magnitude."""
    if not guard.voltage_min_V <= voltage_V <= guard.voltage_max_V:
        return f"{voltage_V:.4f} V is outside {guard.voltage_min_V:g} to {guard.voltage_max_V:g} V"
    if abs(current_A) > guard.current_max_A:
        return f"{abs(current_A):.4g} A is above {guard.current_max_A:g} A"
    if guard.capacity_max_Ah is not None and step_Ah > guard.capacity_max_Ah:
        return f"{step_Ah:.4g} Ah is above {guard.capacity_max_Ah:g} Ah"
    return ""


def voltage_ends(ends: tuple[End, ...]) -> list[End]:
    return [end for end in ends if end.quantity == "voltage_V"]


def is_met(end: End, step_s: float, current_A: float, passed_Ah: float) -> bool:
    """Of a held potential: all but the voltage's ends."""
    if end.quantity == "voltage_V":
        return False
    value = {"time_s": step_s + TINY_s, "current_A": abs(current_A), "capacity_Ah": passed_Ah}[end.quantity]
    return value >= end.value if end.direction == "above" else value <= end.value


def due_record(step_s: float, every_s: float) -> int | None:
    """Which record by time is due at this moment of a step; None: none is."""
    nearest = round(step_s / every_s)
    return nearest if abs(step_s / every_s - nearest) < TINY_s else None
