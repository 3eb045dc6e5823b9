"""Figures of cycling: voltage over capacity, dQ/dV, capacity over the cycles, stages looked at closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib import colormaps
from matplotlib.ticker import MaxNLocator, NullLocator

from daq.contracts import Result
from daq.errors import AnalysisRefused
from procedures.analysis.capacity import HalfCycles, cycles_of, integrate_cycling
from procedures.analysis.capacity_curves import differential_capacity
from procedures.report.parts import Plot
from procedures.report.style import BLUE, FONT, GREEN, MUTED, VERMILLION, Margins, dress, legend, new_figure
from procedures.report.temperature import thinned

Rows = Mapping[str, np.ndarray]
MOST_PROFILES = 6
PALEST = 0.85
SHOWN_CYCLES = 3
MOST_POINTS = 1500
ROOM_ABOVE = 1.08


def half_cycles_of(rows: Rows) -> HalfCycles | None:
    """Of the rows of one cell; None where no current flows."""
    try:
        return integrate_cycling(rows)
    except AnalysisRefused:
        return None


def profile_plots(halves: HalfCycles, mass_mg: float | None) -> list[Plot]:
    """Voltage over capacity and dQ/dV of the first, the last and some cycles between."""
    cycles = np.unique(halves.cycle[halves.cycle > 0])
    if not len(cycles):
        return []
    chosen = cycles[np.unique(np.linspace(0, len(cycles) - 1, MOST_PROFILES).round().astype(int))]
    unit, per_Ah = ("mAh g⁻¹", 1e6 / mass_mg) if mass_mg else ("mAh", 1e3)
    figure, grid = new_figure(3.6, Margins(top=0.45, between_columns=0.85), 1, 2)
    left, right = grid[0]
    dress(left, f"capacity / {unit}", "potential / V")
    dress(right, "potential / V", f"dQ/dV / {unit} V⁻¹")
    for cycle in chosen:
        share = PALEST * (1 - (cycle - chosen[0]) / max(chosen[-1] - chosen[0], 1))
        color = colormaps["viridis"](share)
        for number, index in enumerate(np.flatnonzero(halves.cycle == cycle)):
            rows = slice(int(halves.segments.start[index]), int(halves.segments.stop[index]))
            charge = per_Ah * np.abs(halves.cumulative_Ah[rows] - halves.cumulative_Ah[rows.start])
            look = {"color": color, "lw": 1.0, "label": f"cycle {cycle}" if number == 0 else None}
            left.plot(*thinned(charge, halves.record.voltage_V[rows], MOST_POINTS), **look)
            try:
                slope = differential_capacity(halves, int(index))
            except AnalysisRefused:
                continue
            sign = 1 if halves.segments.direction[index] > 0 else -1
            right.plot(slope.voltage_V, sign * per_Ah * slope.dQ_dV_Ah_V, color=color, lw=1.0)
    legend(left, columns=MOST_PROFILES, above_in=0.1)
    caption = "Capacity by integration of the current. dQ/dV: charge that passed within 5 mV, charge upwards."
    return [Plot("profiles", "Charge and discharge", figure, caption, "Potential over capacity, and dQ/dV")]


def capacity_plot(results: Sequence[Result]) -> Plot:
    figure, grid = new_figure(4.4, Margins(top=0.4), 2, 1, heights=(2, 1), sharex=True)
    upper, lower = grid[:, 0]
    unit = ""
    for name, axes, color, mark in (
        ("charge_capacity", upper, VERMILLION, "o"),
        ("discharge_capacity", upper, BLUE, "s"),
        ("coulombic_efficiency", lower, GREEN, "o"),
    ):
        found = [one for one in results if one.name == name and one.value is not None and "cycle" in one.at]
        unit = found[0].unit if found and axes is upper else unit
        x, y = [one.at["cycle"] for one in found], [one.value for one in found]
        axes.plot(x, y, mark, color=color, ms=3, label=name.replace("_", " "), rasterized=True)
    dress(upper, "", f"capacity / {unit}")
    dress(lower, "cycle", "efficiency / %")
    upper.set_ylim(bottom=0)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    lower.xaxis.set_minor_locator(NullLocator())
    legend(upper, columns=2, above_in=0.1)
    told = [one for one in results if one.name == "capacity_retention" and one.value is not None]
    retention = f" Retention {told[0].value:.1f} % at cycle {told[0].at.get('cycle', '?')}." if told else ""
    caption = f"By integration of the current.{retention}"
    return Plot("capacity", "Capacity and efficiency", figure, caption, "Capacity and efficiency per cycle")


def rates_plot(halves: HalfCycles, rates: Sequence[str], cycles_each: int, mass_mg: float | None) -> Plot:
    """Capacity of every cycle; above, the current that was asked for, where it changes."""
    figure, grid = new_figure(3.6, Margins(top=0.6))
    axes = grid[0, 0]
    unit, per_Ah = ("mAh g⁻¹", 1e6 / mass_mg) if mass_mg else ("mAh", 1e3)
    cycles = cycles_of(halves)
    for values, label, color, mark in (
        (cycles.charge_Ah, "charge", VERMILLION, "o"),
        (cycles.discharge_Ah, "discharge", BLUE, "s"),
    ):
        axes.plot(cycles.cycle, per_Ah * values, mark, color=color, ms=4, label=label)
    dress(axes, "cycle", f"capacity / {unit}")
    most = np.nanmax(per_Ah * np.concatenate([cycles.charge_Ah, cycles.discharge_Ah]), initial=0.0)
    axes.set_ylim(0, ROOM_ABOVE * float(most) or None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.xaxis.set_minor_locator(NullLocator())
    last = int(cycles.cycle.max()) if len(cycles.cycle) else 0
    for number, rate in enumerate(rates):
        first = number * cycles_each
        if first >= last:
            break
        if number:
            axes.axvline(first + 0.5, color=MUTED, lw=0.8, ls=":")
        axes.annotate(
            rate, (first + 0.5 + 0.5 * min(cycles_each, last - first), 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, 3), textcoords="offset points", ha="center", fontsize=FONT - 1, color=MUTED,
        )  # fmt: skip
    legend(axes, columns=2, above_in=0.25)
    caption = "By integration of the current; above, the currents that were asked for."
    return Plot("capacity", "Capacity at each rate", figure, caption, "Capacity per cycle, by rate")


def closer_plot(rows: Rows) -> Plot | None:
    """The first and the last few cycles of each current, side by side: what a thousand hours hide."""
    stages = _stages(rows)
    if not stages:
        return None
    figure, grid = new_figure(1.9 * len(stages) + 0.5, Margins(top=0.3, between_rows=0.55), len(stages), 2)
    for line, (density, first, stop) in enumerate(stages):
        time_h, voltage_mV = rows["time_s"][first:stop] / 3600, 1e3 * rows["voltage_V"][first:stop]
        span_h = SHOWN_CYCLES * _cycle_h(rows, first, stop)
        for column, (begin, end) in enumerate(((time_h[0], time_h[0] + span_h), (time_h[-1] - span_h, time_h[-1]))):
            axes = grid[line, column]
            inside = (time_h >= begin) & (time_h <= end)
            dress(axes, "time / h" if line == len(stages) - 1 else "", "potential / mV" if column == 0 else "")
            axes.plot(time_h[inside], voltage_mV[inside], color=BLUE, lw=1.0)
            axes.set_title(
                f"{density:.3g} mA cm⁻², {'first' if column == 0 else 'last'} cycles", fontsize=8.5, loc="left"
            )
    caption = "The first and the last cycles of each current."
    return Plot("closer", "Looked at closely", figure, caption, "Potential over time of the first and last cycles")


def _stages(rows: Rows) -> list[tuple[float, int, int]]:
    """Currents in mA/cm2, each with its first row and the one after its last; rests belong to what came before."""
    density = np.abs(rows["current_density_mA_cm2"])
    flows = np.flatnonzero(np.nan_to_num(density) > 0)
    if not len(flows):
        return []
    level = np.round(density[flows], 6)
    cuts = np.flatnonzero(np.abs(np.diff(level)) > 0.02 * level[:-1]) + 1
    edges = [0, *cuts.tolist(), len(flows)]
    found = []
    for begin, end in pairwise(edges):
        if end - begin > 20:
            found.append((float(np.median(level[begin:end])), int(flows[begin]), int(flows[end - 1]) + 1))
    return found


def _cycle_h(rows: Rows, first: int, stop: int) -> float:
    sign = np.sign(rows["current_A"][first:stop])
    turns = np.flatnonzero(np.diff(sign[sign != 0]) != 0)
    whole_h = float(rows["time_s"][stop - 1] - rows["time_s"][first]) / 3600
    return whole_h / max((len(turns) + 1) / 2, 1)
