"""The report of a run that cycled several cells together: a line for each, a curve for each while they are few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator, NullLocator

from daq.contracts import Result
from procedures.cell_lines import CellLine, columns_of
from procedures.off_times import begun_anew_s
from procedures.report.parts import Cell, Plot, Table, Tone
from procedures.report.style import BLUE, CELLS, Margins, dress, legend, new_figure
from procedures.report.temperature import in_pieces, time_unit
from procedures.result_words import UNITS, number

Rows = Mapping[str, np.ndarray]
MOST_CURVES = len(CELLS)
TONES: Mapping[str, Tone] = {"finished": "good", "failed": "bad", "protected": "warn", "stopped": "warn"}


def cells_table(lines: Sequence[CellLine]) -> Table:
    names = columns_of(lines)
    units = {name: next(one.numbers[name].unit for one in lines if name in one.numbers) for name in names}
    columns = ("cell", "channel", "ended", "cycle")
    columns += tuple(f"{name.replace('_', ' ')} / {UNITS.get(units[name], units[name])}" for name in names)
    rows = [
        (
            Cell(one.sample.label),
            Cell(str(one.sample.channel)),
            Cell(one.state, under="" if one.state == "finished" else one.text, tone=TONES.get(one.state, "quiet")),
            Cell(str(one.cycle or "–")),
            *(_number(one.numbers.get(name)) for name in names),
        )
        for one in lines
    ]
    lead = "Of what every cycle has, the last. cellrig show RUN --json has the numbers of every cycle."
    return Table("Cells", columns, rows, frozenset({0, 2}), lead=lead)


def _number(result: Result | None) -> Cell:
    return Cell("–" if result is None else number(result.value, result.uncertainty))


def voltages_plot(lines: Sequence[CellLine], rows: Sequence[Rows]) -> Plot | None:
    """Potential against time, one curve for each cell; `rows` in the order of `lines`."""
    shown = [(line, one) for line, one in zip(lines, rows, strict=True) if len(one["time_s"])]
    if not shown or len(lines) > MOST_CURVES:
        return None
    figure, grid = new_figure(3.6, Margins(top=0.5))
    unit, seconds = time_unit(max(float(one["time_s"][-1]) for _, one in shown))
    dress(grid[0, 0], f"time / {unit}", "potential / V")
    for line, one in shown:
        look = {"color": CELLS[lines.index(line)], "lw": 0.9, "label": line.sample.label, "rasterized": True}
        x, y = in_pieces(one["time_s"], one["voltage_V"], begun_anew_s(one, one["time_s"]))
        grid[0, 0].plot(x / seconds, y, **look)
    legend(grid[0, 0], columns=4, above_in=0.1)
    caption = "Each on the clock of its own schedule."
    return Plot("over_time", "Potential", figure, caption, f"Potential against time of {len(shown)} cells")


def per_cycle_plot(
    lines: Sequence[CellLine], results: Sequence[Result], name: str, title: str, rates: Sequence[str] = ()
) -> Plot | None:
    """A number of every cycle: a curve for each of few cells, the middle half and the extremes of many.

    With `rates`, those of a rate capability in their order, it is one of every rate.
    """
    curves = [_by(("order" if rates else "cycle"), line, results, name) for line in lines]
    unit = next((one.unit for one in results if one.name == name), "")
    if not any(curves):
        return None
    figure, grid = new_figure(3.4, Margins(top=0.5))
    axes = grid[0, 0]
    dress(axes, "rate" if rates else "cycle", f"{name.replace('_', ' ')} / {UNITS.get(unit, unit)}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if rates:
        axes.set_xticks(range(1, len(rates) + 1), rates)
        axes.xaxis.set_minor_locator(NullLocator())
    if len(lines) <= MOST_CURVES:
        for index, (line, curve) in enumerate(zip(lines, curves, strict=True)):
            axes.plot(*_xy(curve), "o-", color=CELLS[index], ms=3, lw=0.8, label=line.sample.label, rasterized=True)
        told = "One curve for each cell."
    else:
        cycles = sorted({cycle for curve in curves for cycle in curve})
        at = [[curve[cycle] for curve in curves if cycle in curve] for cycle in cycles]
        axes.fill_between(cycles, [min(one) for one in at], [max(one) for one in at], color=BLUE, alpha=0.15, lw=0,
                          label="all cells")  # fmt: skip
        low, high = ([float(np.percentile(one, share)) for one in at] for share in (25, 75))
        axes.fill_between(cycles, low, high, color=BLUE, alpha=0.35, lw=0, label="middle half")
        axes.plot(cycles, [float(np.median(one)) for one in at], color=BLUE, lw=1.2, label="median")
        told = f"Of {len(lines)} cells."
    legend(axes, columns=4, above_in=0.1)
    return Plot(name, title, figure, told, f"{title} of {len(lines)} cells")


def summary_plot(lines: Sequence[CellLine], name: str, title: str) -> Plot | None:
    """One number of each of many cells, over the channel."""
    found = [(one.sample.channel, one.numbers[name]) for one in lines if name in one.numbers]
    known = [(channel, one.value) for channel, one in found if one.value is not None]
    if len(lines) <= MOST_CURVES or not known:
        return None
    figure, grid = new_figure(2.8, Margins())
    unit = found[0][1].unit
    dress(grid[0, 0], "channel", f"{name.replace('_', ' ')} / {UNITS.get(unit, unit)}")
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    grid[0, 0].plot([one for one, _ in known], [one for _, one in known], "o", color=BLUE, ms=4)
    return Plot(f"{name}_by_channel", title, figure, "A point for each cell.", f"{title} over the channel")


def _by(key: str, line: CellLine, results: Sequence[Result], name: str) -> dict[int, float]:
    return {
        int(one.at[key]): one.value
        for one in results
        if one.name == name and one.value is not None and key in one.at and one.at.get("sample") == line.sample.label
    }


def _xy(curve: Mapping[int, float]) -> tuple[list[int], list[float]]:
    cycles = sorted(curve)
    return cycles, [curve[one] for one in cycles]
