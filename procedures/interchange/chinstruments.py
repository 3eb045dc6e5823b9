"""CH Instruments text: a title `A.C. Impedance`, then the table `Freq/Hz, Z'/ohm, Z"/ohm, Z/ohm, Phase/deg`."""

from __future__ import annotations

from procedures.interchange import csv_table
from procedures.interchange.spectrum import RawSpectrum
from procedures.interchange.text import SourceText

PROGRAM = "CH Instruments text"


def recognise(head: str) -> bool:
    return "A.C. Impedance" in head.split("\n", 6)[:6] and "Instrument Model:" in head


def read(source: SourceText) -> list[RawSpectrum]:
    return csv_table.read(source)
