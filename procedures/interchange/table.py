"""From rows of a table to spectra: numbers, loops, and the last line of a file that may have been cut."""

from __future__ import annotations

import numpy as np

from procedures.interchange.columns import Columns, Quantity
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.text import Row, SourceText, decimal_mark, split_cells, to_number


def rows_between(
    source: SourceText, first: int, last: int, delimiter: str | None, comment: str | None = None
) -> list[Row]:
    """The rows of lines first..last (counted from 1, both included) that are not blank or a comment."""
    rows = []
    for number in range(first, last + 1):
        line = source.lines[number - 1]
        if line.strip() and not (comment and line.lstrip().startswith(comment)):
            rows.append(Row(number, split_cells(line, delimiter)))
    return rows


def spectra_from_rows(
    source: SourceText, rows: list[Row], columns: Columns, width: int | None = None, notes: tuple[str, ...] = ()
) -> list[RawSpectrum]:
    """Spectra of one table, split where its loop column changes.

    `width`: the number of cells a whole row has; a shorter one was cut. Raises BadInput.
    """
    if not rows:
        raise source.refuse("there are no points below the header", len(source.lines))
    if width is not None:
        _refuse_other_width(source, rows, width)
    used = [quantity.index for quantity in columns.needed]
    sparse = [row for row in rows if any(index >= len(row.cells) or row.cells[index] for index in used)]
    if sparse and len(sparse) < len(rows):  # BDF: rows of a constant current have no impedance at all
        notes = (*notes, f"{len(rows) - len(sparse)} rows without an impedance left out")
        rows = sparse
    mark = decimal_mark(source, rows, used)
    numbers = np.array(
        [
            [
                to_number(source, row, quantity.index, mark, f"column {quantity.header or quantity.index + 1!r}")
                * quantity.factor
                for quantity in columns.needed
            ]
            for row in rows
        ]
    )
    doubt = _doubt_about_last_row(source, rows, used)
    if columns.unitless:
        notes = (*notes, "the header gives no units; taken as Hz and ohm")
    raw = RawSpectrum(
        lines=np.array([row.line for row in rows]),
        frequency_Hz=numbers[:, 0],
        z_ohm=numbers[:, 1] + 1j * numbers[:, 2] if columns.real else _from_polar(source, rows, numbers),
        sign_header=columns.sign_header,
        temperature_C=_temperatures(source, rows, columns, mark),
        notes=notes + doubt,
    )
    return _split_loops(source, rows, columns, mark, raw)


def _refuse_other_width(source: SourceText, rows: list[Row], width: int) -> None:
    for row in rows:
        if len(row.cells) < width:
            raise source.refuse(
                f"the row has {len(row.cells)} of {width} columns: the file was cut or is still being written",
                row.line,
            )
        if any(row.cells[width:]):
            raise source.refuse(
                f"the row has {len(row.cells)} columns, the header {width}; where numbers have decimal commas, "
                "separate the columns by ';' or tabs",
                row.line,
            )


def _from_polar(source: SourceText, rows: list[Row], numbers: np.ndarray) -> np.ndarray:
    """Z from columns f, |Z|, phase in rad. Raises BadInput for what is no modulus or no angle."""
    modulus, phase = numbers[:, 1], numbers[:, 2]
    wrong = (modulus < 0) | (np.abs(phase) > 2 * np.pi)
    if wrong.any():
        raise source.refuse(
            "the modulus is negative, or the phase is more than a full turn in the unit of its header",
            rows[int(np.argmax(wrong))].line,
        )
    return modulus * np.exp(1j * phase)


def _temperatures(source: SourceText, rows: list[Row], columns: Columns, mark: str) -> np.ndarray | None:
    column = columns.temperature
    if column is None:
        return None
    written = [column.index < len(row.cells) and row.cells[column.index] != "" for row in rows]
    return np.array(
        [
            to_number(source, row, column.index, mark, "temperature") if there else np.nan
            for row, there in zip(rows, written, strict=True)
        ]
    )


def _split_loops(
    source: SourceText, rows: list[Row], columns: Columns, mark: str, raw: RawSpectrum
) -> list[RawSpectrum]:
    for column in columns.loops:
        loops = _loop_numbers(source, rows, column, mark)
        if (loops != loops[0]).any():
            break
    else:
        return [raw]
    found = list(dict.fromkeys(loops.tolist()))  # in the order of the file
    parts = []
    for loop in found:
        part = raw.part(loops == loop)
        if not (part.frequency_Hz == 0).all():  # a loop of direct current only is no spectrum
            parts.append(part.as_loop(loop))
    return parts or [raw]


def _loop_numbers(source: SourceText, rows: list[Row], column: Quantity, mark: str) -> np.ndarray:
    loops = np.array([to_number(source, row, column.index, mark, "loop number") for row in rows])
    wrong = ~np.isfinite(loops) | (loops != np.round(loops))
    if wrong.any():
        line = rows[int(np.argmax(wrong))].line
        raise source.refuse(f"the loop number in column {column.header!r} is no whole number", line)
    return loops.astype(int)


def _doubt_about_last_row(source: SourceText, rows: list[Row], used: list[int]) -> tuple[str, ...]:
    """A file cut in the middle of its last number still reads as a number, of another size.

    Told by the missing end of line together with a number written shorter than all others of its column.
    """
    last = rows[-1]
    cut_here = not source.last_line_ended and last.line == len(source.lines) and len(last.cells) - 1 in used
    if not cut_here or len(rows) < 2:
        return ()
    column = len(last.cells) - 1
    cell, others = last.cells[column], [row.cells[column] for row in rows[:-1]]
    shorter = len(cell) < min(map(len, others)) - 1
    exponent_shorter = _exponent_digits(cell) < min(map(_exponent_digits, others))
    if shorter or exponent_shorter:
        raise source.refuse(
            f"the last number, {cell!r}, is written shorter than all others and the line does not end: the file "
            "was cut or is still being written",
            last.line,
        )
    return ("the last line has no line break; if the file was cut, its last number may be short",)


def _exponent_digits(cell: str) -> int:
    _, exponent, digits = cell.lower().partition("e")
    return len(digits.lstrip("+-")) if exponent else 0
