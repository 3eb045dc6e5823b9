"""How far a furnace may be from what was asked for a measurement to go on, and what to look at where it is farther."""

from __future__ import annotations

from daq.contracts import Snapshot

NEAR_K = 10.0
NEAR_TOLERANCES = 5.0
FAR_FOR_S = 1800.0  # of a hold: a door that was opened, a short power cut are over by then


def near_limit_K(tolerance_K: float = 0.0) -> float:
    """Within this of the set-point what is measured is only flagged; farther off it is no longer what was asked for."""
    return max(NEAR_K, NEAR_TOLERANCES * tolerance_K)


def distance_K(reading: Snapshot, target_C: float) -> float | None:
    """Furnace minus target; None for a reading without a temperature."""
    now = reading.values.get("temperature_C")
    return float(now) - target_C if isinstance(now, int | float) else None


def told_far_off(name: str, reading: Snapshot, target_C: float, limit_K: float) -> str:
    """A sentence on a furnace that is farther than `limit_K` from its target; empty for one that is not."""
    away_K = distance_K(reading, target_C)
    if away_K is None or not abs(away_K) > limit_K:
        return ""
    output = reading.values.get("output_percent")
    power = f" at an output of {output:.0f} %" if isinstance(output, int | float) else ""
    if away_K < 0:
        look = (
            "whether it is in automatic (not in manual or standby), its output limit, its heater and the heater's "
            "fuse, and whether an over-temperature interlock has tripped"
        )
    else:
        look = "whether it is in automatic (not in manual), whether its heater's switch sticks, and its cooling"
    return (
        f"{name} reads {target_C + away_K:.1f} °C{power}, {abs(away_K):.0f} K {'below' if away_K < 0 else 'above'} the "
        f"{target_C:g} °C that were asked for; beyond {limit_K:g} K nothing is measured: look at {name}, {look}"
    )
