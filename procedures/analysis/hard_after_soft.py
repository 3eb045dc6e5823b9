"""A short that was soft first and turned hard later: in the rest of its own stage, or in a later one of a ladder."""

from __future__ import annotations

import numpy as np

from procedures.analysis.stage_levels import PolarisationRows, stage_polarisations_V

_STAGES_BEFORE = 5  # whose resistance says what the sound cell would show


def turned_hard(rows: PolarisationRows, row: int, stage: int, before_V: float, share: float) -> int | None:
    """The row from which less than `share` of the sound cell's polarisation is left until the stage ends, or None.

    `row` in `stage` is where the soft short began. The sound cell is the median resistance of the last 5 stages before
    it; in the first stage the polarisation before the drop, `before_V`. A stage counts when the mean of its last
    third is that low, and what lacks is beyond 4 standard deviations of a row. O(rows) from the short on.
    """
    level, _, current = stage_polarisations_V(rows)
    sound = slice(max(stage - _STAGES_BEFORE, 0), stage)
    ohm = float(np.median(level[sound] / current[sound])) if stage else before_V / float(current[0])
    expected = ohm * current[stage:]
    is_hard = (level[stage:] < share * expected) & (expected - level[stage:] > 4 * rows.noise_V)
    if not np.any(is_hard):
        return None
    first = stage + int(np.argmax(is_hard))
    start, stop = max(int(rows.stages.start[first]), row), int(rows.stages.stop[first])
    is_above = np.flatnonzero(rows.volt[start : stop - 1] >= share * ohm * current[first])
    return start + (int(is_above[-1]) + 1 if len(is_above) else 0)
