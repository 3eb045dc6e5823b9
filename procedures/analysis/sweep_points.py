"""Spectra of a sweep, which of them count, and what each says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daq.errors import AnalysisRefused
from procedures.analysis.geometry import Geometry
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumData, SpectrumFit, fit_spectrum

_LINE_OWN = 0.2


@dataclass(frozen=True, eq=False)
class MeasuredSpectrum:
    """A spectrum and where it was taken. `temperature_C` is the sample's, NaN where nobody knows it.

    `direction` is "heating", "cooling", "return" or "". `settled` False: taken although the sample was not at
    temperature. Of several spectra at one set-point and direction the last settled one counts.
    """

    sample: str
    direction: str
    setpoint_C: float | None
    temperature_C: float
    temperature_uncertainty_K: float
    data: SpectrumData
    settled: bool = True
    label: str = ""
    attempt: int = 1

    @property
    def nominal_C(self) -> float:
        """The set-point where there is one, else the sample's temperature."""
        if self.setpoint_C is not None and math.isfinite(self.setpoint_C):
            return self.setpoint_C
        return self.temperature_C

    def __str__(self) -> str:
        where = f"{self.nominal_C:g} °C" if math.isfinite(self.nominal_C) else "unknown temperature"
        return " ".join(part for part in (self.sample, self.label, self.direction, where) if part)


@dataclass(frozen=True, eq=False)
class SweepPoint:
    """A spectrum that counts, with its fit or the reason why there is none."""

    spectrum: MeasuredSpectrum
    fit: SpectrumFit | None
    reason: str | None
    geometry: Geometry | None

    @property
    def resistance_ohm(self) -> float:
        """NaN when refused."""
        value = self.fit.total_resistance.value if self.fit is not None else None
        return math.nan if value is None else value

    @property
    def line_ohm(self) -> float:
        """Resistance for the Arrhenius line: the total, or one that was refused for the leads alone, since the line
        has a parameter for them. NaN when there is none."""
        total = self.fit.total_resistance if self.fit is not None else None
        if total is None or total.value is not None or total.refused_value is None:
            return self.resistance_ohm
        own = math.sqrt(sum(part**2 for name, part in total.components if name != "lead"))
        return total.refused_value if 0 < own < _LINE_OWN * total.refused_value else math.nan

    @property
    def sigma_S_cm(self) -> float:
        """Conductivity; without a geometry 1 / R, which has the same activation energy."""
        if self.geometry is None:
            return 1 / self.line_ohm
        return self.geometry.conductivity_S_cm(self.line_ohm)

    @property
    def own_relative(self) -> float:
        """Relative error that is this spectrum's alone (fit, model, range)."""
        if self.fit is None:
            return math.nan
        square = sum(part**2 for name, part in self.fit.total_resistance.components if name != "lead")
        return math.sqrt(square) / self.line_ohm

    @property
    def lead_relative(self) -> float:
        """Relative error from the leads, the same in ohm for all spectra of a sweep."""
        return math.nan if self.fit is None else self.fit.total_resistance.component("lead") / self.line_ohm

    @property
    def counts(self) -> bool:
        """Whether it has a place in an Arrhenius plot."""
        return math.isfinite(self.line_ohm) and math.isfinite(self.spectrum.temperature_C)


def last_settled(spectra: Sequence[MeasuredSpectrum]) -> tuple[list[MeasuredSpectrum], list[str]]:
    """Of spectra of a sample that follow each other at one set-point the last settled one, else the last; and
    notes. A set-point that is visited again later is another point."""
    visits: list[list[MeasuredSpectrum]] = []
    open_visit: dict[str, tuple[tuple[str, float], list[MeasuredSpectrum]]] = {}
    for one in spectra:
        if one.setpoint_C is None:  # spectra of another program: nobody said which of them repeat each other
            visits.append([one])
            open_visit.pop(one.sample, None)
            continue
        place = (one.direction, one.setpoint_C)
        before = open_visit.get(one.sample)
        if before is not None and before[0] == place:
            before[1].append(one)
        else:
            visits.append([one])
            open_visit[one.sample] = (place, visits[-1])
    kept, notes = [], []
    for visit in visits:
        settled = [one for one in visit if one.settled]
        kept.append((settled or visit)[-1])
        if len(visit) > 1:
            notes.append(f"{kept[-1]}: the last {'settled ' if settled else ''}one of {len(visit)} spectra counts")
    return kept, notes


def fit_point(spectrum: MeasuredSpectrum, geometry: Geometry | None, options: FitOptions) -> SweepPoint:
    try:
        return SweepPoint(spectrum, fit_spectrum(spectrum.data, options), None, geometry)
    except AnalysisRefused as refusal:
        return SweepPoint(spectrum, None, str(refusal), geometry)


def columns(points: Sequence[SweepPoint]) -> dict[str, np.ndarray]:
    """What the regression takes, (n,) each."""
    return {
        "temperature_C": np.array([p.spectrum.temperature_C for p in points]),
        "sigma_S_cm": np.array([p.sigma_S_cm for p in points]),
        "relative_uncertainty": np.array([p.own_relative for p in points]),
        "temperature_uncertainty_K": np.array([p.spectrum.temperature_uncertainty_K for p in points]),
        "common_relative_uncertainty": np.array([[p.lead_relative for p in points]]),
    }
