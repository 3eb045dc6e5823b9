"""The named numbers of a sweep, as they are kept with a run."""

from __future__ import annotations

import math
from typing import Any

from daq.contracts import Result
from procedures.analysis.arrhenius import Convention
from procedures.analysis.branches import Branch, SampleLines, local_energy_eV, temperature_relative
from procedures.analysis.estimate import Estimate, log_interval
from procedures.analysis.geometry import Geometry
from procedures.analysis.sweep_points import SweepPoint

RESISTANCES = ("bulk_resistance", "grain_boundary_resistance", "total_resistance")
ROOM_C = 25.0
_LONE_REACH_K = 3.0
_OTHER_ENERGY, _ASSUMED_ENERGY = 0.1, 0.3  # relative errors of the energy that moves a lone point


def point_results(point: SweepPoint, lines: SampleLines, several: bool) -> list[Result]:
    """Resistances, conductivity and Kramers-Kronig residual of one spectrum."""
    at = _where(point, several)
    energy, measured = local_energy_eV(lines, point)
    temperature = temperature_relative(point, energy)
    results = []
    for name in RESISTANCES:
        if point.fit is None:
            results.append(Result(name, None, "ohm", at=at, reason=point.reason))
            continue
        estimate: Estimate = getattr(point.fit, name)
        results.append(_widened(name, estimate, "ohm", at, temperature, 1.0, ""))
    if point.geometry is not None:
        results.append(_conductivity(point, at, temperature, energy, measured))
    if point.fit is not None:
        kk = point.fit.kramers_kronig
        text = f"lin-KK, {kk.elements} elements: {kk.verdict}; {kk.reason}"
        reason = kk.reason if kk.residual_percent is None else None
        results.append(Result("kramers_kronig_residual", kk.residual_percent, "%", at=at, method=text, reason=reason))
    else:
        results.append(Result("kramers_kronig_residual", None, "%", at=at, reason=point.reason))
    return results


def _where(point: SweepPoint, several: bool) -> dict[str, Any]:
    one = point.spectrum
    at: dict[str, Any] = {"sample": one.sample} if several else {}
    if math.isfinite(one.nominal_C):
        at["temperature_C"] = round(one.nominal_C, 3)
    if one.label and (one.setpoint_C is None or not math.isfinite(one.setpoint_C)):  # of another program
        at["spectrum"] = one.label
    if one.direction:
        at["direction"] = one.direction
    if math.isfinite(one.temperature_C):
        at["sample_temperature_C"] = round(one.temperature_C, 3)
    return at


def _widened(
    name: str, estimate: Estimate, unit: str, at: dict[str, Any], temperature: float, factor: float, text: str
) -> Result:
    """An estimate times `factor` as a result, its uncertainty with the temperature's part added."""
    if estimate.value is None or estimate.uncertainty is None:
        return Result(name, None, unit, at=at, method=estimate.method, reason=estimate.reason)
    value = estimate.value * factor
    uncertainty = value * math.hypot(estimate.relative, temperature)
    return Result(name, value, unit, uncertainty, log_interval(value, uncertainty), at, text or estimate.method, None)


def _conductivity(
    point: SweepPoint, at: dict[str, Any], temperature: float, energy_eV: float, measured: bool
) -> Result:
    geometry = point.geometry
    total = point.fit.total_resistance if point.fit is not None else None
    if geometry is None or total is None or total.value is None:
        reason = total.reason if total is not None else point.reason
        return Result("conductivity", None, "S/cm", at=at, reason=reason)
    text = "thickness / (R_total area) at the sample's temperature"
    if temperature > 0:
        text += f"; temperature error through Ea {energy_eV:.3g} eV" + ("" if measured else " (assumed)")
    if geometry.relative_uncertainty > 0:
        text += f"; geometry apart: {100 * geometry.relative_uncertainty:.1f} %"
    if not point.spectrum.settled:
        text += "; not settled"
    factor = geometry.conductivity_S_cm(total.value) / total.value
    return _widened("conductivity", total, "S/cm", at, temperature, factor, text)


def sweep_results(lines: SampleLines, geometry: Geometry | None, convention: Convention, several: bool) -> list[Result]:
    """Activation energies, prefactors, conductivity at 25 °C and transitions of one sample."""
    base: dict[str, Any] = {"sample": lines.sample} if several else {}
    if not lines.branches:
        reason = "no spectrum with a total resistance and a known temperature"
        return [Result("activation_energy", None, "eV", at=base, reason=reason)]
    results: list[Result] = []
    told: set[int] = set()
    for branch in lines.branches:
        transition = branch.transition
        if transition is not None and id(transition) not in told:
            told.add(id(transition))
            where = base | ({"direction": branch.direction} if branch.direction else {})
            results.append(_result("transition_temperature", transition.temperature_C, "degC", where))
    for branch in lines.branches:
        results += _line_results(branch, geometry, convention, base)
    if geometry is not None:
        results += _room_results(lines, geometry, base)
    return results


def _line_results(
    branch: Branch, geometry: Geometry | None, convention: Convention, base: dict[str, Any]
) -> list[Result]:
    at = dict(base)
    if branch.direction:
        at["direction"] = branch.direction
    if branch.name:
        at["branch"] = branch.name
    if branch.fit is None:
        return [Result("activation_energy", None, "eV", at=at, method=convention, reason=branch.reason)]
    results = [_result("activation_energy", branch.fit.activation_energy_eV, "eV", at)]
    if geometry is not None:
        unit = "S/cm" if convention == "ln sigma" else "S K/cm"
        results.append(_result("prefactor", branch.fit.prefactor_S_cm, unit, at))
    return results


def _room_results(lines: SampleLines, geometry: Geometry, base: dict[str, Any]) -> list[Result]:
    """Conductivity at 25 °C, from each line that holds there."""
    results = []
    for branch in lines.branches:
        if not branch.covers(ROOM_C):
            continue
        at = base | ({"direction": branch.direction} if branch.direction else {})
        estimate = branch.fit.conductivity(ROOM_C) if branch.fit is not None else _lone(branch, lines)
        text = estimate.method
        if geometry.relative_uncertainty > 0:
            text += f"; geometry apart: {100 * geometry.relative_uncertainty:.1f} %"
        results.append(_result("conductivity_25C", estimate, "S/cm", at, text))
    return results


def _lone(branch: Branch, lines: SampleLines) -> Estimate:
    """A branch without a line: its point near 25 °C that is farthest from the transition, moved to 25 °C by the
    activation energy of the same branch of another direction."""
    near = [p for p in branch.points if abs(p.spectrum.temperature_C - ROOM_C) <= _LONE_REACH_K]
    if not near:
        return Estimate.refused(branch.reason or "no point near 25 °C")
    place = branch.transition.temperature_C.value if branch.transition is not None else None
    point = max(near, key=lambda p: abs(p.spectrum.temperature_C - (ROOM_C if place is None else place)))
    known = [b.fit.activation_energy_eV.value for b in lines.branches if b.fit is not None and b.name == branch.name]
    energy, energy_error = (known[0], _OTHER_ENERGY) if known and known[0] is not None else (0.5, _ASSUMED_ENERGY)
    kelvin = point.spectrum.temperature_C + 273.15
    shift = energy * (ROOM_C + 273.15 - kelvin) / (8.617333262e-5 * kelvin * (ROOM_C + 273.15))
    value = point.sigma_S_cm * math.exp(shift)
    parts = (point.own_relative, point.lead_relative, temperature_relative(point, energy), energy_error * abs(shift))
    moved = f"moved by {energy:.3g} eV ({'of the other direction' if known else 'assumed'})"
    text = f"the point at {kelvin - 273.15:.1f} °C alone, {moved}"
    if place is not None:
        text += f"; that no other phase is left {abs(kelvin - 273.15 - place):.1f} K from the transition is unchecked"
    return Estimate.positive(value, {"all": value * math.hypot(*parts)}, text)


def _result(name: str, estimate: Estimate, unit: str, at: dict[str, Any], text: str = "") -> Result:
    return Result(
        name,
        estimate.value,
        unit,
        estimate.uncertainty,
        estimate.interval,
        at,
        text or estimate.method,
        estimate.reason,
    )
