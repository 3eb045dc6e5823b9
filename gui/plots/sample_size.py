"""In what an impedance may be shown: as it is, times the area, or as a resistivity; only where the sample says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from daq.errors import BadInput
from daq.sample import samples_of
from gui.model.run_view import RunView
from gui.model.spectra import SpectrumCurve
from procedures.analysis.geometry import Geometry
from procedures.sample_geometry import electrode_area_cm2, geometry_of


@dataclass(frozen=True)
class Normalisation:
    """`text` for people, `unit` behind a prefix, `column` in a file; `factor` of one spectrum."""

    text: str
    unit: str
    column: str
    factor: Callable[[SpectrumCurve], float]


def normalisations_of(runs: Sequence[RunView]) -> list[Normalisation]:
    areas: dict[tuple[str, str], float] = {}
    geometries: dict[tuple[str, str], Geometry] = {}
    for run in runs:
        try:
            samples = samples_of(run.head.sample)
        except BadInput:  # a run of somebody else's making; it is shown in ohm
            continue
        for sample in samples:
            area, geometry = electrode_area_cm2(sample), geometry_of(sample)
            if area is not None:
                areas[run.head.id, sample.label] = area
            if geometry is not None:
                geometries[run.head.id, sample.label] = geometry
    found = [Normalisation("Z / Ω", "Ω", "ohm", lambda curve: 1.0)]
    if areas:
        found.append(Normalisation("Z·A / Ω cm²", "Ω cm²", "ohm_cm2", lambda curve: areas.get(_key(curve), math.nan)))
    if geometries:

        def resistivity(curve: SpectrumCurve) -> float:
            geometry = geometries.get(_key(curve))
            return geometry.area_cm2 / (0.1 * geometry.thickness_mm) if geometry else math.nan

        found.append(Normalisation("ρ / Ω cm", "Ω cm", "ohm_cm", resistivity))
    return found


def _key(curve: SpectrumCurve) -> tuple[str, str]:
    return curve.run.head.id, curve.sample
