"""`cellrig analyse`: our own analysis on spectra, cycling data and voltammograms that other programs recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from daq.contracts import Result
from procedures.analyse_dc import DcRequest, analyse_dc_files, dc_files_among
from procedures.analyse_files import AnalyseRequest, FilesAnalysis, RefusedFile, analyse_files, sample_of
from procedures.cli.console import print_json, remark, stdout
from procedures.cli.results import as_json, print_results
from procedures.cli.wall import Status, complain
from procedures.sample_geometry import electrode_area_cm2


def analyse_command(request: AnalyseRequest, kind: str, active_mass_mg: float | None, json: bool) -> int:
    """Direct-current records where most of the files are, or `kind` says so; else spectra."""
    paths = dc_files_among(request.paths)
    if paths or kind:
        return _direct_current(request, paths or list(request.paths), kind, active_mass_mg, json)
    return _spectra(request, json)


def _spectra(request: AnalyseRequest, json: bool) -> int:
    found = analyse_files(request)
    if json:
        print_json(_as_json(found))
    else:
        _print(found.results, found.notes)
    return _told(found.refusals, request.paths)


def _direct_current(
    request: AnalyseRequest, paths: Sequence[Path], kind: str, active_mass_mg: float | None, json: bool
) -> int:
    sample = sample_of(replace(request, thickness_mm=None))
    if active_mass_mg is None and sample.active is not None:
        active_mass_mg = sample.active.mass_mg
    found = analyse_dc_files(DcRequest(tuple(paths), kind, active_mass_mg, electrode_area_cm2(sample)))
    if json:
        refused = [{"path": one.path, "reason": one.reason} for one in found.refused]
        print_json({"results": as_json(found.results), "notes": found.notes, "rows": found.rows, "refused": refused})
    else:
        _print(found.results, found.notes)
    return _told(found.refused, request.paths)


def _print(results: Sequence[Result], notes: Sequence[str]) -> None:
    console = stdout()
    print_results(console, results)
    if notes:
        console.print("\nnotes")
    for note in notes:
        remark(console, note)


def _told(refused: Sequence[RefusedFile], paths: Sequence[Path]) -> int:
    """Status 2 when a file that was named could not be read; what lies beside data in a folder may be anything."""
    for one in refused:
        complain(one.reason)
    named = {path.resolve() for path in paths}
    return Status.BAD_INPUT if any(one.path.resolve() in named for one in refused) else Status.DONE


def _as_json(found: FilesAnalysis) -> dict[str, object]:
    return {
        "results": as_json(found.results),
        "spectra": [
            {
                "label": one.label,
                "sample": one.sample,
                "temperature_C": one.temperature_C,
                "points": len(one.data.frequency_Hz),
            }
            for one in found.spectra
        ],
        "notes": found.notes,
        "refused": [{"path": one.path, "reason": one.reason} for one in found.refusals],
    }
