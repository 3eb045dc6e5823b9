"""What the circuit and the Kramers-Kronig test leave, relative to |Z|."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from daq.errors import AnalysisRefused
from procedures.analysis.window import usable_points
from procedures.report.style import (
    BAR_IN,
    FONT,
    INK,
    MUTED,
    Margins,
    Temperatures,
    draw_lines,
    dress,
    log_axis,
    new_figure,
    say,
)
from procedures.report.sweep_facts import Shown

Residual = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw_residuals(spectra: Sequence[Shown], colors: Temperatures) -> Figure:
    """Real and imaginary residuals in percent of |Z| over frequency_Hz: of the fit above, of lin-KK below."""
    margins = Margins(left=0.95, right=0.2 if colors.single else BAR_IN + 0.1, top=0.28, between_columns=0.3)
    figure, axes = new_figure(4.3, margins, 2, 2, sharex=True, sharey="row")
    lowest, highest = np.inf, 0.0
    for row, (name, curve_of) in enumerate((("circuit", fit_curve), ("Kramers–Kronig", kk_curve))):
        for column, part in enumerate(("real", "imaginary")):
            place = axes[row, column]
            dress(place, "frequency / Hz" if row else "", f"{name}\nresidual / % of |Z|" if column == 0 else "")
            place.axhline(0.0, color=MUTED, lw=0.8)
            if row == 0:
                place.set_title(f"{part} part", fontsize=FONT, color=INK, loc="left")
        curves = [(one, curve) for one in spectra if (curve := curve_of(one)) is not None]
        for column in (0, 1):
            lines = [(c[0], 100 * c[1 + column], colors.color(one.temperature_C)) for one, c in curves]
            draw_lines(axes[row, column], lines, 0.8)
        for _, curve in curves:
            lowest, highest = min(lowest, float(curve[0].min())), max(highest, float(curve[0].max()))
        if not curves:
            say(axes[row, 0], "no spectrum that could be fitted")
    if 0 < lowest < highest:
        for place in axes.ravel():
            place.set_xscale("log")
            log_axis(place.xaxis, lowest, highest)
        axes[0, 0].set_xlim(lowest / 1.4, highest * 1.4)
    colors.bar(figure)
    return figure


def fit_curve(one: Shown) -> Residual | None:
    fit = one.point.fit
    return None if fit is None else (fit.frequency_Hz, fit.residuals.real, fit.residuals.imag)


def kk_curve(one: Shown) -> Residual | None:
    """The test takes all usable points, the circuit perhaps fewer."""
    if one.point.fit is None or not len(one.point.fit.kramers_kronig.residual_real):
        return None
    kk = one.point.fit.kramers_kronig
    try:
        frequency_Hz, _, _ = usable_points(one.point.spectrum.data)
    except AnalysisRefused:
        return None
    return frequency_Hz, kk.residual_real, kk.residual_imag
