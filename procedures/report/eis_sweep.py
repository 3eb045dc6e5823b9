"""The report of an impedance sweep over temperature."""

from __future__ import annotations

from daq.contracts import Result
from daq.runfile.reader import RunFile
from procedures.report.arrhenius import draw_arrhenius, is_solid, placed
from procedures.report.arrhenius_looks import names_in_figures
from procedures.report.bode import draw_bode
from procedures.report.common import temperature_plots
from procedures.report.facts import RunFacts
from procedures.report.general import results_table
from procedures.report.nyquist import draw_nyquist
from procedures.report.parts import Content, Headline, Plot, Table
from procedures.report.residuals import draw_residuals
from procedures.report.style import Temperatures
from procedures.report.sweep_facts import Shown, SweepFacts, changed_since, sweep_facts_of
from procedures.report.sweep_tables import settling_table, spectra_table
from procedures.result_words import name_of, value_of, where_of

PER_SPECTRUM = frozenset(
    {"total_resistance", "bulk_resistance", "grain_boundary_resistance", "conductivity", "kramers_kronig_residual"}
)
CARDS = ("conductivity_25C", "activation_energy", "transition_temperature")
MOST_CARDS = 9


def sweep_content(run: RunFile, facts: RunFacts) -> Content:
    """Figures, tables and notes; a run without a finished spectrum has its temperatures only."""
    sweep = sweep_facts_of(run, facts)
    if sweep is None:
        return Content(plots=temperature_plots(facts), warnings=["no spectrum was finished: there are no results"])
    whole = [one for one in sweep.analysis.results if one.name not in PER_SPECTRUM]
    changed = changed_since(facts, sweep.analysis)
    return Content(
        headlines=_cards(whole, sweep),
        plots=_plots(sweep, facts),
        tables=[*_whole_tables(whole), spectra_table(sweep), settling_table(sweep.shown)],
        notes=list(dict.fromkeys(sweep.analysis.notes)),
        warnings=[changed] if changed else [],
    )


def _cards(results: list[Result], sweep: SweepFacts) -> list[Headline]:
    told = [one for name in CARDS for one in results if one.name == name and one.value is not None]
    return [Headline(name_of(one), value_of(one), _below(one, sweep)) for one in told[:MOST_CARDS]]


def _below(result: Result, sweep: SweepFacts) -> str:
    """Where it holds, and what the geometry adds to a conductivity."""
    parts = [where_of(result.at)] if result.at else []
    if result.name == "conductivity_25C":
        whose = result.at.get("sample")
        own = [one.point.geometry for one in sweep.shown if whose in (None, one.point.spectrum.sample)]
        geometry = own[0] if own else None
        if geometry is not None and geometry.relative_uncertainty > 0:
            parts.append(f"geometry apart: ± {100 * geometry.relative_uncertainty:.1f} %")
    return "; ".join(parts)


def _whole_tables(results: list[Result]) -> list[Table]:
    return [results_table(results, "Results of the sweep")] if results else []


def _plots(sweep: SweepFacts, facts: RunFacts) -> list[Plot]:
    colors = Temperatures([one.temperature_C for one in sweep.shown])
    samples = sweep.samples()
    plots = [_arrhenius(sweep)] if len(placed(sweep)) > 1 else []
    for number, sample in enumerate(samples, 1):
        whose, stem = (f" of {sample}", f"_{number}") if len(samples) > 1 else ("", "")
        plots += _spectra_plots(sweep.of(sample), colors, whose, stem)
    return [*plots, *temperature_plots(facts)]


def _arrhenius(sweep: SweepFacts) -> Plot:
    ringed = any(one.point.spectrum.attempt > 1 for one in sweep.shown)
    line = sweep.analysis.convention.replace("sigma", "σ")
    caption = f"Points with one standard error, weighted regression of {line} over 1/T with its 95 % band; below, what "
    caption += "each point is off its line."
    if any(one.point.counts and not is_solid(one) for one in sweep.shown):
        caption += " Open points: not settled, or a total that only the line can tell from the leads."
    if ringed:
        caption += " Ringed: taken after the step had been broken off."
    names = names_in_figures(sweep)
    renamed = [f"{shown} is {name}" for name, shown in names.items() if shown.replace(r"\$", "$") != name]
    if renamed and len(names) > 1:
        caption += f" In the legend {', '.join(renamed)}."
    alt = f"Arrhenius plot of {len(sweep.shown)} spectra"
    return Plot("arrhenius", "Arrhenius", draw_arrhenius(sweep), caption, alt)


def _spectra_plots(shown: list[Shown], colors: Temperatures, whose: str, stem: str) -> list[Plot]:
    overloaded = any(not one.good.all() for one in shown)
    crosses = " Crosses: overloaded points, which are not used." if overloaded else ""
    directions = {one.point.spectrum.direction for one in shown}
    measured = "Circles measured"
    if len(directions) > 1:
        shapes = {"heating": "circles", "cooling": "triangles", "return": "diamonds"}
        known = ", ".join(f"{shape} on {way}" for way, shape in shapes.items() if way in directions)
        measured = f"Measured: {known}"
    span = _span(shown)
    plots = [
        Plot(
            f"nyquist{stem}",
            f"Nyquist{whose}",
            draw_nyquist(shown, colors),
            f"Equal axes; a frame for spectra of like size. {measured}, squares at powers of ten in frequency, "
            "lines the fitted circuits. Blocking lines leave the frame; the Bode plot has them whole." + crosses,
            f"Nyquist plots of {len(shown)} spectra{whose}, {span}",
        ),
        Plot(
            f"bode{stem}",
            f"Bode{whose}",
            draw_bode(shown, colors),
            f"{measured}; lines the fitted circuits on the window that was fitted." + crosses,
            f"Bode plot of {len(shown)} spectra{whose}, {span}",
        ),
    ]
    if any(one.point.fit is not None for one in shown):
        plots.append(
            Plot(
                f"residuals{stem}",
                f"Residuals{whose}",
                draw_residuals(shown, colors),
                "What the fitted circuit leaves (above) and what the Kramers–Kronig test leaves (below).",
                f"Residuals of {len(shown)} spectra{whose}",
            )
        )
    return plots


def _span(shown: list[Shown]) -> str:
    temperatures = [one.temperature_C for one in shown]
    return f"{min(temperatures):.0f} to {max(temperatures):.0f} °C"
