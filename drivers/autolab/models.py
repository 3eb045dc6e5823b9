"""What the models of the Autolab family have: current ranges, their bandwidths, control loops.

Bandwidths of the current follower are those of the vendor's SDK manual (1.11, section 6.5). "Accepted by the
SDK" is not "present in the instrument": only ranges of this table are used, and of those what the instrument takes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CurrentRange:
    """`member` is the SDK's name, never its number: numbers run backwards, and differ."""

    member: str
    full_scale_A: float
    bandwidth_Hz: float


@dataclass(frozen=True)
class Model:
    """`ranges` largest first; `loops` the control loops from slow to fast, with the highest frequency for each."""

    name: str
    ranges: tuple[CurrentRange, ...]
    loops: tuple[tuple[str, float], ...]


MEMBERS = {
    1.0: "CR07_1A",
    1e-1: "CR08_100mA",
    1e-2: "CR09_10mA",
    1e-3: "CR10_1mA",
    1e-4: "CR11_100uA",
    1e-5: "CR12_10uA",
    1e-6: "CR13_1uA",
    1e-7: "CR14_100nA",
}
LOOPS = (("High_Stability", 1e3), ("High_Speed", 1e4), ("UltraHigh_Speed", float("inf")))
SLOW_LOOPS = (("High_Stability", 1e3), ("High_Speed", float("inf")))


def _ranges(bandwidths_Hz: dict[float, float]) -> tuple[CurrentRange, ...]:
    return tuple(CurrentRange(MEMBERS[scale], scale, bandwidth) for scale, bandwidth in bandwidths_Hz.items())


_LARGE = {1.0: 5e6, 1e-1: 5e6, 1e-2: 5e6, 1e-3: 5e6, 1e-4: 1e6, 1e-5: 1e5, 1e-6: 1e4, 1e-7: 1e3}
_OLDER = {scale: bandwidth for scale, bandwidth in _LARGE.items() if scale < 1}
_M204 = {1e-1: 5e6, 1e-2: 5e6, 1e-3: 5e6, 1e-4: 5e6, 1e-5: 1e4, 1e-6: 500.0, 1e-7: 500.0}
_M101 = {1e-2: 3e6, 1e-3: 3e6, 1e-4: 1e6, 1e-5: 7.5e4, 1e-6: 2e4, 1e-7: 4e3}
_MICRO = {1e-2: 5e6, 1e-3: 5e6, 1e-4: 5e5, 1e-5: 5e4, 1e-6: 5e3, 1e-7: 400.0}
_TABLES = {
    **dict.fromkeys(("PGSTAT30", "PGSTAT302", "PGSTAT302N", "PGSTAT128N"), (_LARGE, LOOPS)),
    "PGSTAT302F": (_LARGE, SLOW_LOOPS),
    **dict.fromkeys(("PGSTAT12", "PGSTAT100", "PGSTAT100N"), (_OLDER, LOOPS)),
    **dict.fromkeys(("PGSTAT204", "M204"), (_M204, LOOPS)),
    **dict.fromkeys(("PGSTAT101", "M101"), (_M101, LOOPS)),
    **dict.fromkeys(("uAutolabII", "uAutolabIII"), (_MICRO, SLOW_LOOPS)),
}
MODELS = {name: Model(name, _ranges(table), loops) for name, (table, loops) in _TABLES.items()}
