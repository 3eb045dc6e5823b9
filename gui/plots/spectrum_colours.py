"""Colours of spectra: cold dark, hot bright, over the range that is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PyQt5.QtGui import QColor

from gui.model.spectra import SpectrumCurve
from gui.theme import Theme


def range_of(curves: Sequence[SpectrumCurve]) -> tuple[float, float]:
    """Lowest and highest set-point."""
    known = [one.setpoint_C for one in curves if math.isfinite(one.setpoint_C)]
    return (min(known), max(known)) if known else (0.0, 1.0)


def colour_of(theme: Theme, curve: SpectrumCurve, low_C: float, high_C: float) -> QColor:
    if not math.isfinite(curve.setpoint_C) or high_C <= low_C:
        return theme.temperature_colour(0.35)
    return theme.temperature_colour((curve.setpoint_C - low_C) / (high_C - low_C))
