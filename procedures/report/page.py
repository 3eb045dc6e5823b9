"""The page: everything into one HTML file that needs nothing else."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from daq.clock import wall_unix
from procedures.cli.text import duration
from procedures.report import general
from procedures.report.facts import RunFacts, calendar_text
from procedures.report.parts import Content
from procedures.report.style import as_svg_uri


def render(facts: RunFacts, content: Content) -> str:
    """The HTML. Everything that comes from a run is escaped by the template."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_text("page.html"))
    title = f"{facts.procedure} of {facts.sample_name}"
    return template.render(
        title=title,
        facts=facts,
        content=content,
        style=Markup(_text("page.css")),
        images={plot.name: as_svg_uri(plot.figure) for plot in content.plots},
        began=calendar_text(facts.started_unix),
        lasted=duration(facts.last_t_s),
        bench=dict(facts.bench.get("bench") or {}).get("name") or "–",
        warnings=[*content.warnings, *facts.problems, *general.break_warnings(facts)],
        before=[general.sample_table(facts), general.settings_table(facts)],
        after=[
            general.steps_table(facts),
            *([general.interlocks_table(facts)] if facts.interlocks else []),
            general.bench_table(facts),
            general.versions_table(facts),
            general.events_table(facts),
        ],
        made=calendar_text(wall_unix()),
        version=version("cellrig"),
    )


def _text(name: str) -> str:
    return files("procedures.report").joinpath(name).read_text(encoding="utf-8")
