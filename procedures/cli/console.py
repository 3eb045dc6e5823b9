"""What is written where: people read tables on stdout, programs read JSON there; complaints go to stderr."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


class PatientConsole(Console):
    """Rich ends the process when a pipe breaks; a run must not end because its reader went away."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout() -> Console:
    """The terminal, or 80 columns of plain text into a pipe. NO_COLOR is respected by rich itself."""
    return PatientConsole(file=sys.stdout, highlight=False, emoji=False)


def stderr() -> Console:
    """For progress, where stdout is for JSON."""
    return PatientConsole(file=sys.stderr, highlight=False, emoji=False)


def say(console: Console, line: str) -> None:
    """A line as it is: no markup, and no breaks in a path that somebody wants to copy."""
    console.print(line, markup=False, soft_wrap=True)


def remark(console: Console, text: str) -> None:
    """A sentence below a heading, indented and broken at the width."""
    lines = textwrap.wrap(text, max(40, console.width - 2), break_long_words=False, break_on_hyphens=False)
    for line in lines:
        say(console, f"  {line}")


def table(*columns: str, right: tuple[str, ...] = (), title: str | None = None) -> Table:
    """A table without a frame: narrow, and readable when it is pasted into a note."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", header_style="dim", overflow="fold")
    return made


def print_json(value: Any) -> None:
    """`value` as JSON on stdout: numbers that are not finite become null."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """`value` in JSON's own types."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    item = getattr(value, "item", None)  # a number of numpy's
    if item is not None:
        return plain(item())
    return str(value)
