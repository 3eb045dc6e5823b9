"""The tables of a sweep: a line per spectrum with its numbers, and why each was taken when it was."""

from __future__ import annotations

import math
from collections.abc import Sequence

from procedures.cli.text import duration
from procedures.report.general import without_numbers
from procedures.report.parts import Cell, Footnotes, Table
from procedures.report.sweep_facts import Shown, SweepFacts
from procedures.result_words import number, with_prefix

WAYS = {"heating": "↑", "cooling": "↓", "return": "↺"}
_WAY_WORDS = "↑ heating, ↓ cooling, ↺ return point."


def spectra_table(sweep: SweepFacts) -> Table:
    """Sample T, resistances, conductivity and Kramers-Kronig residual of each spectrum; refusals as footnotes."""
    several = len(sweep.samples()) > 1
    notes = Footnotes()
    rows = []
    for one in sweep.shown:
        lead = (Cell(one.point.spectrum.sample),) if several else ()
        rows.append((*lead, *_place(one), *_numbers(one, sweep, notes), _settled(one)))
    columns = (*(("sample",) if several else ()), "set-point / °C", "sample / °C", "R total")
    columns += (("σ / S cm⁻¹",) if sweep.has_conductivity else ()) + ("R bulk", "R grain boundary", "KK / %", "settled")
    words = frozenset({0} if several else ())
    lead = (
        "Uncertainties are one standard error, geometry apart. KK: residual of the Kramers–Kronig test. " + _WAY_WORDS
    )
    return Table("Spectra", columns, rows, words, notes.listed(), lead)


def _place(one: Shown) -> tuple[Cell, Cell]:
    spectrum = one.point.spectrum
    way = WAYS.get(spectrum.direction, "")
    again = f"attempt {spectrum.attempt}" if spectrum.attempt > 1 else ""
    setpoint = Cell(f"{number(spectrum.nominal_C)} {way}".strip(), under=again, tone="warn" if again else "")
    return setpoint, Cell(temperature(spectrum.temperature_C, spectrum.temperature_uncertainty_K))


def temperature(celsius: float, uncertainty_K: float) -> str:
    """To a hundredth of a kelvin at most: no thermometer knows better."""
    if not math.isfinite(celsius):
        return "–"
    if not math.isfinite(uncertainty_K) or uncertainty_K <= 0:
        return f"{celsius:.2f}".replace("-", "−")
    return (
        number(celsius, max(uncertainty_K, 0.01))
        if uncertainty_K >= 0.1
        else f"{celsius:.2f} ± {max(uncertainty_K, 0.01):.2f}"
    )


def _numbers(one: Shown, sweep: SweepFacts, notes: Footnotes) -> list[Cell]:
    names = ["total_resistance", *(["conductivity"] if sweep.has_conductivity else [])]
    names += ["bulk_resistance", "grain_boundary_resistance", "kramers_kronig_residual"]
    return [_number(one, name, notes) for name in names]


def _number(one: Shown, name: str, notes: Footnotes) -> Cell:
    result = one.results.get(name)
    if result is None:
        return Cell("–")
    if result.value is None:
        reason = result.reason or "not told"
        return Cell("–", notes.mark(without_numbers(reason), f"{reason} (so at {one.label})"), tone="quiet")
    if name == "kramers_kronig_residual":
        kk = one.point.fit.kramers_kronig if one.point.fit is not None else None
        if kk is not None and kk.verdict == "doubtful":
            return Cell(
                f"{result.value:.2g}",
                notes.mark(without_numbers(kk.reason), f"doubtful: {kk.reason} (so at {one.label})"),
                tone="warn",
            )
        return Cell(f"{result.value:.2g}")
    if result.unit == "ohm":
        return Cell(with_prefix(result.value, result.uncertainty, "Ω"))
    return Cell(number(result.value, result.uncertainty))


def _settled(one: Shown) -> Cell:
    return Cell("yes", tone="good") if one.point.spectrum.settled else Cell("no", tone="warn")


def settling_table(shown: Sequence[Shown]) -> Table:
    """How long each was waited for, and the words with which the settle rule released it."""
    rows = []
    for one in shown:
        row = one.row
        rows.append(
            (
                Cell(f"{one.point.spectrum.sample}, {one.label}" if several(shown) else one.label),
                Cell(duration(float(row["settle_s"])) if math.isfinite(row["settle_s"]) else "–"),
                Cell(_kelvin(row["drift_K"])),
                Cell(duration(float(row["lag_s"])) if math.isfinite(row["lag_s"]) else "–"),
                Cell(_release(str(row["release"])), tone="" if one.point.spectrum.settled else "warn"),
            )
        )
    lead = (
        "Waited: from the new set-point to the release. Drift: of the sample during the spectrum. Lag: of the sample "
        "behind the controller, where it was learned."
    )
    columns = ("spectrum", "waited", "drift / K", "lag", "released because")
    return Table("Settling", columns, rows, frozenset({0, 4}), lead=lead, small=True)


def several(shown: Sequence[Shown]) -> bool:
    return len({one.point.spectrum.sample for one in shown}) > 1


def _kelvin(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}".replace("-", "−") if math.isfinite(value) else "–"


def _release(text: str) -> str:
    """The settle rule's words, with the signs that a page can show."""
    return text.replace("<=", "≤").replace(">=", "≥") or "–"
