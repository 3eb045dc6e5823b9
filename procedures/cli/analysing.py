"""`cellrig analyse`: our own analysis on spectra that other programs recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from procedures.analyse_cycling import analyse_cycling_files
from procedures.analyse_files import AnalyseRequest, FilesAnalysis, analyse_files
from procedures.cli.console import print_json, remark, stdout
from procedures.cli.results import as_json, print_results
from procedures.cli.wall import Status, complain


def analyse_command(request: AnalyseRequest, json: bool) -> int:
    """Status 2 when a file that was named could not be read; what lies beside data in a folder may be anything."""
    found = analyse_files(request)
    if json:
        print_json(_as_json(found))
    else:
        console = stdout()
        print_results(console, found.results)
        if found.notes:
            console.print("\nnotes")
        for note in found.notes:
            remark(console, note)
    for refused in found.refusals:
        complain(refused.reason)
    named = {path.resolve() for path in request.paths}
    return Status.BAD_INPUT if any(one.path.resolve() in named for one in found.refusals) else Status.DONE


def analyse_cycling_command(paths: Sequence[Path], active_mass_mg: float | None, json: bool) -> int:
    found = analyse_cycling_files(paths, active_mass_mg)
    if json:
        print_json({"results": as_json(found.results), "notes": found.notes, "rows": found.rows})
        return Status.DONE
    console = stdout()
    print_results(console, found.results)
    console.print("\nnotes")
    for note in found.notes:
        remark(console, note)
    return Status.DONE


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
