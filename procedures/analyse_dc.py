"""`cellrig analyse FILE…` for cycling data and voltammograms that other programs recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daq.contracts import Result
from daq.errors import AnalysisRefused, BadInput
from procedures.analyse_files import RefusedFile
from procedures.analysis.capacity import NO_CURRENT, coarse_current_note, integrate_half_cycles
from procedures.analysis.critical_current import analyse_critical_current, critical_current_results
from procedures.analysis.cycling_results import cycling_results
from procedures.analysis.record_shape import record_shape
from procedures.analysis.symmetric import analyse_symmetric_cycling, symmetric_cycling_results
from procedures.analysis.voltammetry_results import (
    analyse_linear_sweep,
    analyse_open_circuit,
    linear_sweep_results,
    open_circuit_results,
    voltammogram_results,
)
from procedures.analysis.voltammogram import analyse_voltammogram
from procedures.interchange.dc_file import DcFile, is_dc_file, read_dc_file, refuse_spectrum
from procedures.result_place import IN_A_FILE, counted_since

ENDINGS = (".csv", ".txt", ".tsv", ".mpt", ".xlsx", ".ndax", ".nda")
_WORDS = {
    "cycling": "cycling",
    "cyclic-voltammetry": "a cyclic voltammogram",
    "linear-sweep": "a linear sweep",
    "open-circuit": "a rest",
    "critical-current": "a ladder of currents",
    "symmetric-cycling": "a symmetric cell's cycling",
}


@dataclass(frozen=True)
class DcRequest:
    """What is to be analysed, and as what: `kind`, of `_KINDS`; empty for what the file calls itself or its rows show.

    `area_cm2` is the electrode's: voltammograms and ladders of currents need it.
    """

    paths: tuple[Path, ...]
    kind: str = ""
    active_mass_mg: float | None = None
    area_cm2: float | None = None


@dataclass(frozen=True)
class DcAnalysis:
    """`results` as of the procedure that measures such a record, each with its file where there are several; `notes`
    for a person; `refused` the files that were left out."""

    results: list[Result]
    notes: list[str]
    rows: int
    refused: list[RefusedFile] = field(default_factory=list)


def dc_files_among(paths: Sequence[Path]) -> list[Path]:
    """The files, folders opened, when at least half of them hold direct-current records; else none."""
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and one.suffix.lower() in ENDINGS)
        found += inside
    good = sum(one.is_file() and is_dc_file(one) for one in found)
    return found if good and 2 * good >= len(found) else []


def analyse_dc_files(request: DcRequest) -> DcAnalysis:
    """Each file by itself. One bad file among several is a refusal in the result.

    Raises BadInput for a kind that is none, and when no file at all could be read or analysed.
    """
    if request.kind and request.kind not in _KINDS:
        raise BadInput(f"{request.kind!r} is no kind of record", place="--as", allowed=", ".join(_KINDS))
    results: list[Result] = []
    notes: list[str] = []
    refused: list[RefusedFile] = []
    rows = 0
    for path in request.paths:
        at = {"file": path.name} if len(request.paths) > 1 else {}
        try:
            refuse_spectrum(path)
            data = read_dc_file(path)
            found, told = _analysed(data, request, at)
        except AnalysisRefused as refusal:
            refused.append(RefusedFile(path, str(BadInput(str(refusal), place=str(path)))))
            continue
        except BadInput as error:
            reason = str(error) if str(path) in str(error) else str(BadInput(str(error), place=str(path)))
            refused.append(RefusedFile(path, reason))
            continue
        rows += len(data.time_s)
        results += found
        notes += told
    if refused and len(refused) == len(request.paths):
        raise BadInput(refused[0].reason)
    return DcAnalysis(results, notes, rows, refused)


def _analysed(data: DcFile, request: DcRequest, at: Mapping[str, Any]) -> tuple[list[Result], list[str]]:
    kind = request.kind or data.technique or record_shape(data.time_s, data.voltage_V, data.current_A)
    if not data.has_current and kind != "open-circuit":
        allowed = "--as open-circuit, or an export with the current in it"
        raise BadInput("has no current", place=str(data.path), allowed=allowed)
    found, told, notes = _KINDS[kind](data, request, kind, at)
    asked = "as asked" if request.kind else "as the file says" if data.technique else "as its rows look"
    rows = f"{data.path.name}: {len(data.time_s)} rows of {data.program}, {_WORDS[kind]} ({asked})"
    return found, [*data.notes, *notes, f"{rows}{told}"]


Analysed = tuple[list[Result], str, list[str]]  # results, what is added to the note on the rows, other notes


def _cycling(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    """Capacities, efficiencies and retention by integration of the current."""
    digit = data.current_resolution_A
    try:
        halves = integrate_half_cycles(
            data.time_s, data.current_A, data.voltage_V, data.cycle, current_resolution_A=digit, step=data.step
        )
    except AnalysisRefused as refusal:
        if str(refusal) != NO_CURRENT:
            raise
        allowed = "--as open-circuit, for the potential at rest"
        raise BadInput(NO_CURRENT, place=str(data.path), allowed=allowed) from None
    coarse = coarse_current_note(halves, digit)
    counted = "" if data.cycle is None else f"; the file's own count goes to {int(data.cycle.max())}"
    notes = [f"{data.path.name}: {coarse}"] if coarse else []
    return cycling_results(halves, request.active_mass_mg, at=at), f": {len(halves)} half cycles{counted}", notes


def _cyclic(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    area = _area(data, request, kind)
    cycles = analyse_voltammogram(data.time_s, data.voltage_V, data.current_A, area)
    return voltammogram_results(cycles, at), f", over {area:.4g} cm2", []


def _sweep(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    area = _area(data, request, kind)
    found = analyse_linear_sweep(data.voltage_V, data.current_A, area)
    return linear_sweep_results(found, at), f", over {area:.4g} cm2", []


def _rest(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    return open_circuit_results(analyse_open_circuit(data.time_s, data.voltage_V), at), "", []


def _ladder(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    area = _area(data, request, kind)
    found = analyse_critical_current(data.time_s, data.current_A, data.voltage_V, area, data.step)
    return counted_since(critical_current_results(found, at), IN_A_FILE), f", over {area:.4g} cm2", []


def _symmetric(data: DcFile, request: DcRequest, kind: str, at: Mapping[str, Any]) -> Analysed:
    found = analyse_symmetric_cycling(data.time_s, data.current_A, data.voltage_V, request.area_cm2)
    return counted_since(symmetric_cycling_results(found, at), IN_A_FILE), "", []


def _area(data: DcFile, request: DcRequest, kind: str) -> float:
    if request.area_cm2 is not None:
        return request.area_cm2
    told = f"; the file says {data.area_told}, see whether that was ever set" if data.area_told else ""
    raise BadInput(f"this is {_WORDS[kind]}, and a current density needs the electrode's area{told}",
                   place=str(data.path), allowed="--diameter-mm, --area-cm2, or --as cycling")  # fmt: skip


_KINDS: Mapping[str, Callable[[DcFile, DcRequest, str, Mapping[str, Any]], Analysed]] = {
    "cycling": _cycling,
    "cyclic-voltammetry": _cyclic,
    "linear-sweep": _sweep,
    "open-circuit": _rest,
    "critical-current": _ladder,
    "symmetric-cycling": _symmetric,
}
