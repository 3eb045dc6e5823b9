"""Short circuits in the voltage of a galvanostatic record of a symmetric cell, at a stated false-alarm rate.

Two tests share the rate. Within a piece of constant current: the mean polarisation of the 5, 16 or 64 rows after a row
against that of as many before it (median of five first, so that two odd rows count for nothing); what the
polarisation was already losing before, and what it loses at the same moment of the neighbouring piece of that sign (the
decay of a nucleation peak), is no drop; where the rows before it are unsteadier than the record, they set the standard
error. Between pieces: the mean of the last third of each against what the pieces before let expect, at the same current
or along the ohmic line. A drop is a short when it is beyond z standard
errors of white noise, z from the normal distribution at (rate / number of tests made) (Bonferroni), and larger than a
least share of the polarisation, so that slow growth, heating and an unsteady furnace are none. Change of a mean between
adjacent windows: Basseville & Nikiforov, Detection of Abrupt Changes, 1993, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.current_segments import Floats, Record, Segments, checked_record, current_stages
from procedures.analysis.estimate import Estimate
from procedures.analysis.hard_after_soft import turned_hard
from procedures.analysis.stage_levels import drop_between_stages
from procedures.analysis.window_drop import SKIPPED_ROWS, WINDOWS, Drop, first_drop

LEAST_DROP = 0.06  # of the polarisation before it
_HARD = 0.35  # of the polarisation left: below it a hard short
_PIECE = 8192  # rows that stay in the processor's cache


@dataclass(frozen=True)
class ShortCircuit:
    """What was found. Without a short, `time_s` is refused with the reason and `kind` is None.

    `time_s` is on the record's clock, its interval holds the onset. `stage` counts the pieces of constant current.
    `left` is the share of the polarisation that is left afterwards; `unsteady` says that it comes and goes.
    `hard_s`: when a short that was soft first turned hard, None where it did not.
    """

    time_s: Estimate
    kind: Literal["soft", "hard"] | None = None
    row: int | None = None
    stage: int | None = None
    left: float | None = None
    unsteady: bool = False
    hard_s: Estimate | None = None

    @property
    def found(self) -> bool:
        return self.kind is not None

    @property
    def worst(self) -> Literal["soft", "hard"] | None:
        """What it came to by the end of the record."""
        return self.kind if self.hard_s is None else "hard"


@dataclass(frozen=True)
class Polarisation:
    """The rows of a record as polarisation: voltage times the sign of the current, V, and its white noise."""

    record: Record
    stages: Segments
    volt: Floats
    noise_V: float


def polarisation_of(
    time_s: ArrayLike, current_A: ArrayLike, voltage_V: ArrayLike, step: ArrayLike | None = None
) -> Polarisation:
    """Pieces of constant current of a galvanostatic record, rows (n,). `step`: step numbers where there are any.

    Raises AnalysisRefused when no current flows, BadInput for columns that do not fit together.
    """
    record = checked_record(time_s, current_A, voltage_V)
    if step is not None:
        good = np.isfinite(time_s) & np.isfinite(current_A) & np.isfinite(voltage_V)
        step = np.asarray(step)[good]
    stages = current_stages(record.current_A, step)
    if not len(stages):
        raise AnalysisRefused("no constant current flows in this record for three rows or more")
    volt = np.where(record.current_A < 0, -record.voltage_V, record.voltage_V)
    # A shorted cell may be the quieter one: what came first counts as well.
    noise = max(white_noise(volt), white_noise(volt[: max(len(volt) // 4, 4)]))
    return Polarisation(record, stages, _median_of_five(volt), noise)


def _median_of_five(values: Floats) -> Floats:
    """Of each row (n,) and its two neighbours on either side, the ends repeated: by ten comparisons of whole pieces."""
    padded, found = np.pad(values, 2, mode="edge"), np.empty_like(values)
    for start in range(0, len(values), _PIECE):
        count = min(_PIECE, len(values) - start)
        a, b, c, d, e = (padded[start + place : start + place + count] for place in range(5))
        low = np.maximum(np.minimum(a, b), np.minimum(c, d))
        high = np.minimum(np.maximum(a, b), np.maximum(c, d))  # the median is that of these two and what is left
        found[start : start + count] = np.maximum(np.minimum(low, high), np.minimum(np.maximum(low, high), e))
    return found


def white_noise(values: Floats) -> float:
    """Standard deviation from the differences of neighbours (MAD): steps and drifts hardly count."""
    change = np.abs(np.diff(values))
    sigma = 1.4826 * float(np.median(change)) / np.sqrt(2)
    if sigma > 0:
        return float(sigma)
    high = float(np.quantile(change, 0.99))  # a coarse converter: most neighbours are equal
    return float(np.sqrt(np.mean(np.minimum(change, high) ** 2) / 2))


def find_short_circuit(
    polarisation: Polarisation, false_alarm: float = 1e-3, least_drop: float = LEAST_DROP
) -> ShortCircuit:
    """The first short of the record, in O(rows): 4 million rows take about a second.

    `false_alarm` is the chance that a healthy record of white noise is called shorted, for the whole record.
    Raises BadInput for a rate or a share that is not between 0 and 1.
    """
    for name, value in (("false_alarm", false_alarm), ("least_drop", least_drop)):
        if not 0 < value < 1:
            raise BadInput(f"{value!r} is no share", place=name, allowed="a number between 0 and 1")
    rows = len(polarisation.record)
    z_rows = -NormalDist().inv_cdf(0.5 * false_alarm / (rows * len(WINDOWS)))
    z_stages = -NormalDist().inv_cdf(0.5 * false_alarm / len(polarisation.stages))
    method = (
        f"drop of the polarisation by over {100 * least_drop:g} % and {z_rows:.1f} standard errors between windows "
        f"of {', '.join(map(str, WINDOWS))} rows, or between stages: {false_alarm:g} false alarms per record"
    )
    within = first_drop(polarisation, z_rows, least_drop)
    between = drop_between_stages(polarisation, z_stages, least_drop)
    # Where both see it in one stage, the windows know better when.
    if between is not None and (within is None or polarisation.stages.stop[between] <= within.row):
        return _told(polarisation, _between(polarisation, between), method)
    if within is not None:
        return _told(polarisation, _or_from_the_start(polarisation, within, z_rows, least_drop), method)
    return ShortCircuit(Estimate.refused("no short circuit in this record", method))


def _or_from_the_start(polarisation: Polarisation, drop: Drop, z: float, least: float) -> Drop:
    """A short that comes and goes may have begun with the stage: then its first rows already lie below the same rows
    of the last stage of that sign, and the onset is between the stage before and the drop."""
    volt, stages = polarisation.volt, polarisation.stages
    stage = int(np.searchsorted(stages.start, drop.row, side="right")) - 1
    like = np.flatnonzero(stages.direction[:stage] == stages.direction[stage])
    start = int(stages.start[stage])
    if not len(like):
        return drop
    other = int(stages.start[like[-1]])
    count = min(16, drop.row - start - SKIPPED_ROWS, int(stages.stop[like[-1]]) - other - SKIPPED_ROWS)
    if count < 3:
        return drop
    here, there = (slice(at + SKIPPED_ROWS, at + SKIPPED_ROWS + count) for at in (start, other))
    magnitude = np.abs(polarisation.record.current_A)
    expected = float(np.mean(volt[there]) * np.mean(magnitude[here]) / np.mean(magnitude[there]))
    lacking = expected - float(np.mean(volt[here]))
    if lacking < 2 * least * expected + 2 * z * polarisation.noise_V / np.sqrt(count):
        return drop
    return Drop(start, int(stages.stop[stage - 1]) - 1, drop.latest, expected)


def _between(polarisation: Polarisation, stage: int) -> Drop:
    """The onset lies between the last third of the stage before and that of this one."""
    start, stop = int(polarisation.stages.start[stage]), int(polarisation.stages.stop[stage])
    earliest = int(polarisation.stages.stop[stage - 1]) - 1 if stage else start
    before = float(np.mean(polarisation.volt[start + 2 * (stop - start) // 3 : stop]))
    return Drop(start, earliest, start + 2 * (stop - start) // 3, before)


def _told(polarisation: Polarisation, drop: Drop, method: str) -> ShortCircuit:
    time, volt, stages = polarisation.record.time_s, polarisation.volt, polarisation.stages
    stage = max(int(np.searchsorted(stages.start, drop.row, side="right")) - 1, 0)
    stop = int(stages.stop[stage])
    magnitude = np.abs(polarisation.record.current_A)
    rest = volt[drop.row : stop]
    if drop.row == stages.start[stage] and stage:  # between stages: against the resistance of the stage before
        earlier = slice(int(stages.start[stage - 1]), int(stages.stop[stage - 1]))
        before = float(np.median(volt[earlier] / magnitude[earlier]) * np.median(magnitude[drop.row : stop]))
    else:
        before = drop.before_V
    left = float(np.median(rest)) / before if before > 0 else 0.0
    middle = 0.5 * (float(np.quantile(rest, 0.05)) + before)
    crossings = int(np.count_nonzero(np.diff(rest > middle))) if before - middle > 4 * polarisation.noise_V else 0
    low, high = float(time[drop.earliest]), float(time[min(drop.latest, len(time) - 1)])
    value = float(np.clip(time[drop.row], low, high))
    estimate = Estimate(value, max((high - low) / np.sqrt(12), 1e-9), (low, high), method)
    unsteady = crossings > 2
    if left < _HARD:
        return ShortCircuit(estimate, "hard", drop.row, stage, left, unsteady)
    later = turned_hard(polarisation, drop.row, stage, drop.before_V, _HARD)
    hard_s = None if later is None else _turned_at(time, later, method)
    return ShortCircuit(estimate, "soft", drop.row, stage, left, unsteady, hard_s)


def _turned_at(time_s: Floats, row: int, method: str) -> Estimate:
    low, high = float(time_s[max(row - 3, 0)]), float(time_s[min(row + 3, len(time_s) - 1)])  # median of five before
    how = f"less than {100 * _HARD:g} % of the sound cell's polarisation from here on; {method}"
    return Estimate(float(time_s[row]), max((high - low) / np.sqrt(12), 1e-9), (low, high), how)
