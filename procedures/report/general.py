"""The parts that every run has: what was asked for, what was in the cell, what happened, with what it was done."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from daq.contracts import Result, StepState
from daq.runfile.reader import EventRecord, StepRecord
from procedures.cli.text import duration, one_line, trip
from procedures.report.facts import RunFacts, calendar_text
from procedures.report.parts import Cell, Footnotes, Table, Tone
from procedures.result_words import interval_of, name_of, value_of, where_of

MOST_EVENTS = 250
TONES: Mapping[StepState, Tone] = {"finished": "good", "broken": "warn", "failed": "bad", "running": "warn"}
LEVELS: Mapping[str, Tone] = {"warning": "warn", "error": "bad", "debug": "quiet"}


def settings_table(facts: RunFacts) -> Table:
    rows = [(Cell(key), Cell(_setting(value))) for key, value in facts.parameters.items()]
    return Table(
        "Settings", ("parameter", "value"), rows, frozenset({0, 1}), lead="As in the plan; units are in the names."
    )


def sample_table(facts: RunFacts) -> Table:
    """What is stored of the samples, a line for each thing known."""
    several = facts.sample.get("samples")
    tables = several if isinstance(several, list) else [facts.sample]
    rows: list[tuple[Cell, ...]] = []
    for number, one in enumerate(tables, 1):
        whose = str(one.get("id") or one.get("name") or f"sample {number}") if len(tables) > 1 else ""
        for key, text in _known(one):
            rows.append((*((Cell(whose),) if len(tables) > 1 else ()), Cell(key), Cell(text)))
            whose = ""
    columns = ("sample", "what", "value") if len(tables) > 1 else ("what", "value")
    return Table("Sample", columns, rows, frozenset(range(len(columns))))


def _known(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += [(f"{key}.{name}", text) for name, text in _known(value)]
        elif value not in (None, "", []):
            found.append((key, _setting(value)))
    return found


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return one_line(value) or "–"


def bench_table(facts: RunFacts) -> Table:
    rows = []
    for name, options in dict(facts.bench.get("instruments") or {}).items():
        rest = {key: value for key, value in options.items() if key != "driver" and value not in (None, {}, "")}
        identity = " ".join(text for text in facts.identities.get(name, {}).values() if text)
        rows.append(
            (
                Cell(str(name)),
                Cell(str(options.get("driver", "–"))),
                Cell(identity or "–"),
                Cell(_setting(rest) if rest else "–"),
            )
        )
    simulated = facts.bench.get("simulation")
    if simulated:
        rows.append((Cell("simulated world"), Cell(""), Cell(""), Cell(_setting(simulated))))
    name = dict(facts.bench.get("bench") or {}).get("name")
    source = facts.bench.get("source")
    lead = " ".join(part for part in (f"Bench: {name}." if name else "", f"From {source}." if source else "") if part)
    columns = ("instrument", "driver", "answers as", "options")
    return Table("Instruments", columns, rows, frozenset(range(4)), lead=lead)


def versions_table(facts: RunFacts) -> Table:
    rows = [(Cell(name), Cell(str(text))) for name, text in facts.versions.items()]
    return Table("Versions", ("program", "version"), rows, frozenset({0, 1}), lead="Of the recording.")


def steps_table(facts: RunFacts) -> Table:
    """Every attempt at every step, and the steps that had none."""
    tried = {one.key for one in facts.attempts}
    waiting = [one for one in facts.steps if one.key not in tried]
    rows = [_step_row(one, facts) for one in (*facts.attempts, *waiting)]
    return Table("Steps", ("step", "state", "attempt", "began", "took"), rows, frozenset({0, 1}))


def _step_row(one: StepRecord, facts: RunFacts) -> tuple[Cell, ...]:
    began = calendar_text(facts.calendar.get(one.started_t_s)) if one.started_t_s is not None else "–"
    took = "–"
    if one.started_t_s is not None and one.ended_t_s is not None:
        took = duration(one.ended_t_s - one.started_t_s)
    again = Cell(str(one.attempt), tone="warn") if one.attempt > 1 else Cell(str(one.attempt or "–"))
    return (
        Cell(one.title or one.key),
        Cell(one.state, tone=TONES.get(one.state, "quiet")),
        again,
        Cell(began),
        Cell(took),
    )


def interlocks_table(facts: RunFacts) -> Table:
    """Every tripping of an interlock: with what value, what was done, and for how long it lasted."""
    rows = []
    for one in facts.interlocks:
        cleared = one["cleared_t_s"]
        lasted = "did not clear" if cleared is None else duration(cleared - one["tripped_t_s"])
        tone: Tone = "bad" if one["action"] in ("stop", "make_safe") else "warn"
        done = Cell(str(one["action"]).replace("_", " "), tone=tone)
        rows.append((Cell(duration(one["tripped_t_s"])), Cell(trip(one)), done, Cell(lasted)))
    lead = "Limits that were passed while the run went on."
    return Table("Interlocks", ("after", "what", "did", "lasted"), rows, frozenset({1, 2}), lead=lead)


def events_table(facts: RunFacts) -> Table:
    """The log; of a long one all warnings and errors, and the rest from both ends as far as there is room."""
    events, left_out = chosen_events(facts.events)
    rows = [
        (
            Cell(duration(one.t_s)),
            Cell(one.level if one.level in LEVELS else "", tone=LEVELS.get(one.level, "")),
            Cell(one.source),
            Cell(_event_text(one)),
        )
        for one in events
    ]
    lead = f"{left_out} of {len(facts.events)} lines are left out here; run.db has them all." if left_out else ""
    return Table("Log", ("after", "level", "source", "what"), rows, frozenset({1, 2, 3}), lead=lead, small=True)


def chosen_events(events: Sequence[EventRecord], most: int = MOST_EVENTS) -> tuple[list[EventRecord], int]:
    """At most `most` events, in order, and how many were left out. Errors come first, then warnings, then the rest."""
    if len(events) <= most:
        return list(events), 0
    rank = {"error": 0, "warning": 1, "info": 2}
    middle = len(events) / 2
    order = sorted(range(len(events)), key=lambda i: (rank.get(events[i].level, 3), -abs(i - middle)))
    return [events[i] for i in sorted(order[:most])], len(events) - most


def _event_text(event: EventRecord) -> str:
    """A traceback by its last line: the rest is for run.db."""
    lines = event.text.strip().splitlines()
    return lines[-1] if lines and lines[0].startswith("Traceback") else event.text.strip()


def break_warnings(facts: RunFacts) -> list[str]:
    """A sentence for each time a step was taken up again, and one for a run that did not reach its end."""
    told = [
        f"{one.title} was broken off and taken up again {duration(one.again_t_s - one.broken_t_s)} later "
        f"(attempt {one.attempt})"
        for one in facts.breaks()
    ]
    missing = [one for one in facts.steps if one.state not in ("finished", "skipped")]
    if missing and facts.outcome != "finished":
        why = f": {facts.reason}" if facts.reason else ""
        state = {"running": "still going on", "interrupted": "broken off without a word"}.get(
            facts.outcome, facts.outcome
        )
        told.append(f"the run is {state}{why}; {len(missing)} of {len(facts.steps)} steps not done")
    return told


def results_table(results: Sequence[Result], title: str = "Results") -> Table:
    notes = Footnotes()
    rows = []
    for one in results:
        mark = notes.mark(without_numbers(one.reason), one.reason) if one.value is None and one.reason else ""
        rows.append(
            (
                Cell(name_of(one)),
                Cell(where_of(one.at)),
                Cell(value_of(one), mark),
                Cell(interval_of(one)),
                Cell(one.method.replace("ln sigma", "ln σ")),
            )
        )
    return Table(title, ("result", "where", "value", "95 %", "method"), rows, frozenset({0, 1, 4}), notes.listed())


def without_numbers(sentence: str) -> str:
    """What two sentences have in common that differ in their numbers only."""
    return re.sub(r"\d[\d.]*(e[-+]?\d+)?( [kMGTmµnpf](?=\w))?", "#", sentence)
