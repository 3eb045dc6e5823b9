"""Drivers and procedures are found by entry point, so that a lab adds its own in a package of its own."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from daq.errors import BadInput

DRIVERS = "cellrig.drivers"
PROCEDURES = "cellrig.procedures"
REPORTS = "cellrig.reports"


@cache  # each look goes through every package that is installed
def _points(group: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


def names(group: str) -> list[str]:
    return sorted({point.name for point in _points(group)})


def load(group: str, name: str, place: str) -> Any:
    """The class behind `name`. Raises BadInput with the closest known names, or the plain cause of a failed import."""
    points: list[EntryPoint] = [point for point in _points(group) if point.name == name]
    kind = group.rpartition(".")[2].rstrip("s")
    if not points:
        raise BadInput(f"there is no {kind} {name!r}", place=place, allowed=suggest(name, names(group)))
    try:
        return points[0].load()
    except ImportError as error:
        raise BadInput(f"the {kind} {name!r} cannot be loaded: {error}", place=place) from error


def module(group: str, name: str) -> str:
    """The module that stands behind `name`, to be run in another process; nothing is imported here."""
    return next(point.module for point in _points(group) if point.name == name)


def suggest(word: str, known: list[str]) -> str:
    """The known words, the closest first when one looks like a typing mistake."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}? {', '.join(known)}" if close else ", ".join(known)
