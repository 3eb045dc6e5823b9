"""What a run asks a person, and what the person answered: small files in the run's folder.

Files, and not a request to some process: the answer can be given while the host is down, from another program, and it
is still there after a resume. Each is written whole or not at all; the first answer counts.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daq.clock import Clock
from daq.errors import BadInput, StorageError

FOLDER = "questions"


@dataclass(frozen=True)
class Question:
    """`text` tells a person what to do, `details` is what a program needs to check the answer."""

    key: str
    text: str
    details: Mapping[str, Any]


def calendar_of(clock: Clock) -> dict[str, Any]:
    """For the details of a question: how a quickened bench's time goes with the wall's. Empty where it is the same."""
    if clock.speed == 1.0 or not math.isfinite(clock.speed):
        return {}
    return {"calendar": {"epoch_unix": clock.unix() - clock.monotonic(), "speed": clock.speed}}


def bench_unix(question: Question, wall_unix: float) -> float:
    """When a moment of the wall's clock was, by the calendar of the bench that asked."""
    calendar = question.details.get("calendar")
    if calendar is None:
        return wall_unix
    return calendar["epoch_unix"] + (wall_unix - calendar["epoch_unix"]) * calendar["speed"]


def ask(run: Path, question: Question) -> None:
    """Put the question, unless it was put before. Raises StorageError."""
    path = _question(run, question.key)
    if not path.exists():
        _write(path, {"key": question.key, "text": question.text, "details": dict(question.details)})


def open_questions(run: Path) -> list[Question]:
    """Those without an answer, oldest first. Raises BadInput for a file that is damaged."""
    paths = sorted((run / FOLDER).glob("*.question.json"), key=lambda path: path.stat().st_mtime_ns)
    tables = [_read(path) for path in paths]
    found = [Question(one["key"], one["text"], one["details"]) for one in tables]
    return [one for one in found if answer_to(run, one.key) is None]


def answer(run: Path, key: str, values: Mapping[str, Any]) -> None:
    """Raises BadInput when nobody asked, or somebody has answered; StorageError."""
    if not _question(run, key).exists():
        raise BadInput(f"the run has not asked {key!r}", place=str(run))
    if answer_to(run, key) is not None:
        raise BadInput("this was answered before", place=str(_answer(run, key)))
    _write(_answer(run, key), values)


def answer_to(run: Path, key: str) -> Mapping[str, Any] | None:
    """None until somebody answered."""
    path = _answer(run, key)
    return _read(path) if path.exists() else None


def _question(run: Path, key: str) -> Path:
    return run / FOLDER / f"{key}.question.json"


def _answer(run: Path, key: str) -> Path:
    return run / FOLDER / f"{key}.answer.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise BadInput("can't be read; delete it and answer again", place=str(path)) from error


def _write(path: Path, values: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(dict(values), ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"{path} could not be written: {error.strerror or error}") from error
