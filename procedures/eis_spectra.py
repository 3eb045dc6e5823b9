"""Spectra of a recorded sweep, and the geometry of its samples, as the analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from daq.contracts import RunReader
from daq.errors import BadInput
from daq.sample import Disc, Sample
from procedures.analysis.arrhenius import Convention
from procedures.analysis.geometry import Geometry
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumData
from procedures.analysis.sweep import MeasuredSpectrum, SweepAnalysis, analyse_sweep
from procedures.eis_compensation import kept_standards


def geometry_of(sample: Sample) -> Geometry | None:
    """Thickness of the pellet over the area of the electrode (or the pellet, where no electrode is given).

    None when thickness or area is missing.
    """
    pellet = sample.pellet
    if pellet is None or pellet.thickness_mm is None:
        return None
    area = electrode_area_cm2(sample)
    if area is None:
        return None
    return Geometry(
        thickness_mm=pellet.thickness_mm,
        area_cm2=area,
        thickness_uncertainty_mm=pellet.thickness_uncertainty_mm,
        mass_mg=pellet.mass_mg,
        pellet_area_cm2=pellet.area,
        crystal_density_g_cm3=pellet.crystal_density_g_cm3,
    )


def electrode_area_cm2(sample: Sample) -> float | None:
    """The area the current passes: the electrode's, else the pellet's."""
    for disc in (sample.electrode, sample.pellet):
        if isinstance(disc, Disc) and disc.area is not None:
            return disc.area
    return None


def require_geometry(sample: Sample, place: str) -> Geometry:
    """Raises BadInput naming what is missing: conductivity is never made of a guessed thickness or area."""
    if sample.pellet is None or sample.pellet.thickness_mm is None:
        raise BadInput(
            f"the conductivity of {sample.label} needs a thickness",
            place=f"{place}, sample.pellet.thickness_mm",
            allowed="pellet = { thickness_mm = 0.9, diameter_mm = 10 }",
        )
    geometry = geometry_of(sample)
    if geometry is None:
        raise BadInput(
            f"the conductivity of {sample.label} needs an electrode area",
            place=f"{place}, sample.electrode",
            allowed="electrode = { diameter_mm = 10 } or a diameter of the pellet",
        )
    return geometry


def analyse_spectra(
    run: RunReader,
    spectra: Sequence[MeasuredSpectrum],
    geometries: Mapping[str, Geometry],
    convention: Convention = "ln sigma",
) -> SweepAnalysis:
    """The analysis of what `load_spectra` found, with what the run's standards allow to be assumed."""
    standards = kept_standards(run)
    options = FitOptions() if standards is None else standards.options(FitOptions())
    found = analyse_sweep(spectra, geometries, options, convention)
    if standards is not None:
        found.notes.insert(0, f"the spectra are {standards}")
    return found


def load_spectra(run: RunReader) -> list[MeasuredSpectrum]:
    """The finished spectra of a run, in the order in which they were taken.

    A spectrum of a broken attempt has no row in `spectra` and is left out; its points stay in the record. Where the
    run keeps standards the spectra come compensated. Raises BadInput where a standard does not reach.
    """
    standards = kept_standards(run)
    rows = run.table("spectra")
    points = run.table("impedance")
    numbers = np.asarray(points["spectrum"])
    found = []
    for index in range(len(rows["spectrum"])):
        of_this = (numbers == rows["spectrum"][index]) & np.isfinite(points["z_real_ohm"])
        frequency_Hz = points["frequency_Hz"][of_this]
        z_ohm = points["z_real_ohm"][of_this] + 1j * points["z_imag_ohm"][of_this]
        data = SpectrumData(
            frequency_Hz=frequency_Hz,
            z_ohm=z_ohm if standards is None else standards.applied(frequency_Hz, z_ohm),
            overload=np.asarray(points["overload"][of_this], dtype=bool),
        )
        found.append(
            MeasuredSpectrum(
                sample=str(rows["sample"][index]),
                direction=str(rows["direction"][index]),
                setpoint_C=float(rows["setpoint_C"][index]),
                temperature_C=float(rows["sample_temperature_C"][index]),
                temperature_uncertainty_K=float(rows["sample_temperature_uncertainty_K"][index]),
                data=data,
                settled=bool(rows["settled"][index]),
                label=f"spectrum {int(rows['spectrum'][index])}",
                attempt=int(rows["attempt"][index]),
            )
        )
    return found
