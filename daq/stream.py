"""What is recorded: streams of rows with fixed columns, each with its unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["float", "int", "text"]
RESERVED = frozenset({"id", "step", "attempt", "t_s"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """One column. The unit is in the name as well (`current_A`), so a bare table still says it.

    `unit` is `""` for text and pure numbers. Booleans are kept as int 0/1.
    """

    name: str
    unit: str = ""
    kind: Kind = "float"
    help: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in RESERVED:
            raise ValueError(f"{self.name!r} cannot name a column")


@dataclass(frozen=True)
class Stream:
    """A named table of a run. Besides its columns each row carries id, step, attempt and t_s."""

    name: str
    columns: tuple[Column, ...]
    help: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot name a stream")
        names = self.column_names
        if len(set(names)) != len(names):
            raise ValueError(f"stream {self.name} names a column twice")

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
