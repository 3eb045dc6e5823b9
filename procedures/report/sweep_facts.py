"""The spectra of a sweep as its report shows them: what was measured, what it says, where it was taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from daq.contracts import Result
from daq.runfile.reader import RunFile
from procedures.analysis.arrhenius import Convention
from procedures.analysis.geometry import Geometry
from procedures.analysis.sweep import SweepAnalysis
from procedures.analysis.sweep_points import SweepPoint
from procedures.eis_spectra import analyse_spectra, load_spectra
from procedures.report.facts import SPECTRA, RunFacts
from procedures.sample_geometry import geometry_of

_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Shown:
    """A spectrum that counts: `row` is its row of `spectra`, `results` its numbers by name."""

    point: SweepPoint
    row: Mapping[str, Any]
    results: Mapping[str, Result]

    @property
    def temperature_C(self) -> float:
        """The sample's where it is known, else the set-point."""
        known = self.point.spectrum.temperature_C
        return known if math.isfinite(known) else self.point.spectrum.nominal_C

    @property
    def frequency_Hz(self) -> np.ndarray:
        return self.point.spectrum.data.frequency_Hz

    @property
    def z_ohm(self) -> np.ndarray:
        return self.point.spectrum.data.z_ohm

    @property
    def good(self) -> np.ndarray:
        """Which points were not overloaded."""
        overload = self.point.spectrum.data.overload
        return np.ones(len(self.z_ohm), dtype=bool) if overload is None else ~np.asarray(overload, dtype=bool)

    @property
    def label(self) -> str:
        """`60 °C`, with the way where it is not heating, and the attempt after a break."""
        one = self.point.spectrum
        way = {"cooling": " ↓", "return": " ↺"}.get(one.direction, "")
        again = f" (attempt {one.attempt})" if one.attempt > 1 else ""
        return f"{one.nominal_C:g} °C{way}{again}" if math.isfinite(one.nominal_C) else f"{one.label}{again}"


@dataclass(frozen=True, eq=False)
class SweepFacts:
    """`shown` in the order taken; `analysis` is the one that the whole report shares."""

    shown: list[Shown]
    analysis: SweepAnalysis

    def samples(self) -> list[str]:
        return list(dict.fromkeys(one.point.spectrum.sample for one in self.shown))

    def of(self, sample: str) -> list[Shown]:
        return [one for one in self.shown if one.point.spectrum.sample == sample]

    @property
    def has_conductivity(self) -> bool:
        return any(one.point.geometry is not None for one in self.shown)


def sweep_facts_of(run: RunFile, facts: RunFacts) -> SweepFacts | None:
    """Analyse the finished spectra, once. None when there are none."""
    if not facts.rows.get(SPECTRA) or not facts.rows.get("impedance"):
        return None
    spectra = load_spectra(run)
    rows = facts.tables[SPECTRA]
    row_of = {id(one): {name: column[index] for name, column in rows.items()} for index, one in enumerate(spectra)}
    found = {sample.label: geometry_of(sample) for sample in facts.samples}
    geometries: dict[str, Geometry] = {label: one for label, one in found.items() if one is not None}
    analysis = analyse_spectra(run, spectra, geometries, _convention(facts))
    numbers = _by_spectrum(analysis.results)
    shown = [
        Shown(SweepPoint(one, fit, reason, geometries.get(one.sample)), row_of[id(one)], own)
        for (one, fit, reason), own in zip(analysis.spectra, numbers, strict=True)
    ]
    return SweepFacts(shown, analysis)


def _convention(facts: RunFacts) -> Convention:
    """The one the run was made with; an older run says nothing."""
    return "ln sigma T" if facts.parameters.get("convention") == "ln sigma T" else "ln sigma"


def _by_spectrum(results: list[Result]) -> list[dict[str, Result]]:
    """The analysis gives each spectrum's numbers in a row, then what holds for the sweep as a whole."""
    groups: list[dict[str, Result]] = []
    for one in results:
        if one.name in ("activation_energy", "transition_temperature"):
            break
        if not groups or one.name in groups[-1]:
            groups.append({})
        groups[-1][one.name] = one
    return groups


def changed_since(facts: RunFacts, analysis: SweepAnalysis) -> str:
    """A sentence when the numbers kept with the run are not those of this report; empty when they are."""
    if not facts.results:
        return ""
    kept = {(one.name, repr(sorted(one.at.items()))): one.value for one in facts.results}
    now = {(one.name, repr(sorted(one.at.items()))): one.value for one in analysis.results}
    if kept.keys() == now.keys() and all(_same(kept[key], now[key]) for key in kept):
        return ""
    maker = facts.versions.get("cellrig", "of then")
    return (
        f"the numbers here are of a new analysis of the recorded spectra; those that cellrig {maker} kept with the "
        "run differ"
    )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_SAME)
