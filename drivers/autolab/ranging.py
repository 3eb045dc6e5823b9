"""Which current range and control loop a point is measured in: from the last |Z| and the bandwidth table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.autolab.models import CurrentRange, Model

FILL = 0.7  # of full scale is what the expected peak may reach
LOW_SIGNAL = 0.02  # of full scale: below this the point is kept and told
FIRST_RANGE_A = 1e-3  # for the trial of a first point, when nothing is known of the cell
TOO_LOW, TOO_HIGH = 0.05, 0.8  # of full scale: where a direct current changes range


@dataclass(frozen=True)
class Choice:
    """`is_bandwidth_limited`: no range is as fast as the margin asks for."""

    range: CurrentRange
    is_bandwidth_limited: bool = False


def expected_modulus_ohm(frequency_Hz: float, taken: Sequence[tuple[float, float]]) -> float | None:
    """|Z| at a frequency, log-log through the last two of `taken` (frequency in Hz, |Z| in ohm); None: unknown.

    The slope is kept between -1 and 1, a capacitor's and an inductor's.
    """
    if not taken:
        return None
    last_Hz, last_ohm = taken[-1]
    if len(taken) < 2 or taken[-2][0] == last_Hz:
        return last_ohm
    slope = math.log(last_ohm / taken[-2][1]) / math.log(last_Hz / taken[-2][0])
    return last_ohm * (frequency_Hz / last_Hz) ** min(max(slope, -1.0), 1.0)


def choose(ranges: Sequence[CurrentRange], frequency_Hz: float, peak_A: float, margin: float) -> Choice:
    """The most sensitive of `ranges` (largest first) that takes the peak and is `margin` x as fast as the signal."""
    fitting = [one for one in ranges if one.full_scale_A * FILL >= peak_A] or [ranges[0]]
    fast = [one for one in fitting if one.bandwidth_Hz >= margin * frequency_Hz]
    if fast:
        return Choice(fast[-1])
    widest_Hz = max(one.bandwidth_Hz for one in fitting)
    return Choice([one for one in fitting if one.bandwidth_Hz == widest_Hz][-1], True)


def for_current(ranges: Sequence[CurrentRange], current_A: float) -> CurrentRange:
    """The most sensitive range for a direct current of this magnitude."""
    return choose(ranges, 0.0, current_A, 1.0).range


def next_for_current(
    ranges: Sequence[CurrentRange], now: CurrentRange, current_A: float, is_overload: bool
) -> CurrentRange:
    """The range for the next point of a direct current: one up at an overload, with hysteresis otherwise."""
    share = abs(current_A) / now.full_scale_A
    if is_overload or share > TOO_HIGH:
        return ranges[max(0, ranges.index(now) - 1)]
    return for_current(ranges, abs(current_A)) if share < TOO_LOW else now


def loop_for(model: Model, frequency_Hz: float) -> str:
    """The name of the control loop: the slowest that follows this frequency."""
    return next(name for name, highest_Hz in model.loops if frequency_Hz <= highest_Hz)


def slower_loop(model: Model, loop: str) -> str | None:
    """The next slower control loop, for when it oscillates; None: there is none."""
    names = [name for name, _ in model.loops]
    place = names.index(loop)
    return names[place - 1] if place else None
