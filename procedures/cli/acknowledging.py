"""`cellrig acknowledge`: a person says that a channel was started by hand, or that it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from daq.catalog import find_run
from daq.clock import wall_unix
from daq.errors import BadInput
from daq.questions import Question, answer, bench_unix, open_questions
from procedures.cli.console import print_json, say, stdout
from procedures.operator_run import ENDED, QUESTION

FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
AHEAD_S = 60.0


def acknowledge_command(name: str, channel: int | None, by: str, started: str | None, runs: Path, json: bool) -> None:
    run = find_run(runs, name)
    asked = [one for one in open_questions(run) if one.key.startswith(QUESTION)]
    if not asked:
        raise BadInput("this run does not wait for a channel to be started", place=str(run))
    if channel is None:
        raise BadInput("is missing", place="--channel", allowed="the number of the channel that was started")
    question = _meant(asked, channel)
    there = question.details.get("channels", [channel])
    if channel not in there:
        named = str(question.details.get("cycler", "the cycler"))
        allowed = ", ".join(map(str, there)) if len(there) < 17 else f"{there[0]} to {there[-1]}"
        raise BadInput(f"{named} has no channel {channel}", place="--channel", allowed=allowed)
    _check_name(by)
    started_unix = _started(started, question)
    told = {"channel": channel, "started_unix": started_unix, "by": by.strip()}
    answer(run, question.key, told)
    if json:
        print_json({"run": run.name, **told})
        return
    when = f"{datetime.fromtimestamp(started_unix):%Y-%m-%d %H:%M}"
    sheet = question.details.get("sheet", "")
    say(stdout(), f"{run.name}: channel {channel} started by hand by {by.strip()}, {when}, with sheet {sheet}")
    planned = question.details.get("channel", channel)
    if planned != channel:
        say(stdout(), f"the plan has channel {planned}: exports of channel {channel} are taken for this cell now")
    say(stdout(), "cellrig only watches it: export from the cycler's program, and stop it there")


def _meant(asked: Sequence[Question], channel: int) -> Question:
    """Of several cells' questions the one for this channel; a single one is meant whatever channel it was."""
    found = [one for one in asked if one.details.get("channel") == channel]
    if len(asked) == 1 or found:
        return (found or list(asked))[-1]
    waiting = ", ".join(str(one.details.get("channel")) for one in asked)
    raise BadInput(f"no cell of this run waits for channel {channel}", place="--channel", allowed=waiting)


def ended_command(name: str, channel: int | None, by: str, why: str, runs: Path, json: bool) -> None:
    run = find_run(runs, name)
    asked = [one for one in open_questions(run) if one.key.startswith(ENDED)]
    if not asked:
        raise BadInput("this run watches no channel, or its end was told before", place=str(run))
    if channel is None and len(asked) > 1:
        watched = ", ".join(str(one.details.get("channel")) for one in asked)
        raise BadInput("is missing: this run watches several channels", place="--channel", allowed=watched)
    _check_name(by)
    told = {"why": why.strip(), "by": by.strip()}
    answer(run, (asked[0] if channel is None else _meant(asked, channel)).key, told)
    if json:
        print_json({"run": run.name, **told})
    else:
        say(stdout(), f"{run.name}: it ends with what was exported; {by.strip()} says: {why.strip()}")


def _check_name(by: str) -> None:
    if not by.strip():
        raise BadInput("is blank", place="--by", allowed="the name of who started the channel")


def _started(text: str | None, question: Question) -> float:
    """Unix time, the bench's. Raises BadInput for what is no time, lies ahead, or before the run began."""
    now = bench_unix(question, wall_unix())
    if text is None:
        return now
    for form in FORMS:
        try:
            found = datetime.strptime(text.strip(), form).timestamp()
            break
        except ValueError:
            continue
    else:
        raise BadInput(f"{text!r} is no time", place="--started", allowed='"2026-03-02 14:05"')
    began = float(question.details.get("not_before_unix", found))
    if found > now + AHEAD_S:
        raise BadInput(f"{text} lies ahead", place="--started", allowed="when the channel was started")
    if found < began - AHEAD_S:
        allowed = f"{datetime.fromtimestamp(began):%Y-%m-%d %H:%M} or later, when the run began"
        raise BadInput(f"{text} is before the run began", place="--started", allowed=allowed)
    return found
