"""Parstat text: one tab table from the first line on, in which direct-current rows have frequency 0."""

from __future__ import annotations

from procedures.interchange import csv_table
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.text import SourceText

PROGRAM = "Parstat text"


def recognise(head: str) -> bool:
    return head.startswith("Potential (V)\tCurrent (A)\tElapsed Time (s)\tFrequency (Hz)\tZre (ohms)\tZim (ohms)")


def read(source: SourceText) -> list[RawSpectrum]:
    return csv_table.read(source)
