"""What the spectra between held potentials say: the total conductivity, and what lithium's interfaces take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from daq.contracts import RunReader
from daq.errors import AnalysisRefused
from procedures.analysis.estimate import Estimate
from procedures.analysis.geometry import Geometry
from procedures.cycling_spectra import HIGH, LOW, resistances_over_cycles


def total_conductivity_S_cm(run: RunReader, geometry: Geometry) -> Estimate:
    """Of the spectrum that was taken before the first potential; refused where there is none, or it holds none."""
    from procedures.analysis.spectrum import fit_spectrum
    from procedures.analysis.window import SpectrumData

    rows = run.table("impedance", columns=("spectrum", "frequency_Hz", "z_real_ohm", "z_imag_ohm", "overload"))
    first = rows["spectrum"] == 1
    if not first.any():
        return Estimate.refused("no spectrum was taken of this sample at this temperature")
    first &= rows["attempt"] == rows["attempt"][first].max()
    impedance = rows["z_real_ohm"][first] + 1j * rows["z_imag_ohm"][first]
    try:
        fit = fit_spectrum(SpectrumData(rows["frequency_Hz"][first], impedance, rows["overload"][first] != 0))
    except AnalysisRefused as refusal:
        return Estimate.refused(str(refusal))
    total = fit.total_resistance
    if total.value is None:
        return Estimate.refused(total.reason or "the spectrum holds no total resistance", total.method)
    value = geometry.cell_constant_per_cm / total.value
    return Estimate.positive(value, {"resistance": value * total.relative}, f"thickness / (R area); {total.method}")


def interfacial_ohm(run: RunReader) -> Mapping[int, Estimate]:
    """By the number of potentials held before: Re Z at the lowest minus at the highest frequency of the spectrum.

    With electrodes that pass lithium the first is the whole cell, the second its electrolyte.
    """
    ends: dict[int, dict[str, Estimate]] = {}
    for one in resistances_over_cycles(run):
        mine = ends.setdefault(int(one.at["cycle"]), {})
        mine[one.name] = Estimate(one.value, one.uncertainty, method=one.method, reason=one.reason)
    found: dict[int, Estimate] = {}
    for held, pair in ends.items():
        whole, electrolyte = pair[LOW[0]], pair[HIGH[0]]
        method = f"{whole.method} minus {electrolyte.method}"
        if whole.value is None or electrolyte.value is None:
            found[held] = Estimate.refused(whole.reason or electrolyte.reason or "", method)
            continue
        spread = float(np.hypot(whole.uncertainty or 0.0, electrolyte.uncertainty or 0.0))
        found[held] = Estimate(max(whole.value - electrolyte.value, 0.0), spread, method=method)
    return found
