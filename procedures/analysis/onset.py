"""Onset of oxidation or reduction in a sweep, by a threshold of the current density and by the tangent's foot.

Threshold: the potential at which the density passes a stated value and stays beyond it (5 µA/cm2 unless told), from a
least-squares line or exponential through the rows around it, whichever fits better. Tangent: where the tangent at the
steepest point of the rise meets the straight baseline before it. The two differ by construction, and no onset means
anything without its criterion: see Dewald et al., Chem. Mater. 31, 8328 (2019), for solid electrolytes. Ohmic drop is
taken off (E - R j) only when a resistance is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.current_segments import Floats
from procedures.analysis.estimate import Estimate, short_number
from procedures.analysis.tangent import Branch, potential_estimate, tangent_foot

Direction = Literal["oxidation", "reduction"]

THRESHOLD_A_cm2 = 5e-6
_BAND = 3.0  # rows between threshold / 3 and 3 thresholds make the crossing
_REACH_V = 0.06  # at most this far from it
_FEWEST = 6


@dataclass(frozen=True)
class OnsetOptions:
    """`smooth_V` is the window of means and slopes, `sustain_V` how long the density has to stay beyond the threshold.

    Raises BadInput for anything that is not positive, or a negative resistance.
    """

    threshold_A_cm2: float = THRESHOLD_A_cm2
    smooth_V: float = 0.010
    sustain_V: float = 0.050
    resistance_ohm_cm2: float = 0.0

    def __post_init__(self) -> None:
        for name in ("threshold_A_cm2", "smooth_V", "sustain_V"):
            value = getattr(self, name)
            if not (value > 0 and np.isfinite(value)):
                raise BadInput(f"{value!r} can't be used for an onset", place=name, allowed="a number above 0")
        if not (self.resistance_ohm_cm2 >= 0 and np.isfinite(self.resistance_ohm_cm2)):
            value = self.resistance_ohm_cm2
            raise BadInput(f"{value!r} is no resistance", place="resistance_ohm_cm2", allowed="a number from 0 upwards")


DEFAULT = OnsetOptions()


@dataclass(frozen=True)
class Onset:
    """Both onsets in V, each perhaps refused. `noise_A_cm2` is of one row, `row` the row of the crossing."""

    direction: Direction
    threshold: Estimate
    tangent: Estimate
    noise_A_cm2: float
    row: int | None


def find_onset(
    potential_V: ArrayLike,
    density_A_cm2: ArrayLike,
    direction: Direction = "oxidation",
    options: OnsetOptions = DEFAULT,
    which: Literal["first", "last"] = "first",
) -> Onset:
    """Onset in one branch of a sweep, rows (n,) as taken: potential rising for oxidation, falling for reduction.

    `which`: the first lasting passage of the threshold, or the last one before the largest density (plating after an
    alloy's peak). Without an onset both estimates are refused with the reason. Raises BadInput for columns that do
    not fit or a sweep in the other direction, AnalysisRefused for fewer than 20 rows.
    """
    branch = _branch(potential_V, density_A_cm2, direction, options)
    sign = 1.0 if direction == "oxidation" else -1.0
    limit = options.threshold_A_cm2
    known = options.resistance_ohm_cm2
    drop = f", ohmic drop over {known:g} Ω cm² taken off" if known else ", ohmic drop not taken off"
    stays = f"stays beyond for {options.sustain_V:g} V" if which == "first" else "stays beyond up to the largest"
    cut, valley = _valley(branch, limit) if which == "last" else (0, 0.0)
    above = f" above the valley of {1e6 * sign * valley:.3g} µA/cm2 after an earlier peak" if cut else ""
    method = f"{direction} density passes {1e6 * limit:g} µA/cm2{above} and {stays}{drop}"
    if cut:
        branch = replace(branch, x=branch.x[cut:], y=branch.y[cut:] - valley, mean=branch.mean[cut:] - valley)
    row = _passage(branch, limit, which)
    reason = _refusal(branch, row, limit, sign)
    if reason is not None or row is None:
        refused = Estimate.refused(reason or "", method)
        return Onset(
            direction, refused, Estimate.refused(reason or "", "foot of the steepest tangent"), branch.noise, None
        )
    crossing = _at_threshold(branch, row, limit, sign, method)
    return Onset(direction, crossing, tangent_foot(branch, row, sign, drop), branch.noise, cut + row)


def _branch(potential_V: ArrayLike, density_A_cm2: ArrayLike, direction: Direction, options: OnsetOptions) -> Branch:
    potential, density = np.asarray(potential_V, np.float64), np.asarray(density_A_cm2, np.float64)
    if potential.ndim != 1 or potential.shape != density.shape:
        raise BadInput(f"potential and density have the shapes {potential.shape} and {density.shape}",
                       allowed="two columns of one length")  # fmt: skip
    good = np.isfinite(potential) & np.isfinite(density)
    potential, density = potential[good], density[good]
    if len(potential) < 20:
        raise AnalysisRefused(f"{len(potential)} rows: an onset needs a sweep of 20")
    sign = 1.0 if direction == "oxidation" else -1.0
    span = sign * (potential[-1] - potential[0])
    if span <= 0:
        moves = "falls" if direction == "oxidation" else "rises"
        raise BadInput(f"the potential {moves} in this sweep: no {direction} to look for", place="potential_V",
                       allowed="the branch that goes towards the onset")  # fmt: skip
    reached = np.maximum.accumulate(sign * potential)
    if np.max(reached - sign * potential) > 0.1 * span:
        raise BadInput("the potential turns back in this sweep", place="potential_V",
                       allowed="one branch of a voltammogram at a time")  # fmt: skip
    step = float(span) / (len(potential) - 1)
    width = max(5, round(options.smooth_V / step)) | 1
    y = sign * density
    second = np.diff(y, 2)
    noise = 1.4826 * float(np.median(np.abs(second))) / float(np.sqrt(6))
    x = sign * (potential - options.resistance_ohm_cm2 * density)
    return Branch(x, y, moving_mean(y, width), noise, step, width, max(width, round(options.sustain_V / step)))


def moving_mean(values: Floats, width: int) -> Floats:
    """Mean over `width` rows around each, over fewer at the ends."""
    half = width // 2
    sums = np.concatenate(([0.0], np.cumsum(values)))
    rows = np.arange(len(values))
    low, high = np.maximum(rows - half, 0), np.minimum(rows + half + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def _valley(branch: Branch, limit: float) -> tuple[int, float]:
    """Row and density of the valley between an earlier peak and the largest density, where the density does not come
    back below the threshold in between (an alloy's peak runs into plating); (0, 0) without one."""
    largest = int(np.argmax(branch.mean))
    if largest < 2:
        return 0, 0.0
    mean = branch.mean[: largest + 1]
    fallen = np.maximum.accumulate(mean) - mean
    row = int(np.argmax(fallen))
    enough = max(0.3 * limit, 8 * branch.noise / float(np.sqrt(branch.width)))
    return (row, float(mean[row])) if fallen[row] > enough and mean[row] > limit else (0, 0.0)


def _passage(branch: Branch, limit: float, which: Literal["first", "last"]) -> int | None:
    """The row from which the mean stays beyond the limit; None without one."""
    beyond = branch.mean > limit
    if which == "last":
        largest = int(np.argmax(branch.mean))
        if not beyond[largest]:
            return None
        below = np.flatnonzero(~beyond[:largest])
        return int(below[-1]) + 1 if len(below) else 0
    count = np.concatenate(([0], np.cumsum(beyond)))
    rows = np.arange(len(beyond))
    high = np.minimum(rows + branch.sustain, len(beyond))
    lasting = beyond & (count[high] - count[rows] >= 0.95 * (high - rows)) & (high - rows >= branch.width // 2 + 1)
    return int(np.argmax(lasting)) if lasting.any() else None


def _refusal(branch: Branch, row: int | None, limit: float, sign: float) -> str | None:
    noise = branch.noise / float(np.sqrt(branch.width))
    if 4 * noise > limit:
        return f"the noise ({short_number(branch.noise)}A/cm2 a row) hides a threshold of {short_number(limit)}A/cm2"
    if row is None:
        low, high = sorted((sign * branch.x[0], sign * branch.x[-1]))
        largest = short_number(float(branch.mean.max()))
        return f"no onset between {low:.3g} and {high:.3g} V: the largest density is {largest}A/cm2"
    if row == 0:
        return f"the density is beyond the threshold from the start of the sweep ({sign * branch.x[0]:.3g} V)"
    return None


def _at_threshold(branch: Branch, row: int, limit: float, sign: float, method: str) -> Estimate:
    x, y = branch.x, branch.y
    low, high = max(row - 2 * branch.width, 0), min(row + 2 * branch.width + 1, len(x))
    passing = low + np.flatnonzero((y[low : high - 1] < limit) & (y[low + 1 : high] >= limit))
    at = int(passing[np.argmin(np.abs(passing - row))]) if len(passing) else row - 1
    near = np.arange(max(at - round(_REACH_V / branch.step_V), 0), min(at + round(_REACH_V / branch.step_V), len(x)))
    inside = near[(branch.mean[near] > limit / _BAND) & (branch.mean[near] < limit * _BAND)]
    inside = inside[np.abs(y[inside]) < limit * _BAND + 3 * branch.noise]
    fitted = _local_fit(x[inside] - x[at], y[inside] / limit, branch.noise / limit) if len(inside) >= _FEWEST else None
    if fitted is None or abs(fitted[0]) > 3 * branch.width * branch.step_V:
        rise = max(float(y[at + 1] - y[at]), 1e-30)
        offset = float(np.clip((limit - y[at]) / rise, 0, 1)) * float(x[at + 1] - x[at])
        error = branch.noise / rise * branch.step_V
    else:
        offset, error = fitted
    return potential_estimate(
        sign * (float(x[at]) + offset), {"noise": error, "step": branch.step_V / float(np.sqrt(12))}, method
    )


def _local_fit(x: Floats, y: Floats, noise: float) -> tuple[float, float] | None:
    """Where y (in thresholds) is 1, with its standard error: by a straight line and by exp(b (x - x1)), the better."""
    best: tuple[float, float, float] | None = None
    design = np.column_stack((np.ones_like(x), x))
    line = np.linalg.lstsq(design, y, rcond=None)[0]
    if line[1] > 0:
        best = _judged(design, y - design @ line, line[1], (1 - line[0]) / line[1], noise)
    rate, at = 2.0 / max(float(np.ptp(x)), 1e-9), 0.0
    usable = y > 0.1
    if usable.sum() >= _FEWEST:
        slope, start = np.polyfit(x[usable], np.log(y[usable]), 1)
        if slope > 0:
            rate, at = float(slope), float(-start / slope)
    for _ in range(8):
        model = np.exp(np.clip(rate * (x - at), -20, 20))
        jacobian = np.column_stack((-rate * model, (x - at) * model))
        change = np.linalg.lstsq(jacobian, y - model, rcond=None)[0]
        at, rate = at + float(change[0]), rate + float(change[1])
        if rate <= 0 or not np.isfinite(at):
            return best[1:] if best else None
    model = np.exp(np.clip(rate * (x - at), -20, 20))
    residual = y - model
    power = float(residual @ residual)
    if best is None or power < best[0]:
        inverse = np.linalg.pinv(np.column_stack((-rate * model, (x - at) * model)))
        variance = max(power / max(len(x) - 2, 1), noise**2)
        return at, float(np.sqrt(variance * (inverse @ inverse.T)[0, 0]))
    return best[1:]


def _judged(design: Floats, residual: Floats, slope: float, at: float, noise: float) -> tuple[float, float, float]:
    """Sum of squares, crossing and its standard error for a straight line."""
    power = float(residual @ residual)
    variance = max(power / max(len(residual) - 2, 1), noise**2)
    here = np.array([1.0, at])
    return power, float(at), float(np.sqrt(variance * here @ np.linalg.inv(design.T @ design) @ here) / slope)
