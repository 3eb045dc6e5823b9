"""Spectra of a recorded sweep, as the analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from daq.contracts import RunReader
from procedures.analysis.arrhenius import Convention
from procedures.analysis.geometry import Geometry
from procedures.analysis.options import FitOptions
from procedures.analysis.spectrum import SpectrumData
from procedures.analysis.sweep import MeasuredSpectrum, SweepAnalysis, analyse_sweep
from procedures.eis_compensation import kept_standards


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
