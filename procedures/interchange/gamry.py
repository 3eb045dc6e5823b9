"""Gamry `.DTA` (EXPLAIN): tagged lines, then the table ZCURVE with a row of units; Z'' with its true sign."""

from __future__ import annotations

import math
from dataclasses import replace

from procedures.interchange.columns import columns_from_header
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.table import rows_between, spectra_from_rows
from procedures.interchange.text import SourceText, split_cells

PROGRAM = "Gamry DTA"


def recognise(head: str) -> bool:
    return head.startswith("EXPLAIN")


def read(source: SourceText) -> list[RawSpectrum]:
    """One spectrum per ZCURVE table. Fewer points than the sweep asked for, or an abort, is a note.

    Raises BadInput when there is no ZCURVE or a row was cut.
    """
    tables = [n for n, line in enumerate(source.lines, start=1) if line.startswith("ZCURVE")]
    if not tables:
        raise source.refuse("there is no table ZCURVE: the file holds no impedance, or was cut", len(source.lines))
    spectra = [_read_table(source, line) for line in tables]
    if len(spectra) == 1:
        return spectra
    return [raw.as_loop(number) for number, raw in enumerate(spectra, start=1)]


def _read_table(source: SourceText, table_line: int) -> RawSpectrum:
    if len(source.lines) < table_line + 3:
        raise source.refuse("the table ZCURVE has no points: the file was cut", len(source.lines))
    names = split_cells(source.lines[table_line], "\t")
    units = split_cells(source.lines[table_line + 1], "\t")
    last = table_line + 2
    while last < len(source.lines) and source.lines[last].startswith("\t"):
        last += 1
    with_units = [f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=False)]
    columns = columns_from_header(with_units, source, table_line + 1)
    rows = rows_between(source, table_line + 3, last, "\t")
    notes = _notes(source, source.lines[table_line - 1], len(rows))
    raw = spectra_from_rows(source, rows, columns, width=len(names), notes=notes)[0]
    return replace(raw, aborted=_aborted(source))


def _notes(source: SourceText, table: str, count: int) -> tuple[str, ...]:
    notes = []
    aborted = _aborted(source)
    if aborted:
        notes.append(f"the experiment was aborted ({aborted})")
    announced = _announced(source, table)
    if announced is not None and count < announced - 1:  # the program rounds the number of points up or down
        notes.append(f"{count} of {announced} announced points")
    return tuple(notes)


def _aborted(source: SourceText) -> str:
    for number, line in enumerate(source.lines, start=1):
        if line.startswith("EXPERIMENTABORTED"):
            return f"line {number}"
    return ""


def _announced(source: SourceText, table: str) -> int | None:
    """Points announced by the table line, else those of FREQINIT, FREQFINAL, PTSPERDEC."""
    cells = table.split("\t")
    if len(cells) > 2 and cells[2].strip().isdigit():
        return int(cells[2])
    values = {}
    for line in source.lines[:200]:
        tag, *rest = line.split("\t")
        if tag in ("FREQINIT", "FREQFINAL", "PTSPERDEC") and len(rest) > 1:
            try:
                values[tag] = float(rest[1].replace(",", "."))
            except ValueError:
                return None
    if len(values) < 3 or min(values.values()) <= 0:
        return None
    decades = abs(math.log10(values["FREQINIT"] / values["FREQFINAL"]))
    return round(decades * values["PTSPERDEC"]) + 1
