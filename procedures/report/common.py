"""The figures that any run may have, and the content of a procedure without figures of its own."""

from __future__ import annotations

from daq.runfile.reader import RunFile
from procedures.cli.text import duration
from procedures.report.facts import TEMPERATURE, RunFacts
from procedures.report.general import results_table
from procedures.report.marks import CAPTION
from procedures.report.parts import Content, Plot
from procedures.report.temperature import draw_temperature


def temperature_plots(facts: RunFacts) -> list[Plot]:
    """The furnace's temperature, where the run has it."""
    if not facts.rows.get(TEMPERATURE):
        return []
    caption = f"Over {duration(facts.last_t_s)} of bench time."
    if facts.rows.get("spectra"):
        caption += " Shaded: spectra, at the set-points written above."
    if facts.breaks():
        caption += " Crossed out: the step was broken off."
    if facts.interlocks:
        caption += CAPTION
    alt = f"Temperature over {duration(facts.last_t_s)}"
    return [Plot("temperature", "Temperature", draw_temperature(facts), caption, alt)]


def plain_content(run: RunFile, facts: RunFacts) -> Content:
    """Whatever results there are, and the temperature."""
    del run  # what a procedure of its own would read its streams from
    tables = [results_table(facts.results)] if facts.results else []
    return Content(plots=temperature_plots(facts), tables=tables)
