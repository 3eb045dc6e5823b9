"""The analysis of one impedance spectrum: window, circuit, Kramers-Kronig test, resistances with uncertainties."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from procedures.analysis.circuit import Complexes, Floats
from procedures.analysis.estimate import Estimate, short_number
from procedures.analysis.kramers_kronig import KramersKronig, lin_kk
from procedures.analysis.model_choice import Candidate, fit_candidates
from procedures.analysis.options import FitOptions
from procedures.analysis.resistances import Arc, arcs_of, parts_of_total, total_resistance
from procedures.analysis.window import SpectrumData, Window, choose_window, usable_points

_NEAR_LIMIT = 3.0


@dataclass(frozen=True, eq=False)
class SpectrumFit:
    """What a spectrum says. Arrays are on the fitted window, by falling frequency; `residuals` complex,
    relative to |Z|. `arcs` holds all arcs of the circuit, those of electrodes too, fastest first."""

    total_resistance: Estimate
    bulk_resistance: Estimate
    grain_boundary_resistance: Estimate
    arcs: tuple[Arc, ...]
    model: str
    parameters: Mapping[str, float]
    kramers_kronig: KramersKronig
    frequency_Hz: Floats
    z_ohm: Complexes
    z_fit_ohm: Complexes
    residuals: Complexes
    window: str
    noise: float
    options: FitOptions
    notes: tuple[str, ...] = ()


def fit_spectrum(data: SpectrumData, options: FitOptions | None = None) -> SpectrumFit:
    """Fit one spectrum.

    Raises AnalysisRefused, with a sentence, only for data that are no spectrum (too few points, no finite
    numbers, a turned sign). A number the spectrum does not carry is an Estimate with a reason.
    """
    options = options or FitOptions()
    frequency_Hz, z_ohm, notes = usable_points(data)
    kk = lin_kk(frequency_Hz, z_ohm, options)
    noise = _noise(kk, options)
    window, candidates = _fit_widest(frequency_Hz, z_ohm, noise, options)
    best = candidates[0]
    arcs = arcs_of(best, options)
    total = _refuse_misfit(best, noise, options) or total_resistance(candidates, options)
    bulk, boundary = parts_of_total(best, window.frequency_Hz, total, options)
    parameters = dict(zip(best.circuit.names, (float(v) for v in best.solution.parameters), strict=True))
    z_fit = best.solution.z_fit_ohm
    return SpectrumFit(
        total_resistance=total,
        bulk_resistance=bulk,
        grain_boundary_resistance=boundary,
        arcs=arcs,
        model=best.circuit.label,
        parameters=parameters,
        kramers_kronig=kk,
        frequency_Hz=window.frequency_Hz,
        z_ohm=window.z_ohm,
        z_fit_ohm=z_fit,
        residuals=(window.z_ohm - z_fit) / np.abs(window.z_ohm),
        window=window.text,
        noise=noise,
        options=options,
        notes=(*notes, *_notes(arcs, window, best, noise, kk, options)),
    )


def _noise(kk: KramersKronig, options: FitOptions) -> float:
    """Relative noise of one component: between neighbours, or what a valid Kramers-Kronig fit leaves."""
    noise = (kk.noise_percent or 0.0) / 100
    if kk.verdict == "valid" and kk.residual_percent is not None:
        points = len(kk.residual_real) + len(kk.residual_imag)
        noise = max(noise, kk.residual_percent / 100 * math.sqrt(points / kk.degrees_of_freedom))
    return max(noise, options.noise_floor)


def _fit_widest(
    frequency_Hz: Floats, z_ohm: Complexes, noise: float, options: FitOptions
) -> tuple[Window, list[Candidate]]:
    """The whole spectrum where a circuit describes it within the noise, else the window around the valley."""
    window = choose_window(frequency_Hz, z_ohm, options)
    whole = fit_candidates(frequency_Hz, z_ohm, window.blocking, options.noise_floor)
    if len(window.frequency_Hz) == len(frequency_Hz) or whole[0].residual <= options.residual_ratio_max * noise:
        text = f"{frequency_Hz[-1]:.3g} Hz to {frequency_Hz[0]:.3g} Hz, all {len(frequency_Hz)} points"
        return Window(frequency_Hz, z_ohm, window.valley_Hz, window.blocking, text), whole
    return window, fit_candidates(window.frequency_Hz, window.z_ohm, window.blocking, options.noise_floor)


def _refuse_misfit(best: Candidate, noise: float, options: FitOptions) -> Estimate | None:
    if best.residual <= options.residual_max:
        return None
    return Estimate.refused(
        f"no circuit of up to two arcs and a blocking line describes the spectrum: the best, {best.circuit.label}, "
        f"leaves {100 * best.residual:.2g} % at a noise of {100 * noise:.2g} %"
    )


def _notes(
    arcs: tuple[Arc, ...], window: Window, best: Candidate, noise: float, kk: KramersKronig, options: FitOptions
) -> list[str]:
    notes = []
    if window.valley_Hz is None:
        notes.append("no blocking line is seen; the total ends with the last arc of the electrolyte")
    for arc in arcs:
        if arc.name == "electrode":
            notes.append(f"{arc} is left out of the total")
        limit_F = options.arc_capacitance_max_F
        if arc.capacitance_F < _NEAR_LIMIT * limit_F and arc.capacitance_F > limit_F / _NEAR_LIMIT:
            inside = "inside" if arc.name == "electrode" else "outside"
            notes.append(
                f"the capacitance of the arc of {short_number(arc.resistance_ohm)}Ω is close to the limit of "
                f"{short_number(limit_F)}F (arc_capacitance_max_F), which decides whether it counts: with the arc "
                f"{inside} the total would change by {short_number(arc.resistance_ohm)}Ω"
            )
    top_Hz = float(window.frequency_Hz[0])
    notes += [
        f"{arc.name} arc is above the window of {short_number(top_Hz)}Hz: seen only as an intercept"
        for arc in arcs
        if arc.apex_Hz > top_Hz
    ]
    if best.residual > 3 * noise:
        notes.append(
            f"the circuit leaves {100 * best.residual:.2g} % at a noise of {100 * noise:.2g} %; "
            "the uncertainty is widened accordingly"
        )
    if kk.verdict == "doubtful":
        notes.append(f"Kramers-Kronig test: {kk.reason}")
    return notes


__all__ = ["Arc", "Estimate", "FitOptions", "KramersKronig", "SpectrumData", "SpectrumFit", "fit_spectrum"]
