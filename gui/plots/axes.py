"""Axes with ticks where people expect them: decades, hours, degrees Celsius over 1000/T; and a second y axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PyQt5.QtGui import QColor

from gui.graph import Item, pg
from gui.words import hours, hours_exact, power_of_ten

_DAYS_S = tuple(days * 86400 for days in (1, 2, 5, 10, 20, 50))
_TIME_STEPS_S = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, *_DAYS_S)
_DEGREE_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_COUNT_STEPS = tuple(digit * 10**power for power in range(6) for digit in (1, 2, 5))
ZERO_CELSIUS_K = 273.15
LOG_LIMITS = {"xMin": -6, "xMax": 9}  # without them the wheel runs to 1e±300 and hangs


class PlainAxis(pg.AxisItem):
    """pyqtgraph's, without its own SI prefixes: it gives x and y of one plot different ones, or "(x0.001)"."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickTextOffset=5, autoExpandTextSpace=True)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [text.replace("-", "−") for text in super().tickStrings(values, scale, spacing)]


class TimeAxis(PlainAxis):
    """Seconds since the start, as h:mm."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        return _ticks(minVal, maxVal, size / 85, _TIME_STEPS_S)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [hours_exact(value) if spacing < 60 else hours(value) for value in values]


class CountAxis(PlainAxis):
    """Of what comes in whole numbers: no ticks between them."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        return _ticks(minVal, maxVal, size / 60, _COUNT_STEPS)


class CelsiusAxis(PlainAxis):
    """Over an axis of 1000 K / T: ticks at round degrees Celsius."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        coldest, hottest = (1000 / max(end, 0.5) - ZERO_CELSIUS_K for end in (maxVal, minVal))
        ((step, degrees),) = _ticks(coldest, hottest, size / 75, _DEGREE_STEPS)
        return [(step, [1000 / (one + ZERO_CELSIUS_K) for one in degrees if one > -ZERO_CELSIUS_K + 1])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [f"{1000 / value - ZERO_CELSIUS_K:.0f}" for value in values]


class LogAxis(PlainAxis):
    """Decades in full, 2 and 5 between them only where few decades are in view."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        low, high = self.range
        return [_log_tick(value, high - low) for value in values]


def _log_tick(value: float, decades: float) -> str:
    exponent = math.floor(value + 1e-9)
    digit = 10 ** (value - exponent)
    if digit < 1.01:
        return power_of_ten(exponent)
    if decades < 2.2 and min(abs(digit - 2), abs(digit - 5)) < 0.01:
        return f"{digit * 10.0**exponent:g}" if -3 < exponent < 5 else f"{digit:.0f}·{power_of_ten(exponent)}"
    return ""


def _ticks(low: float, high: float, most: float, steps: Sequence[float]) -> list[tuple[float, list[float]]]:
    span = high - low
    step = next((one for one in steps if span / one <= max(most, 2)), None)
    if step is None:
        step = 10.0 ** math.ceil(math.log10(span / max(most, 2)))
    first = math.ceil(low / step) * step
    return [(step, list(np.arange(first, high + 1e-9 * step, step)))]


class SecondAxis:
    """A right-hand y axis of its own over the same x. `add` puts a curve there and into the legend."""

    def __init__(self, plot: Item, label: str) -> None:
        self._plot = plot
        self.view = pg.ViewBox()
        self.axis = PlainAxis("right")
        plot.setAxisItems({"right": self.axis})
        plot.showAxis("right")
        plot.setLabel("right", label)
        plot.scene().addItem(self.view)
        self.axis.linkToView(self.view)
        self.view.setXLink(plot)
        plot.getViewBox().sigResized.connect(self._follow)

    def ink(self, colour: QColor) -> None:
        """Of its numbers. An axis is drawn anew at each setting, so only another one is set."""
        if self.axis.textPen().color() != colour:
            self.axis.setTextPen(colour)

    def _follow(self, *_: object) -> None:
        main = self._plot.getViewBox()
        self.view.setGeometry(main.sceneBoundingRect())
        self.view.linkedViewChanged(main, self.view.XAxis)

    def add(self, curve: Item) -> None:
        self.view.addItem(curve)
        if self._plot.legend is not None and curve.name():
            self._plot.legend.addItem(curve, curve.name())
