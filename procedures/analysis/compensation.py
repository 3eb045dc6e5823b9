"""Open, short and load compensation of a cell holder and its leads.

    short and open:        Z = (Zm - Zs) / (1 - (Zm - Zs) / (Zo - Zs))
    open, short and load:  Z = Zstd (Zo - Zl) (Zm - Zs) / ((Zl - Zs) (Zo - Zm))

Zm is what is measured, Zo, Zs, Zl what the standards showed, Zstd what the load is (Agilent Impedance Measurement
Handbook, 4th edition, chapter 4). The first takes series impedance and stray capacitance, the second any two-port.
Without an open only the series part goes: Z = Zm - Zs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from daq.errors import BadInput
from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.options import FitOptions

KINDS = ("open", "short", "load")
FEWEST = 3
BEYOND = 1.05  # a standard may end this factor short of the spectrum's ends
SHORT_MAX_OHM = 100.0
OPEN_TO_SHORT_MIN = 100.0
# What is left of a phase error at 1 MHz and of leads after a compensation with good standards, one standard error:
# the first where a load fixes the phase too, the second with open and short alone.
PHASE_LEFT_deg = {True: 0.1, False: 0.5}
LEAD_LEFT_ohm = 0.05
STRAY_LEFT_F = 5e-13


@dataclass(frozen=True, eq=False)
class Standard:
    """One standard as it was measured: frequency_Hz (n,) rising, z_ohm (n,)."""

    kind: str
    frequency_Hz: Floats
    z_ohm: Complexes
    source: str = ""

    def at(self, frequency_Hz: Floats) -> Complexes:
        """Between its frequencies by straight lines, of Z for a short and a load, of 1/Z for an open: the inductance
        of a lead and the capacitance of a holder are straight lines over the frequency."""
        values = 1 / self.z_ohm if self.kind == "open" else self.z_ohm
        known = self.frequency_Hz
        found = np.interp(frequency_Hz, known, values.real) + 1j * np.interp(frequency_Hz, known, values.imag)
        return np.asarray(1 / found if self.kind == "open" else found, dtype=complex)


@dataclass(frozen=True, eq=False)
class Standards:
    """A short, and perhaps an open and a load of `load_ohm`. Raises BadInput for standards that can't be."""

    short: Standard
    open: Standard | None = None
    load: Standard | None = None
    load_ohm: float | None = None

    def __post_init__(self) -> None:
        if (self.load is None) != (self.load_ohm is None):
            raise BadInput("a load needs its resistance, and a resistance its load", place="compensation.load_ohm")
        if self.load is not None and self.open is None:
            raise BadInput("a load goes with an open and a short", place="compensation.open")
        if self.load_ohm is not None and not (math.isfinite(self.load_ohm) and self.load_ohm > 0):
            raise BadInput(f"{self.load_ohm!r} Ω is no load", place="compensation.load_ohm", allowed="above 0")
        shorted = float(np.median(np.abs(self.short.z_ohm)))
        if shorted > SHORT_MAX_OHM:
            text = f"the short shows {shorted:.3g} Ω: something is not connected, or the files are mixed up"
            raise BadInput(text, place="compensation.short")
        if self.open is not None and float(np.median(np.abs(self.open.z_ohm))) < OPEN_TO_SHORT_MIN * shorted:
            text = "the open shows hardly more than the short: it is shorted, or the files are mixed up"
            raise BadInput(text, place="compensation.open")

    def parts(self) -> list[Standard]:
        return [one for one in (self.open, self.short, self.load) if one is not None]

    def applied(self, frequency_Hz: Floats, z_ohm: Complexes) -> Complexes:
        """The impedance of the cell alone. Raises BadInput where a standard does not reach."""
        for one in self.parts():
            low, high = float(one.frequency_Hz.min()) / BEYOND, float(one.frequency_Hz.max()) * BEYOND
            if frequency_Hz.min() < low or frequency_Hz.max() > high:
                raise BadInput(
                    f"the {one.kind} was measured from {low:.3g} to {high:.3g} Hz, the spectrum from "
                    f"{frequency_Hz.min():.3g} to {frequency_Hz.max():.3g} Hz",
                    place=f"compensation.{one.kind}",
                )
        short = self.short.at(frequency_Hz)
        if self.open is None:
            return z_ohm - short
        opened = self.open.at(frequency_Hz)
        if self.load is None or self.load_ohm is None:
            return (z_ohm - short) / (1 - (z_ohm - short) / (opened - short))
        load = self.load.at(frequency_Hz)
        return self.load_ohm * (opened - load) * (z_ohm - short) / ((load - short) * (opened - z_ohm))

    def options(self, options: FitOptions) -> FitOptions:
        """What may be assumed of compensated spectra: less of leads, phase and stray capacitance."""
        return replace(
            options,
            lead_resistance_uncertainty_ohm=min(options.lead_resistance_uncertainty_ohm, LEAD_LEFT_ohm),
            phase_uncertainty_deg=min(options.phase_uncertainty_deg, PHASE_LEFT_deg[self.load is not None]),
            stray_capacitance_F=options.stray_capacitance_F
            if self.open is None
            else min(options.stray_capacitance_F, STRAY_LEFT_F),
        )

    def __str__(self) -> str:
        told = [f"{one.kind} {one.source}".strip() for one in self.parts()]
        load = f" of {self.load_ohm:g} Ω" if self.load_ohm is not None else ""
        return f"compensated by {', '.join(told)}{load}"


def standard(kind: str, frequency_Hz: Floats, z_ohm: Complexes, source: str) -> Standard:
    """Sorted and checked. Raises BadInput."""
    good = np.isfinite(z_ohm) & (frequency_Hz > 0) & (np.abs(z_ohm) > 0)
    order = np.argsort(frequency_Hz[good])
    frequency, z = frequency_Hz[good][order], z_ohm[good][order]
    if len(frequency) < FEWEST:
        raise BadInput(f"has {len(frequency)} usable points, too few", place=f"compensation.{kind}")
    frequency, first = np.unique(frequency, return_index=True)
    return Standard(kind, frequency, z[first], source)
