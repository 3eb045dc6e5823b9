"""`cellrig analyse FILE…` for cycling data that other programs recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daq.contracts import Result
from daq.errors import AnalysisRefused, BadInput
from procedures.analysis.capacity import coarse_current_note, integrate_half_cycles
from procedures.analysis.cycling_results import cycling_results
from procedures.interchange.cycling_file import is_cycling, read_cycling

ENDINGS = (".csv", ".txt", ".tsv", ".xlsx", ".ndax", ".nda")


@dataclass(frozen=True)
class CyclingAnalysis:
    """`results` as of galvanostatic-cycling, each with its file where there are several; `notes` for a person."""

    results: list[Result]
    notes: list[str]
    rows: int


def cycling_among(paths: Sequence[Path]) -> list[Path]:
    """The files, folders opened, when all that are named and all data files in folders hold cycling data; else none."""
    found: list[Path] = []
    for path in paths:
        inside = [path]
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and one.suffix.lower() in ENDINGS)
        if not inside or not all(one.is_file() and is_cycling(one) for one in inside):
            return []
        found += inside
    return found


def analyse_cycling_files(paths: Sequence[Path], active_mass_mg: float | None = None) -> CyclingAnalysis:
    """Capacities, efficiencies and retention by integration of the current. Raises BadInput naming file and line."""
    results: list[Result] = []
    notes: list[str] = []
    rows = 0
    for path in paths:
        data = read_cycling(path)
        rows += len(data.time_s)
        try:
            halves = integrate_half_cycles(
                data.time_s,
                data.current_A,
                data.voltage_V,
                current_resolution_A=data.current_resolution_A,
            )
        except AnalysisRefused as refusal:
            raise BadInput(str(refusal), place=str(path)) from refusal
        at = {"file": path.name} if len(paths) > 1 else {}
        results += cycling_results(halves, active_mass_mg, at=at)
        notes += data.notes
        coarse = coarse_current_note(halves, data.current_resolution_A)
        notes += [f"{path.name}: {coarse}"] if coarse else []
        counted = "" if data.cycle is None else f"; the file's own count goes to {int(data.cycle.max())}"
        notes.append(f"{path.name}: {len(data.time_s)} rows of {data.program}, {len(halves)} half cycles{counted}")
    return CyclingAnalysis(results, notes, rows)
