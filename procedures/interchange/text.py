"""A foreign file as lines of text, with a place to point at when it can't be used.

Nothing here knows a format. What is not text, empty, or holds numbers written in two ways is refused by name and line.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from daq.errors import BadInput

LARGEST_FILE_BYTES = 200_000_000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_NOT_A_NUMBER = frozenset({"nan", "-nan", "inf", "-inf", "+inf", "infinity", "1.#qnan", "-1.#ind", "1.#inf", "n/a"})
_TEXT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x1a")
_BINARY_KINDS = (
    (b"BIO-LOGIC MODULAR FILE", "a binary BioLogic .mpr file: export it as text from EC-Lab (.mpt)"),
    (b"SQLite format 3", "a SQLite file; if it is a run of cellrig, use `cellrig report` or `cellrig export`"),
    (b"PK\x03\x04", "a zip archive or an Excel sheet: save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel sheet or another binary Office file: save the sheet as CSV"),
    (b"\x89HDF", "an HDF5 file: export the spectrum as CSV"),
    (b"PAR1", "a Parquet file: export the spectrum as CSV"),
    (b"%PDF", "a PDF: export the spectrum as text from the program that measured it"),
)


@dataclass(frozen=True)
class SourceText:
    """The lines of a file without their line ends. Lines are counted from 1, as editors do."""

    path: Path
    lines: tuple[str, ...]
    last_line_ended: bool

    @property
    def head(self) -> str:
        return "\n".join(self.lines[:400])

    def refuse(self, problem: str, line: int | None = None, allowed: str = "") -> BadInput:
        """The error to raise: names the file and, where known, the line."""
        place = str(self.path) if line is None else f"{self.path}, line {line}"
        return BadInput(problem, place=place, allowed=allowed)


@dataclass(frozen=True)
class Row:
    """One line of a table, cut into cells without the blanks around them."""

    line: int
    cells: tuple[str, ...]


def load_text(path: Path) -> SourceText:
    """Read a file as text: UTF-8 (with or without mark), UTF-16 with mark, else windows-1252.

    Raises BadInput when it can't be opened, is empty, too large, or is not text.
    """
    place = str(path)
    try:
        if path.is_dir():
            raise BadInput("this is a folder, a file was asked for", place=place)
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise BadInput("the file is larger than 200 MB, no spectrum is", place=place)
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInput("there is no such file", place=place) from None
    except OSError as error:
        raise BadInput(f"the file can't be read: {error.strerror or error}", place=place) from error
    return text_from_bytes(path, content)


def text_from_bytes(path: Path, content: bytes) -> SourceText:
    """`load_text` for bytes that are already there."""
    if not content.strip(b" \t\r\n\x00"):
        raise BadInput("the file is empty", place=str(path))
    for start, kind in _BINARY_KINDS:
        if content.startswith(start):
            raise BadInput(f"this is {kind}", place=str(path))
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a")
    for number, line in enumerate(text.split("\n"), start=1):
        if any(character < " " and character not in _TEXT_CONTROLS for character in line):
            raise BadInput(
                "the file holds bytes that are no text; it is binary or damaged: export it as text from "
                "the program that measured it",
                place=f"{path}, line {number}",
            )
    lines = text.split("\n")
    ended = lines[-1] == ""
    return SourceText(path, tuple(lines[:-1] if ended else lines), ended)


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # EC-Lab and Gamry write windows-1252; its five holes are harmless in a comment.
        return content.decode("cp1252", errors="replace")


def split_cells(line: str, delimiter: str | None) -> tuple[str, ...]:
    """Cells of one line; `None` cuts at any run of blanks."""
    cells = line.split(delimiter) if delimiter else line.split()
    return tuple(_unquoted(cell.strip()) for cell in cells)


def _unquoted(cell: str) -> str:
    # Only a pair of quotes is quoting: the header Z" ends in one that means something.
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def decimal_mark(source: SourceText, rows: Iterable[Row], columns: Sequence[int]) -> str:
    """ "," when numbers of these columns are written with a decimal comma, else ".".

    Raises BadInput, naming the line, when both marks occur (1.234,5 can be read in two ways) and when the
    commas may as well separate thousands.
    """
    lines: dict[str, int] = {}
    only_thousands = True
    for row in rows:
        for column in columns:
            cell = row.cells[column] if column < len(row.cells) else ""
            if not any(character.isdigit() for character in cell):
                continue
            for mark in {".", ","} & set(cell):
                lines.setdefault(mark, row.line)
            only_thousands &= "," not in cell or _THOUSANDS.fullmatch(cell) is not None
    if len(lines) == 2:
        second, first = max(lines, key=lambda mark: lines[mark]), min(lines, key=lambda mark: lines[mark])
        raise source.refuse(
            f"numbers are written with a '{second}' here and with a '{first}' in line {lines[first]}; write them "
            "all with the same decimal mark, without thousands separators",
            lines[second],
        )
    if "," in lines and only_thousands:
        raise source.refuse(
            "the comma may be a decimal or separate thousands (1,234); write the numbers with decimal points",
            lines[","],
        )
    return "," if "," in lines else "."


def to_number(source: SourceText, row: Row, column: int, mark: str, what: str) -> float:
    """One cell as a number; NaN only where the file says NaN.

    Raises BadInput for a missing cell or one that is no number.
    """
    if column >= len(row.cells):
        raise source.refuse(f"the row ends before its {what}: the file was cut or is still being written", row.line)
    cell = row.cells[column]
    if cell.lower() in _NOT_A_NUMBER:
        return math.nan
    plain = cell.replace(",", ".", 1) if mark == "," else cell
    if not _NUMBER.fullmatch(plain):
        shown = f"{cell[:40]!r} is no number" if cell else "the cell is empty"
        raise source.refuse(f"the {what} can't be read: {shown}", row.line)
    value = float(plain)
    return value if math.isfinite(value) else math.nan
