"""Results: their JSON, and the tables that a person reads at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from daq.contracts import Result
from daq.runfile.reader import RunFile
from daq.sample import samples_of
from procedures.cell_lines import CellLine, cell_lines, columns_of, is_of_many
from procedures.cells_told import CELLS
from procedures.cli.console import remark, table
from procedures.cli.text import measured
from procedures.result_place import quantity_in_words

HEADERS = {"sample": "sample", "spectrum": "spectrum", "direction": "way"}
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


def cells_of_run(run: RunFile) -> list[CellLine]:
    """A line for each of several cells that were cycled together; of any other run none."""
    return cell_lines(samples_of(run.sample), run.recall(CELLS, {}), run.results())


def print_results(console: Console, results: Sequence[Result], cells: Sequence[CellLine] = ()) -> None:
    """A line for each temperature, then whatever holds for the sweep as a whole, then what was refused and why.

    Of several `cells` that were cycled together a line for each, without the numbers of every cycle.
    """
    if cells:
        _print_cells(console, cells)
        _print_refusals(console, [one for one in results if one.value is None and one.reason and not is_of_many(one)])
        remark(console, "the numbers of every cycle: cellrig show RUN --json, cellrig report RUN")
        return
    spectra = _by_place([one for one in results if one.name in PER_TEMPERATURE])
    if spectra:
        _print_spectra(console, spectra)
    rest = [one for one in results if one.name not in PER_TEMPERATURE and not (one.value is None and one.reason)]
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
    """Columns that are the same everywhere, or empty, are left out: the table has 80 characters."""
    lead = [key for key in ("sample", "spectrum", "direction") if len({str(at.get(key)) for at, _ in spectra}) > 1]
    degrees = _degrees([at for at, _ in spectra])
    conductive = any("conductivity" in found for _, found in spectra)
    headers = [HEADERS[key] for key in lead] + list(degrees) + ["R total / ohm"]
    headers += (["conductivity / mS/cm"] if conductive else []) + ["KK / %"]
    shown = table(*headers, right=(*degrees, "KK / %"))
    for place, (at, found) in enumerate(spectra):
        row = [escape(ROUTE.get(str(at.get(key)), str(at.get(key, "")))) for key in lead]
        row += [column[place] for column in degrees.values()]
        row.append(_number(found.get("total_resistance")))
        if conductive:
            row.append(_number(found.get("conductivity"), 1e3))
        shown.add_row(*row, _plain(found.get("kramers_kronig_residual")))
    console.print(shown)


def _print_cells(console: Console, cells: Sequence[CellLine]) -> None:
    names = columns_of(cells)
    units = {name: next(one.numbers[name].unit for one in cells if name in one.numbers) for name in names}
    headers = [f"{name.replace('_', ' ')} / {units[name]}" for name in names]
    shown = table("cell", "ch", "state", "cycle", *headers, right=("ch", "cycle", *headers))
    for one in cells:
        told = f"{one.state}: {one.text}" if one.text and one.state not in ("finished", "running") else one.state
        numbers = [_brief(one.numbers.get(name)) for name in names]
        shown.add_row(escape(one.sample.label), str(one.sample.channel), escape(told), str(one.cycle or ""), *numbers)
    console.print(shown)


def _brief(result: Result | None) -> str:
    return "-" if result is None or result.value is None else f"{result.value:.4g}"


def print_geometry(console: Console, sample: Mapping[str, Any], results: Sequence[Result]) -> None:
    """What thickness and area add to every conductivity in common; it is in none of the uncertainties above."""
    from procedures.sample_geometry import geometry_of

    if not any(one.name == "conductivity" for one in results):
        return
    for one in samples_of(sample):
        geometry = geometry_of(one)
        if geometry is None:
            continue
        share = 100 * geometry.relative_uncertainty
        told = f"another {share:.2g} %" if share > 0 else "not stated: give pellet.thickness_uncertainty_mm"
        remark(console, f"geometry of {one.label}, common to all conductivities and not in the ±: {told}")


def _degrees(places: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The temperature columns: where the sample was not at the set-point, R and sigma are those of the sample."""
    set_C = [at.get("temperature_C") for at in places]
    sample_C = [at.get("sample_temperature_C", one) for at, one in zip(places, set_C, strict=True)]
    if all(one is None for one in set_C):
        return {}
    pairs = zip(set_C, sample_C, strict=True)
    if all(a is None or b is None or abs(a - b) < 0.05 for a, b in pairs):
        return {"T / °C": [_one_decimal(one) for one in set_C]}
    return {
        "set / °C": [_one_decimal(one) for one in set_C],
        "sample": ["-" if one is None else f"{one:.2f}" for one in sample_C],
    }


def _one_decimal(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _print_rest(console: Console, results: Sequence[Result]) -> None:
    shown = table("result", "value", "unit", "at")
    for one in results:
        conductivity = one.unit == "S/cm" and one.name.startswith("conductivity")
        scale, unit = (1e3, "mS/cm") if conductivity else (1.0, one.unit)
        at = ", ".join(_where(key, value) for key, value in one.at.items())
        name = one.name.replace("_25C", " at 25 °C").replace("_", " ")
        shown.add_row(name, _number(one, scale), unit.replace("degC", "°C"), escape(at))
    console.print(shown)


def _print_refusals(console: Console, refused: Sequence[Result]) -> None:
    """One line for each kind of reason, with the first one in full: six temperatures that lack a bulk arc for the
    same reason are one remark.
    """
    kinds: dict[str, list[Result]] = {}
    for one in refused:
        kinds.setdefault(re.sub(r"\d[\d.]*(e[-+]?\d+)?( [kMGmµnpf](?=\w))?", "#", one.reason or ""), []).append(one)
    if kinds:
        console.print("\nnot told, because the data do not carry it")
    for alike in kinds.values():
        names = " and ".join(dict.fromkeys(one.name.replace("_", " ") for one in alike))
        places = list(dict.fromkeys(_place(one) for one in alike))
        preposition = "at" if places[0].endswith("°C") else "of"
        where = f" {preposition} {_in_short(places)}" if places[0] else ""
        first = f" (so {preposition} {places[0]})" if len(places) > 1 else ""
        remark(console, f"{names}{where}: {alike[0].reason}{first}")


def _place(result: Result) -> str:
    if "temperature_C" in result.at:
        return f"{result.at['temperature_C']:g} °C"
    if "rate" in result.at:
        return str(result.at["rate"])
    return str(result.at.get("spectrum", ""))


def _in_short(places: list[str]) -> str:
    """`80, 100 and 120 °C`."""
    if all(place.endswith(" °C") for place in places):
        places = [place.removesuffix(" °C") for place in places[:-1]] + places[-1:]
    return " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)


def _number(result: Result | None, scale: float = 1.0) -> str:
    if result is None or result.value is None:
        return "-"
    uncertainty = None if result.uncertainty is None else result.uncertainty * scale
    return measured(result.value * scale, uncertainty)


def _plain(result: Result | None) -> str:
    return "-" if result is None or result.value is None else f"{result.value:.2g}"


def _where(key: str, value: Any) -> str:
    return str(value) if key in {"direction", "sample", "branch", "spectrum"} else quantity_in_words(key, value)
