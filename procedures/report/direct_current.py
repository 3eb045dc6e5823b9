"""Figures of the direct-current procedures: current against potential, potential and current against time, capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from daq.contracts import Result
from daq.runfile.reader import RunFile
from procedures.cell_lines import CellLine, cell_lines, is_of_many
from procedures.cells_of_run import cells_of
from procedures.cells_told import CELLS
from procedures.dc_streams import CYCLED
from procedures.off_times import begun_anew_s
from procedures.report.cell_spectra import cell_spectra_plots
from procedures.report.cells import MOST_CURVES, cells_table, per_cycle_plot, summary_plot, voltages_plot
from procedures.report.common import temperature_plots
from procedures.report.cycling_plots import capacity_plot, closer_plot, half_cycles_of, profile_plots, rates_plot
from procedures.report.facts import RunFacts
from procedures.report.general import results_table
from procedures.report.marks import CAPTION, mark_interlocks
from procedures.report.parts import Content, Headline, Plot
from procedures.report.style import ALERT, BLUE, SAMPLES, VERMILLION, Margins, dress, keep_readable, legend, new_figure
from procedures.report.temperature import in_pieces, thinned, time_unit
from procedures.result_words import name_of, prefix_of, value_of, where_of

Rows = Mapping[str, np.ndarray]
MOST_CARDS, MOST_RATES = 4, 9
MOST_OF_SWEEPS = 8000  # points of a cycle: there and back, lowest and highest in each pixel of the figure's width
LEAST_IN_VOLT = 0.1  # a potential below is drawn in mV
LEAST_SPAN = 1e-3  # of the largest value: an axis that spans less has labels that nobody can tell apart
SUMMARIES = ("capacity_retention", "hours_cycled", "critical_current_density")


def voltammetry_content(run: RunFile, facts: RunFacts) -> Content:
    """Current density against potential; a linear sweep with its onset."""
    rows = run.table("voltammetry", columns=("cycle", "voltage_V", "current_density_mA_cm2"))
    plots = [_voltammogram(rows, facts.results)] if len(rows["voltage_V"]) else []
    return _content(facts, plots, ("open_circuit_potential", "oxidation_onset", "plating_onset", "stable_to"))


def polarisation_content(run: RunFile, facts: RunFacts) -> Content:
    """Potential and current density against time, with the short where there is one; of several cells, what tells them
    apart."""
    is_on_cycler = facts.parameters.get("on") == "cycler"
    lines = cell_lines(facts.samples, run.recall(CELLS, {}), facts.results) if is_on_cycler else []
    if lines:
        return _cells_content(run, facts, lines)
    if is_on_cycler:
        rows = run.table("cycling", columns=(*CYCLED, "current_density_mA_cm2"))
    else:
        rows = run.table(
            "polarisation", columns=("stage", "time_s", "voltage_V", "current_A", "current_density_mA_cm2")
        )
    plots = [_over_time(rows, rows["t_s"], facts, "start")] if len(rows["t_s"]) else []
    plots += cell_spectra_plots(run, facts)
    cards = (
        "critical_current_density",
        "area_specific_resistance",
        "short_circuit",
        "electronic_conductivity",
        "open_circuit_potential",
    )
    return _content(facts, plots, cards)


def cycling_content(run: RunFile, facts: RunFacts) -> Content:
    """Potential and current against time; capacity and efficiency per cycle where there are any."""
    lines = cell_lines(facts.samples, run.recall(CELLS, {}), facts.results)
    if lines:
        return _cells_content(run, facts, lines)
    rows = run.table("cycling", columns=(*CYCLED, "current_density_mA_cm2"))
    plots = [_over_time(rows, rows["time_s"], facts, "schedule began")] if len(rows["t_s"]) else []
    active = facts.samples[0].active if facts.samples else None
    mass_mg = active.mass_mg if active is not None else None
    if any(one.name == "discharge_capacity" and "cycle" in one.at for one in facts.results):
        plots.append(capacity_plot(facts.results))
        halves = half_cycles_of(rows)
        plots += profile_plots(halves, mass_mg) if halves is not None else []
    elif facts.procedure == "rate-capability":
        halves = half_cycles_of(rows)
        if halves is not None:
            rates, each = facts.parameters["rates"], int(facts.parameters["cycles_each"])
            plots += [rates_plot(halves, rates, each, mass_mg), *profile_plots(halves, mass_mg)]
        return _content(facts, plots, ("discharge_capacity",), MOST_RATES)
    elif facts.procedure == "symmetric-cycling" and len(rows["t_s"]):
        closer = closer_plot(rows)
        plots += [closer] if closer is not None else []
    plots += cell_spectra_plots(run, facts)
    return _content(facts, plots, ("capacity_retention", "hours_cycled", "capacity_fade", "short_circuit"))


def _cells_content(run: RunFile, facts: RunFacts, lines: Sequence[CellLine]) -> Content:
    """Of several cells: what tells them apart, and no more of each than a page has room for."""
    rates = facts.parameters.get("rates", ())
    plots = [
        voltages_plot(lines, [one.rows for one in cells_of(run)]) if len(lines) <= MOST_CURVES else None,
        per_cycle_plot(lines, facts.results, "discharge_capacity", "Capacity"),
        per_cycle_plot(lines, facts.results, "discharge_capacity", "Capacity at each rate", rates) if rates else None,
        per_cycle_plot(lines, facts.results, "coulombic_efficiency", "Coulombic efficiency"),
        *(summary_plot(lines, name, name.replace("_", " ").capitalize()) for name in SUMMARIES),
    ]
    found = [one for one in plots if one is not None]
    whole = [one for one in facts.results if not is_of_many(one)]
    tables = [cells_table(lines), *([results_table(whole)] if whole else [])]
    return Content((), [*found, *temperature_plots(facts)], tables)


def _content(facts: RunFacts, plots: list[Plot], cards: tuple[str, ...], most: int = MOST_CARDS) -> Content:
    whole = [one for one in facts.results if one.value is not None and "step" not in one.at]  # not of a ladder's rung
    told = [one for name in cards for one in whole if one.name == name][:most]
    headlines = [Headline(name_of(one), value_of(one), where_of(one.at) if one.at else "") for one in told]
    tables = [results_table(facts.results)] if facts.results else []
    return Content(headlines, [*plots, *temperature_plots(facts)], tables)


def _voltammogram(rows: Rows, results: Sequence[Result]) -> Plot:
    figure, grid = new_figure(4.0, Margins(top=0.45))
    axes = grid[0, 0]
    dress(axes, "potential / V", "current density / mA cm⁻²")
    cycles = np.unique(rows["cycle"])
    for number, cycle in enumerate(cycles):
        mine = rows["cycle"] == cycle
        look = {"color": SAMPLES[number % len(SAMPLES)], "lw": 1.1, "rasterized": True}
        x, y = thinned(rows["voltage_V"][mine], rows["current_density_mA_cm2"][mine], MOST_OF_SWEEPS)
        axes.plot(x, y, label=f"cycle {int(cycle)}", **look)
    caption = "Oxidation is positive."
    for one in results:
        if one.name == "oxidation_onset" and one.value is not None:
            axes.axvline(one.value, color=ALERT, lw=1.0, ls="--", label=f"onset {one.value:.3g} V")
            caption += f" Dashed: onset, {one.method}."
    legend(axes, columns=6, above_in=0.1)
    return Plot("voltammogram", "Voltammogram", figure, caption, f"Voltammogram of {len(cycles)} cycles")


def _over_time(rows: Rows, time_s: np.ndarray, facts: RunFacts, since: str) -> Plot:
    """`time_s` is the axis: the run's own time, or the cycler's, which began when its test did; `since` says which."""
    figure, grid = new_figure(4.4, Margins(left=0.9, top=0.2), 2, 1, heights=(2, 1), sharex=True)
    unit, seconds = time_unit(float(time_s[-1]))
    cuts = begun_anew_s(rows, time_s)
    density_A = 1e-3 * rows["current_density_mA_cm2"]
    current, per = (density_A, " cm⁻²") if np.isfinite(density_A).any() else (rows["current_A"], "")
    for axes, what, values, of, color in (
        (grid[0, 0], "potential", rows["voltage_V"], "V", BLUE),
        (grid[1, 0], "current", current, f"A{per}", VERMILLION),
    ):
        most = float(np.nanmax(np.abs(values), initial=0.0))
        exponent, prefix = prefix_of(most) if what == "current" or most < LEAST_IN_VOLT else (0, "")
        dress(axes, f"time since the {since} / {unit}" if what == "current" else "", f"{what} / {prefix}{of}")
        x, y = in_pieces(time_s, values / 10.0**exponent, cuts)
        axes.plot(x / seconds, y, color=color, lw=0.9)
        keep_readable(axes, LEAST_SPAN * most / 10.0**exponent)
    caption = "Charge is positive current." + (" Gap: nothing was recorded." if len(cuts) else "")
    caption += CAPTION if facts.interlocks else ""
    mark_interlocks(list(grid[:, 0]), facts.interlocks, seconds, lambda t_s: float(np.interp(t_s, rows["t_s"], time_s)))
    for one in facts.results:
        if one.name == "short_circuit" and one.value is not None:
            for axes in grid[:, 0]:
                axes.axvline(one.value * 3600 / seconds, color=ALERT, lw=1.0, ls="--")
            caption += f" Dashed: short circuit at {one.value:.4g} h."
    return Plot("over_time", "Potential and current", figure, caption, "Potential and current against time")
