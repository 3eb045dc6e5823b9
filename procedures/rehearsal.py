"""What a rehearsal shows: a plan on the simulated twin of its bench, and what is seen of a run that went on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from daq.errors import BadInput
from daq.plan import Plan, check_plan
from daq.runfile.reader import RunFile
from daq.runfile.schema import RUN_DB
from daq.twin import Twin, twin_of

CELLS = {
    "critical-current": "symmetric",
    "symmetric-cycling": "symmetric",
    "galvanostatic-cycling": "lfp",
    "rate-capability": "lfp",
    "cyclic-voltammetry": "gold",
    "linear-sweep": "gold",
}


@dataclass(frozen=True)
class Rehearsed:
    """One run as it went on the twin. Times in s of the bench, temperatures of the furnaces in degC."""

    procedure: str
    outcome: str
    reason: str
    seconds: float
    temperature_C: tuple[float, float] | None
    spectra: int
    cycles: int
    rows: int
    disk_bytes: int
    steps: Sequence[Mapping[str, Any]]
    interlocks: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]


def on_twin(plan: Plan) -> tuple[Plan, Twin]:
    """The plan as it is rehearsed: on the quick twin, or where that can't play it, on the exact one. Raises BadInput
    for a bench without a twin.
    """
    cell = CELLS.get(plan.model.run[0].procedure, "blocking")
    twin = twin_of(plan.bench, cell)
    rehearsal = replace(plan, bench=twin.config)
    try:
        check_plan(rehearsal)
    except BadInput:
        twin = twin_of(plan.bench, cell, exact=True)
        rehearsal = replace(plan, bench=twin.config)
    return rehearsal, twin


def seen_in(path: Path) -> Rehearsed:
    """What a run's folder tells. Raises CellrigError."""
    with RunFile.open(path) as run:
        return _seen(run, (path / RUN_DB).stat().st_size)


def _seen(run: RunFile, disk_bytes: int) -> Rehearsed:
    streams = {one.name: one for one in run.streams()}
    furnaces = [name for name, one in streams.items() if {"temperature_C", "setpoint_C"} <= set(one.columns)]
    temperatures = [run.table(name, columns=("temperature_C",))["temperature_C"] for name in furnaces]
    known = np.concatenate(temperatures) if temperatures else np.array([])
    known = known[np.isfinite(known)]
    cycles = run.table("cycling", columns=("cycle",))["cycle"] if "cycling" in streams else []
    return Rehearsed(
        procedure=run.procedure,
        outcome=run.outcome,
        reason=run.reason,
        seconds=run.ended_t_s or 0.0,
        temperature_C=(float(known.min()), float(known.max())) if len(known) else None,
        spectra=streams["spectra"].rows if "spectra" in streams else 0,
        cycles=int(max(cycles, default=0)),
        rows=sum(one.rows for one in streams.values()),
        disk_bytes=disk_bytes,
        steps=[_step(one.title, one.state, one.started_t_s, one.ended_t_s) for one in run.attempts()],
        interlocks=run.interlocks,
        warnings=[f"{one.source}: {one.text}" for one in run.events() if one.level in ("warning", "error")],
    )


def _step(title: str, state: str, started_s: float | None, ended_s: float | None) -> dict[str, Any]:
    took = None if started_s is None or ended_s is None else ended_s - started_s
    return {"title": title, "state": state, "began_s": started_s, "seconds": took}
