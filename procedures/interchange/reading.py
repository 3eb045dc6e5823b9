"""Spectra of other programs: `read_spectra`. The format is told by what is in the file, not by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from daq.errors import BadInput
from procedures.interchange import (
    chinstruments,
    csv_table,
    dfr,
    eclab,
    gamry,
    ivium,
    parstat,
    temperature,
    versastudio,
    zplot,
)
from procedures.interchange.spectrum import ForeignSpectrum, RawSpectrum, checked
from procedures.interchange.text import SourceText, load_text


class Format(Protocol):
    """A module that reads one format."""

    @property
    def PROGRAM(self) -> str: ...

    def recognise(self, head: str) -> bool: ...
    def read(self, source: SourceText) -> list[RawSpectrum]: ...


FORMATS: Sequence[Format] = (eclab, gamry, zplot, versastudio, parstat, chinstruments, ivium, dfr, csv_table)


def read_spectra(path: Path | str, *, may_be_inductive: bool = False) -> list[ForeignSpectrum]:
    """All spectra of a file, in its order; loops that the format marks come as spectra of their own.

    `may_be_inductive`: a short or a load is, a cell is not at every frequency.
    Raises BadInput, naming file and line, for anything that can't be read without guessing.
    """
    source = load_text(Path(path))
    found = next(fmt for fmt in FORMATS if fmt.recognise(source.head))
    raw_spectra = found.read(source)
    first_line = int(min(raw.lines[0] for raw in raw_spectra))
    temperature_C = temperature.from_header(source, first_line)
    return _checked_loops(raw_spectra, source, found.PROGRAM, temperature_C, may_be_inductive)


def _checked_loops(
    raw_spectra: list[RawSpectrum],
    source: SourceText,
    program: str,
    temperature_C: float | None,
    may_be_inductive: bool,
) -> list[ForeignSpectrum]:
    """A bad loop among good ones (the last one, stopped early) is left out with a note on the first good one."""
    spectra, refused = [], []
    for raw in raw_spectra:
        try:
            spectra.append(checked(raw, source, program, temperature_C, may_be_inductive=may_be_inductive))
        except BadInput as error:
            refused.append((raw.loop, error))
    if not spectra:
        raise refused[0][1]
    left_out = tuple(f"loop {loop} left out: {error.problem}" for loop, error in refused)
    return [replace(spectra[0], notes=(*spectra[0].notes, *left_out)), *spectra[1:]]
