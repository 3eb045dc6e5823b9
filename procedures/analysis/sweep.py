"""The analysis of an impedance sweep over temperature: from spectra to the results of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from daq.contracts import Result
from procedures.analysis.arrhenius import Convention
from procedures.analysis.branches import Branch, SampleLines, lines_of
from procedures.analysis.geometry import Geometry
from procedures.analysis.joint_parts import with_joint_parts
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumFit
from procedures.analysis.sweep_points import MeasuredSpectrum, SweepPoint, fit_point, last_settled
from procedures.analysis.sweep_results import point_results, sweep_results


@dataclass(frozen=True, eq=False)
class SweepAnalysis:
    """`results` as the run keeps them; `spectra` those that count, each with its fit or a reason, `arrhenius` the
    lines by sample, direction and branch; `notes` sentences for the report."""

    results: list[Result]
    spectra: list[tuple[MeasuredSpectrum, SpectrumFit | None, str | None]]
    arrhenius: list[Branch]
    notes: list[str] = field(default_factory=list)
    convention: Convention = "ln sigma"
    options: FitOptions = field(default_factory=FitOptions)


def analyse_sweep(
    spectra: Sequence[MeasuredSpectrum],
    geometry: Geometry | Mapping[str, Geometry] | None,
    options: FitOptions | None = None,
    convention: Convention = "ln sigma",
) -> SweepAnalysis:
    """Fit every spectrum, then the Arrhenius lines of every sample.

    `geometry` is one for all samples or one by sample name; without one there are resistances and the activation
    energy, and a note. Never raises for the data: what can't be had is a result with a reason.
    """
    options = options or FitOptions()
    kept, notes = last_settled(spectra)
    samples = list(dict.fromkeys(one.sample for one in kept))
    points: list[SweepPoint] = []
    joint_notes: dict[str, list[str]] = {}
    for name in samples:
        own = [fit_point(one, _geometry_of(name, geometry), options) for one in kept if one.sample == name]
        own, joint_notes[name] = with_joint_parts(own, options)
        points += own
    lines = {name: lines_of(name, [p for p in points if p.spectrum.sample == name], convention) for name in samples}
    results: list[Result] = []
    for point in points:
        results += point_results(point, lines[point.spectrum.sample], several=len(samples) > 1)
    for name in samples:
        results += sweep_results(lines[name], _geometry_of(name, geometry), convention, several=len(samples) > 1)
        notes += _sample_notes(lines[name], joint_notes[name], points, _geometry_of(name, geometry))
    if points:
        notes.append(f"assumed: {options}")
    return SweepAnalysis(
        results=results,
        spectra=[(p.spectrum, p.fit, p.reason) for p in points],
        arrhenius=[branch for name in samples for branch in lines[name].branches],
        notes=notes,
        convention=convention,
        options=options,
    )


def _geometry_of(sample: str, geometry: Geometry | Mapping[str, Geometry] | None) -> Geometry | None:
    if geometry is None or isinstance(geometry, Geometry):
        return geometry
    return geometry.get(sample)


def _sample_notes(
    lines: SampleLines, joint_notes: list[str], points: Sequence[SweepPoint], geometry: Geometry | None
) -> list[str]:
    notes = []
    if geometry is None:
        notes.append("without thickness and area there are resistances and no conductivities")
    else:
        density = geometry.density_note()
        notes += [density] if density else []
        if geometry.relative_uncertainty > 0:
            notes.append(
                f"the geometry adds {100 * geometry.relative_uncertainty:.1f} % to every conductivity, in common; "
                "it is in none of the stated uncertainties"
            )
    notes += joint_notes + lines.notes
    for point in points:
        if point.spectrum.sample == lines.sample and point.fit is not None:
            notes += [f"{point.spectrum}: {note}" for note in point.fit.notes]
    return [f"{lines.sample}: {note}" if lines.sample and lines.sample not in note else note for note in notes]


__all__ = ["Branch", "MeasuredSpectrum", "SweepAnalysis", "SweepPoint", "analyse_sweep"]
