"""Cyclic voltammograms of a plating cell (Li | electrolyte | metal): plating, stripping, stable window per cycle.

A cycle here is one fall of the potential to a lower vertex and the rise after it; the first may begin within its fall,
or at the vertex itself. Plating onset: the last passage of the threshold (reduction) before the largest reduction
current. Stripping charge: integral of the density, less its baseline, on the rise, from its change of sign until it
has come back below the threshold; the baseline is the median of what follows. Stable to: the first oxidation onset on
the rise after stripping, or the upper vertex when there is none. Stable from: the first reduction onset on the fall
that is not plating, or the lower vertex when there is none and what is plated comes back (at least 80 %), else the
plating onset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.current_segments import Floats
from procedures.analysis.estimate import NORMAL_95, Estimate
from procedures.analysis.onset import DEFAULT, OnsetOptions, find_onset, moving_mean
from procedures.analysis.tangent import potential_estimate

REVERSIBLE_PERCENT = 80.0
_PLATING_V = 0.05  # a reduction within this of the plating onset is plating itself
_SUSTAINED = 3
_FEWEST_ROWS = 20  # of a fall or a rise
_CLEAR = 0.01  # of the range: a fall or a rise at an end of the record, and how near its lowest a vertex is
_BARE_V = 0.1  # so far above the potential of stripping plating begins at the most


@dataclass(frozen=True)
class VoltammogramCycle:
    """Numbers of one cycle; each perhaps refused. Charges are magnitudes in mC/cm2, the efficiency in %."""

    cycle: int
    plating_onset_V: Estimate
    plating_charge_mC_cm2: Estimate
    stripping_charge_mC_cm2: Estimate
    coulombic_efficiency_percent: Estimate
    stable_from_V: Estimate
    stable_to_V: Estimate


@dataclass(frozen=True)
class _Sweep:
    """Rows of one cycle: the fall, then the rise from `lowest` on. Density in A/cm2."""

    time_s: Floats
    potential_V: Floats
    density: Floats
    mean: Floats
    lowest: int
    step_V: float
    noise: float


def analyse_voltammogram(
    time_s: ArrayLike,
    potential_V: ArrayLike,
    current_A: ArrayLike,
    area_cm2: float,
    cycle: ArrayLike | None = None,
    options: OnsetOptions = DEFAULT,
    overload: ArrayLike | None = None,
) -> tuple[VoltammogramCycle, ...]:
    """All cycles of a voltammogram, rows (n,) in the order taken; oxidation is positive current.

    `cycle` names each by its number at the lower vertex (None: counted from 1). A cycle with `clipped_rows` in
    `overload` (n,) is refused. Raises AnalysisRefused when the potential never falls and rises again,
    BadInput for columns that do not fit or an area that is not positive.
    """
    if not (area_cm2 > 0 and np.isfinite(area_cm2)):
        raise BadInput(f"{area_cm2!r} cm2 is no area", place="area_cm2", allowed="a number above 0, in cm2")
    columns = [np.asarray(x, np.float64) for x in (time_s, potential_V, current_A)]
    if columns[0].ndim != 1 or len({x.shape for x in columns}) != 1:
        raise BadInput(f"time, potential and current have the shapes {[x.shape for x in columns]}",
                       allowed="three columns of one length")  # fmt: skip
    good = np.isfinite(columns[0]) & np.isfinite(columns[1]) & np.isfinite(columns[2])
    time, potential, current = (x[good] for x in columns)
    clipped = np.zeros(len(time), dtype=bool) if overload is None else clipped_rows(np.asarray(overload)[good])
    names = None if cycle is None else np.asarray(cycle)[good]
    found = []
    for counted, (start, lowest, stop) in enumerate(falls_and_rises(potential), 1):
        rows = slice(start, stop)
        sweep = _sweep(time[rows], potential[rows], current[rows] / area_cm2, lowest - start, options)
        number = counted if names is None else int(names[lowest])
        if np.any(clipped[rows]):
            found.append(_overloaded(number, potential[rows], clipped[rows]))
            continue
        found.append(_cycle(sweep, number, options))
    if not found:
        raise AnalysisRefused("the potential never falls to a vertex and rises again: this is no cyclic voltammogram")
    return tuple(found)


def clipped_rows(overload: ArrayLike) -> NDArray[np.bool_]:
    """Mask (n,) of the rows in a row of three overloaded ones or more; one or two are a change of the current range."""
    flags = np.concatenate(([False], np.asarray(overload) != 0, [False]))
    edges = np.flatnonzero(np.diff(flags))
    found = flags[1:-1].copy()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        found[start:stop] = stop - start >= _SUSTAINED
    return found


def _overloaded(number: int, potential_V: Floats, clipped: NDArray[np.bool_]) -> VoltammogramCycle:
    low, high = (round(float(one), 2) + 0.0 for one in (potential_V[clipped].min(), potential_V[clipped].max()))
    refused = Estimate.refused(
        f"overloaded in {np.sum(clipped)} of {len(clipped)} rows of this cycle, at {low:g} to {high:g} V: the current "
        "was larger than what was read; use a larger current range"
    )
    return VoltammogramCycle(number, *[refused] * 6)


def turning_points(values: Floats, enough: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the highs and of the lows between which the values move by `enough` or more, by turns.

    The ends count as highs where the values leave them downwards or reach them upwards, never as lows.
    """
    highs: list[int] = []
    lows: list[int] = []
    high = low = 0
    highest = lowest = float(values[0])
    rising: bool | None = None
    for row, value in enumerate(values.tolist()):
        if value > highest:
            high, highest = row, value
        if value < lowest:
            low, lowest = row, value
        if rising is not True and value - lowest >= enough:
            if rising is False:
                lows.append(low)
            rising, high, highest = True, row, value
        elif rising is not False and highest - value >= enough:
            highs.append(high)
            rising, low, lowest = False, row, value
    if rising is True:
        highs.append(high)
    return np.array(highs, dtype=np.int64), np.array(lows, dtype=np.int64)


def falls_and_rises(potential_V: Floats) -> list[tuple[int, int, int]]:
    """First row, row of the lower vertex and one past the last row of every fall and rise of a fifth of the range.

    The first fall and the last rise may be shorter: the record begins or ends within them. A record that begins at
    the lower vertex, and falls later, has a first cycle without a fall.
    """
    if len(potential_V) < 2 * _FEWEST_ROWS:
        return []
    enough = 0.2 * float(np.ptp(potential_V))
    if enough <= 0:
        return []
    high, low = turning_points(potential_V, enough)
    first, last = _first_vertex(potential_V, high, enough), _last_vertex(potential_V, high, enough)
    turns = []
    for vertex in [*first, *low.tolist(), *last]:
        before, after = high[high < vertex], high[high > vertex]
        start = int(before[-1]) if len(before) else int(np.argmax(potential_V[: vertex + 1]))
        stop = int(after[0]) + 1 if len(after) else vertex + int(np.argmax(potential_V[vertex:])) + 1
        if (vertex - start >= _FEWEST_ROWS or vertex in first) and stop - vertex >= _FEWEST_ROWS:
            turns.append((start, vertex, stop))
    return turns


def _first_vertex(potential_V: Floats, high: NDArray[np.int64], enough: float) -> list[int]:
    """The lower vertex before the first high, where the record begins with a rise or with a fall that is short."""
    if not len(high):
        return []
    top = int(high[0])
    vertex = int(np.argmin(potential_V[: top + 1]))
    if potential_V[top] - potential_V[vertex] < enough:
        return []
    clear = _CLEAR * float(np.ptp(potential_V))
    is_lowest = bool(potential_V[vertex] <= np.min(potential_V) + clear)
    falls_later = bool(potential_V[top] - np.min(potential_V[top:]) >= enough)
    return [vertex] if _has_fall(potential_V[: vertex + 1], clear) or (is_lowest and falls_later) else []


def _last_vertex(potential_V: Floats, high: NDArray[np.int64], enough: float) -> list[int]:
    """The lower vertex after the last high, where the record ends early in the rise."""
    if not len(high):
        return []
    top = int(high[-1])
    vertex = top + int(np.argmin(potential_V[top:]))
    if potential_V[top] - potential_V[vertex] < enough:
        return []
    clear = _CLEAR * float(np.ptp(potential_V))
    return [vertex] if _has_fall(potential_V[vertex:][::-1], clear) else []


def _has_fall(to_vertex_V: Floats, clear: float) -> bool:
    top = int(np.argmax(to_vertex_V))
    return len(to_vertex_V) - top > _FEWEST_ROWS and float(to_vertex_V[top] - to_vertex_V[-1]) >= clear


def _sweep(time_s: Floats, potential_V: Floats, density: Floats, lowest: int, options: OnsetOptions) -> _Sweep:
    step = float(np.median(np.abs(np.diff(potential_V)))) or float(np.mean(np.abs(np.diff(potential_V))))
    width = max(5, round(options.smooth_V / max(step, 1e-9))) | 1
    noise = 1.4826 * float(np.median(np.abs(np.diff(density, 2)))) / float(np.sqrt(6))
    return _Sweep(time_s, potential_V, density, moving_mean(density, width), lowest, step, noise)


def _cycle(sweep: _Sweep, number: int, options: OnsetOptions) -> VoltammogramCycle:
    limit, lowest = options.threshold_A_cm2, sweep.lowest
    begun = _begins_plating(sweep, limit)
    plating = _plating_onset(sweep, begun, options)
    plated = begun or plating.value is not None
    ended = _end_of_stripping(sweep, limit) if plated else lowest
    if not plated:
        none = Estimate.refused(f"nothing was plated: {plating.reason}")
        charges = (none, none, none)
    else:
        charges = _charges(sweep, ended, limit)
    stable_to = _stable_to(sweep, ended, options)
    stable_from = _stable_from(sweep, plating, charges[2], options)
    return VoltammogramCycle(number, plating, *charges, stable_from, stable_to)


def _plating_onset(sweep: _Sweep, begun: bool, options: OnsetOptions) -> Estimate:
    first_V = float(sweep.potential_V[0])
    if not _falls(sweep):
        return Estimate.refused(f"the record begins at the lower vertex ({first_V:.3g} V), without a fall to it")
    if begun:
        return Estimate.refused(
            f"the record begins within plating ({round(first_V, 2) + 0.0:g} V): start the sweep higher"
        )
    fall = slice(0, sweep.lowest + 1)
    return find_onset(sweep.potential_V[fall], sweep.density[fall], "reduction", options, "last").threshold


def _falls(sweep: _Sweep) -> bool:
    return _has_fall(sweep.potential_V[: sweep.lowest + 1], _CLEAR * float(np.ptp(sweep.potential_V)))


def _begins_plating(sweep: _Sweep, limit: float) -> bool:
    """Whether metal is plated from the first row on: beyond the threshold, not far above where it is stripped."""
    rise = sweep.mean[sweep.lowest :]
    stripping = sweep.lowest + int(np.argmax(rise > limit))
    stripped_V = float(sweep.potential_V[stripping]) if np.any(rise > limit) else 0.0
    is_near = bool(sweep.potential_V[0] <= stripped_V + _BARE_V)
    return is_near and bool(np.all(sweep.mean[: sweep.lowest + 1] < -limit))


def _end_of_stripping(sweep: _Sweep, limit: float) -> int | None:
    """The first row after the stripping peak at which the mean density is below the threshold; None: it never is."""
    rise = sweep.mean[sweep.lowest :]
    positive = np.flatnonzero(rise > limit)
    if not len(positive):
        calm = np.flatnonzero(rise > -limit)
        return sweep.lowest + int(calm[0]) if len(calm) else None
    back = np.flatnonzero(rise[positive[0] :] < limit)
    return sweep.lowest + int(positive[0]) + int(back[0]) if len(back) else None


def _charges(sweep: _Sweep, ended: int | None, limit: float) -> tuple[Estimate, Estimate, Estimate]:
    """Plating and stripping charge (mC/cm2) and their ratio (%)."""
    method = "integral of the density less its baseline (trapezoid)"
    if ended is None:
        refused = Estimate.refused("stripping was not over at the end of the rise", method)
        return refused, refused, refused
    after = sweep.density[ended + (len(sweep.density) - ended) // 10 :]
    calm = after[np.abs(after) < limit]
    base = float(np.median(calm)) if len(calm) >= 10 else 0.0
    time = sweep.time_s
    rise = sweep.mean[sweep.lowest : ended + 1]
    turn = sweep.lowest + int(np.argmax(rise > base)) if np.any(rise > base) else ended
    before = np.flatnonzero(sweep.mean[: sweep.lowest] > -limit)
    begin = int(before[-1]) if len(before) else 0
    plated = _integral(time[begin : turn + 1], sweep.density[begin : turn + 1] - base)
    # The tail below the threshold belongs to the charge as well: as far again as the peak's foot is wide.
    tail = min(ended + max(5, (ended - turn) // 10), len(time))
    stripped = _integral(time[turn:tail], sweep.density[turn:tail] - base)
    results = []
    for value, low, high in ((-plated, begin, turn), (stripped, turn, tail - 1)):
        span_s = float(time[high] - time[low])
        interval_s = span_s / max(high - low, 1)
        noise = sweep.noise * float(np.sqrt(interval_s * span_s))
        around = (sweep.noise / float(np.sqrt(max(len(calm), 1))) + 0.1 * abs(base)) * span_s
        # Where between two rows the density fell (stripping ends within one) is not known.
        edge = (limit + float(np.max(np.abs(np.diff(sweep.density[low : high + 1]))))) * interval_s / float(np.sqrt(12))
        if low == 0:  # the record begins within plating: what passed before its first row is not in it
            edge += abs(float(sweep.density[0])) * interval_s
        results.append(Estimate.positive(max(1000 * value, 1e-12),
                                         {"noise": 1000 * noise, "baseline": 1000 * around, "ends": 1000 * edge},
                                         method))  # fmt: skip
    return results[0], results[1], _efficiency(results[0], results[1])


def _integral(time_s: Floats, density: Floats) -> float:
    return float(np.sum(0.5 * (density[1:] + density[:-1]) * np.diff(time_s)))


def _efficiency(plated: Estimate, stripped: Estimate) -> Estimate:
    method = "stripping charge over plating charge"
    if not plated.value or stripped.value is None:
        return Estimate.refused("no charge was plated", method)
    value = 100 * stripped.value / plated.value
    spread = value * float(np.hypot(plated.relative, stripped.relative))
    return Estimate(value, spread, (value - NORMAL_95 * spread, value + NORMAL_95 * spread), method)


def _stable_to(sweep: _Sweep, ended: int | None, options: OnsetOptions) -> Estimate:
    if ended is None:
        return Estimate.refused("stripping was not over at the end of the rise: what oxidises above is not seen")
    rise = slice(ended, len(sweep.density))
    if rise.stop - rise.start < 20:
        return Estimate.refused("the rise ends with the stripping: what oxidises above is not seen")
    onset = find_onset(sweep.potential_V[rise], sweep.density[rise], "oxidation", options).threshold
    if onset.value is not None:
        return onset
    if "no onset" not in (onset.reason or ""):
        return onset
    limit = f"{1e6 * options.threshold_A_cm2:g} µA/cm2"
    method = f"upper vertex: no oxidation beyond {limit} up to it, and the sweep went no further"
    return potential_estimate(float(sweep.potential_V[rise].max()), {"step": sweep.step_V / float(np.sqrt(12))}, method)


def _stable_from(sweep: _Sweep, plating: Estimate, efficiency: Estimate, options: OnsetOptions) -> Estimate:
    limit = f"{1e6 * options.threshold_A_cm2:g} µA/cm2"
    fall = slice(0, sweep.lowest + 1)
    if not _falls(sweep) or _begins_plating(sweep, options.threshold_A_cm2):
        return Estimate.refused(plating.reason or "")
    first = find_onset(sweep.potential_V[fall], sweep.density[fall], "reduction", options).threshold
    returned = efficiency.value is not None and efficiency.value >= REVERSIBLE_PERCENT
    if first.value is None and "no onset" not in (first.reason or ""):
        return first
    other = first.value is not None and (plating.value is None or first.value > plating.value + _PLATING_V)
    if other and not returned:
        return first
    if plating.value is not None and efficiency.value is None:
        return Estimate.refused(f"whether plating is reversible is not known: {efficiency.reason}")
    if plating.value is not None and not returned:
        text = f"plating onset: {efficiency.value:.0f} % of what is plated comes back, under {REVERSIBLE_PERCENT:g} %"
        return Estimate(plating.value, plating.uncertainty, plating.interval, text)
    back = f"; what is plated below comes back ({efficiency.value:.0f} %)" if efficiency.value is not None else ""
    down = f"from {sweep.potential_V[0]:.3g} V down to it"
    method = f"lower vertex: no other reduction beyond {limit} {down}, and the sweep went no further{back}"
    return potential_estimate(
        float(sweep.potential_V.min()), {"step": sweep.step_V / float(np.sqrt(12))}, method
    )  # fmt: skip
