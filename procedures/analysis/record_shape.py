"""What a direct-current record is, told by its rows: a potential that is swept, or currents that are set."""

from __future__ import annotations

from typing import Literal

import numpy as np

from procedures.analysis.current_segments import Floats
from procedures.analysis.voltammogram import falls_and_rises

ROWS = 20  # a scan rate is looked at over so many: noise as high as a stair is then a fourteenth
RATES_ALIKE, CURRENTS_ALIKE = 0.15, 0.05
MOST = 0.8  # of the rows must be at one rate or current
FEWEST = 40


def record_shape(
    time_s: Floats, voltage_V: Floats, current_A: Floats
) -> Literal["cyclic-voltammetry", "linear-sweep", "cycling"]:
    """Rows (n,). Swept: four fifths of the rows at one scan rate, up or down, under a current that is not constant
    (a capacitor at constant current is swept at one rate too). A sweep that falls and rises again is cyclic."""
    if len(time_s) < FEWEST or not _is_swept(time_s, voltage_V) or _is_constant(current_A):
        return "cycling"
    return "cyclic-voltammetry" if falls_and_rises(voltage_V) else "linear-sweep"


def _is_swept(time_s: Floats, voltage_V: Floats) -> bool:
    rows = min(ROWS, max(len(time_s) // 40, 1))
    step_s = time_s[rows:] - time_s[:-rows]
    moved = np.abs(voltage_V[rows:] - voltage_V[:-rows])
    rate = moved[step_s > 0] / step_s[step_s > 0]
    if not len(rate):
        return False
    usual = float(np.median(rate))
    return usual > 0 and float(np.mean(np.abs(rate - usual) <= RATES_ALIKE * usual)) >= MOST


def _is_constant(current_A: Floats) -> bool:
    magnitude = np.abs(current_A)
    usual = float(np.median(magnitude))
    return usual > 0 and float(np.mean(np.abs(magnitude - usual) <= CURRENTS_ALIKE * usual)) >= MOST
