"""Results: their JSON, and the tables that a person reads at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from daq.contracts import Result
from procedures.cli.console import table
from procedures.cli.text import measured

ROUTE = {"heating": "up", "cooling": "down", "return": "return"}
PER_TEMPERATURE = (
    "bulk_resistance",
    "grain_boundary_resistance",
    "total_resistance",
    "conductivity",
    "kramers_kronig_residual",
)


def as_json(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The contract's shape: name, value, uncertainty, interval, unit, at, method, reason."""
    return [
        {
            "name": one.name,
            "value": one.value,
            "uncertainty": one.uncertainty,
            "interval": None if one.interval is None else list(one.interval),
            "unit": one.unit,
            "at": dict(one.at),
            "method": one.method,
            "reason": one.reason,
        }
        for one in results
    ]


def print_results(console: Console, results: Sequence[Result]) -> None:
    """A line for each temperature, then whatever holds for the sweep as a whole, then what was refused and why."""
    spectra = _by_place([one for one in results if one.name in PER_TEMPERATURE])
    if spectra:
        _print_spectra(console, spectra)
    rest = [one for one in results if one.name not in PER_TEMPERATURE]
    if rest:
        if spectra:
            console.print()
        _print_rest(console, rest)
    _print_refusals(console, [one for one in results if one.value is None and one.reason])


def _by_place(results: Iterable[Result]) -> list[tuple[Mapping[str, Any], dict[str, Result]]]:
    """Results of one spectrum together, in the order in which they came."""
    places: dict[str, tuple[Mapping[str, Any], dict[str, Result]]] = {}
    for one in results:
        key = repr(sorted(one.at.items(), key=str))
        places.setdefault(key, (one.at, {}))[1][one.name] = one
    return list(places.values())


def _print_spectra(console: Console, spectra: list[tuple[Mapping[str, Any], dict[str, Result]]]) -> None:
    several = len({str(at.get("sample", "")) for at, _ in spectra}) > 1
    lead = ["sample"] if several else []
    routes = len({str(at.get("direction", "")) for at, _ in spectra}) > 1
    lead += ["T / °C"] + (["way"] if routes else [])
    shown = table(*lead, "R total / ohm", "conductivity / mS/cm", "KK / %", right=("T / °C", "KK / %"))
    for at, found in spectra:
        start = [escape(str(at.get("sample", "")))] if several else []
        temperature = at.get("temperature_C")
        start.append("-" if temperature is None else f"{temperature:.1f}")
        if routes:
            start.append(ROUTE.get(str(at.get("direction", "")), "-"))
        shown.add_row(
            *start,
            _number(found.get("total_resistance")),
            _number(found.get("conductivity"), 1e3),
            _plain(found.get("kramers_kronig_residual")),
        )
    console.print(shown)


def _print_rest(console: Console, results: Sequence[Result]) -> None:
    shown = table("result", "value", "unit", "at")
    for one in results:
        scale, unit = (1e3, "mS/cm") if one.unit == "S/cm" else (1.0, one.unit)
        at = ", ".join(_where(key, value) for key, value in one.at.items())
        name = one.name.replace("_25C", " at 25 °C").replace("_", " ")
        shown.add_row(name, _number(one, scale), unit.replace("degC", "°C"), escape(at))
    console.print(shown)


def _print_refusals(console: Console, refused: Sequence[Result]) -> None:
    """One line for each reason: twelve temperatures that lack a bulk arc for the same reason are one remark."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in refused:
        temperature = one.at.get("temperature_C")
        places = reasons.setdefault((one.name, one.reason or ""), [])
        if temperature is not None:
            places.append(f"{temperature:g}")
    if reasons:
        console.print()
    for (name, reason), places in reasons.items():
        where = f" at {', '.join(dict.fromkeys(places))} °C" if places else ""
        console.print(f"no {name.replace('_', ' ')}{where}: {escape(reason)}", style="dim")


def _number(result: Result | None, scale: float = 1.0) -> str:
    if result is None or result.value is None:
        return "-"
    uncertainty = None if result.uncertainty is None else result.uncertainty * scale
    return measured(result.value * scale, uncertainty)


def _plain(result: Result | None) -> str:
    return "-" if result is None or result.value is None else f"{result.value:.2g}"


def _where(key: str, value: Any) -> str:
    name, _, unit = key.rpartition("_")
    if unit == "C" and isinstance(value, int | float):
        return f"{name.replace('_', ' ')} {value:g} °C"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if key in {"direction", "sample", "branch", "phase"} else f"{key.replace('_', ' ')} {text}"
