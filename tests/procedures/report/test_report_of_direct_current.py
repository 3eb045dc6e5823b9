"""Reports of direct current: what the figures draw, what stands on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from broken_ladder import BREAK_S, write_broken_ladder
from matplotlib.figure import Figure
from report_page import read_page

from procedures.report import figures_of, write_report


def figure_named(run: Path, name: str) -> Figure:
    (found,) = [one.figure for one in figures_of(run) if one.name == name]
    return found


def test_no_line_is_drawn_over_a_time_in_which_nothing_was_recorded(tmp_path: Path) -> None:
    run = write_broken_ladder(tmp_path)
    for axes in figure_named(run, "over_time").axes:
        x, y = (np.asarray(one, float) for one in axes.lines[0].get_data())
        drawn = np.isfinite(x[1:]) & np.isfinite(x[:-1]) & np.isfinite(y[1:]) & np.isfinite(y[:-1])
        seconds = BREAK_S / np.nanmax(np.diff(x[np.isfinite(x)]))  # of the axis' unit
        assert 0 < np.max(np.diff(x)[drawn]) * seconds < 60
        assert np.count_nonzero(np.isnan(y)) == 1
    assert "Gap: nothing was recorded." in read_page(write_report(run)).text
