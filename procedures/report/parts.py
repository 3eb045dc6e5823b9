"""What a report is made of: figures, tables, headline numbers. Procedures give them, the page sets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from matplotlib.figure import Figure

Tone = Literal["", "good", "warn", "bad", "quiet"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table; `mark` refers to a footnote, `under` is a second, smaller line."""

    text: str
    mark: str = ""
    under: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells. `words` are the columns set to the left; numbers stand to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset()
    footnotes: Sequence[tuple[str, str]] = ()
    lead: str = ""
    small: bool = False


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure of the report; `name` is its file's stem, `alt` says in words what it shows."""

    name: str
    title: str
    figure: Figure
    caption: str
    alt: str


@dataclass(frozen=True)
class Headline:
    """A number worth a card: what it is, the value, a line below."""

    label: str
    value: str
    under: str = ""


@dataclass(frozen=True)
class Content:
    """What is special to a procedure."""

    headlines: Sequence[Headline] = ()
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


@dataclass
class Footnotes:
    """Sentences with a letter each; sentences that differ in their numbers only share one."""

    shown: dict[str, tuple[str, str]] = field(default_factory=dict)

    def mark(self, kind: str, sentence: str) -> str:
        if kind not in self.shown:
            self.shown[kind] = (_letter(len(self.shown)), sentence)
        return self.shown[kind][0]

    def listed(self) -> list[tuple[str, str]]:
        return list(self.shown.values())


def _letter(index: int) -> str:
    """a … z, aa, ab …"""
    before, last = divmod(index, 26)
    return (_letter(before - 1) if before else "") + chr(ord("a") + last)
