"""Spectra of other programs: `read_spectra`. The format is told by what is in the file, not by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from procedures.interchange import (
    chinstruments,
    csv_table,
    eclab,
    gamry,
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


FORMATS: Sequence[Format] = (eclab, gamry, zplot, versastudio, parstat, chinstruments, csv_table)


def read_spectra(path: Path | str) -> list[ForeignSpectrum]:
    """All spectra of a file, in its order; loops that the format marks come as spectra of their own.

    Raises BadInput, naming file and line, for anything that can't be read without guessing.
    """
    source = load_text(Path(path))
    found = next(fmt for fmt in FORMATS if fmt.recognise(source.head))
    raw_spectra = found.read(source)
    first_line = int(min(raw.lines[0] for raw in raw_spectra))
    temperature_C = temperature.from_header(source, first_line)
    return [checked(raw, source, found.PROGRAM, temperature_C) for raw in raw_spectra]
