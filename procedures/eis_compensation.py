"""The standards of a compensation: read from files or runs, kept with the run, found again by the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from daq.contracts import Rig, RunReader
from daq.errors import BadInput
from daq.plugins import suggest
from daq.runfile.reader import RunFile
from daq.runfile.schema import RUN_DB
from daq.stream import Column, Stream
from procedures.analysis.compensation import KINDS, Standard, Standards, standard
from procedures.interchange import read_spectra

COMPENSATION = Stream(
    "compensation",
    (
        Column("standard", kind="text", help="open, short or load"),
        Column("frequency_Hz", "Hz"),
        Column("z_real_ohm", "ohm"),
        Column("z_imag_ohm", "ohm"),
        Column("load_ohm", "ohm", help="what the load is; of a load only"),
        Column("source", kind="text", help="the file or run it was read from"),
    ),
    "standards by which the spectra are compensated; the spectra themselves are stored as measured",
)
KEYS = (*KINDS, "load_ohm")


def read_standards(table: Mapping[str, Any], folder: Path, place: str) -> Standards | None:
    """From `{ open = "open.z", short = "run folder", load = …, load_ohm = 1000 }`; paths are relative to `folder`.

    None for an empty table. Raises BadInput naming key and file.
    """
    if not table:
        return None
    for key in table:
        if key not in KEYS:
            raise BadInput("unknown key", place=f"{place}.{key}", allowed=suggest(key, list(KEYS)))
    if "short" not in table:
        raise BadInput("is missing", place=f"{place}.short", allowed="a file or run; open and load go with it")
    found = {kind: _read(kind, table[kind], folder, f"{place}.{kind}") for kind in KINDS if kind in table}
    load_ohm = table.get("load_ohm")
    if load_ohm is not None and (isinstance(load_ohm, bool) or not isinstance(load_ohm, int | float)):
        raise BadInput(f"{load_ohm!r} is no resistance", place=f"{place}.load_ohm", allowed="a number in ohm")
    return Standards(found["short"], found.get("open"), found.get("load"), load_ohm)


def _read(kind: str, name: Any, folder: Path, place: str) -> Standard:
    if not isinstance(name, str) or not name:
        raise BadInput(f"{name!r} is no file", place=place, allowed="the path of a data file or of a run")
    path = folder / Path(name).expanduser()
    if path.is_dir() or path.name == RUN_DB:
        with RunFile.open(path) as run:
            points = run.table("impedance")
            last = points["spectrum"] == points["spectrum"].max() if len(points["spectrum"]) else np.zeros(0, bool)
            z = points["z_real_ohm"][last] + 1j * points["z_imag_ohm"][last]
            return standard(kind, points["frequency_Hz"][last], z, run.id)
    spectra = read_spectra(path, may_be_inductive=True)
    if len(spectra) != 1:
        raise BadInput(f"{path} holds {len(spectra)} spectra, one is wanted", place=place)
    return standard(kind, spectra[0].frequency_Hz, spectra[0].z_ohm, path.name)


def keep_standards(rig: Rig, standards: Standards) -> None:
    """Into the run, once: it is whole without the files."""
    if rig.recall("compensation kept"):
        return
    for one in standards.parts():
        many = len(one.frequency_Hz)
        columns = {
            "standard": [one.kind] * many,
            "frequency_Hz": one.frequency_Hz.tolist(),
            "z_real_ohm": one.z_ohm.real.tolist(),
            "z_imag_ohm": one.z_ohm.imag.tolist(),
            "load_ohm": [standards.load_ohm if one.kind == "load" else None] * many,
            "source": [one.source] * many,
        }
        rig.record_many(COMPENSATION.name, [rig.t_s] * many, columns)
    rig.remember("compensation kept", True)
    rig.log(f"the spectra are {standards}")


def kept_standards(run: RunReader) -> Standards | None:
    """What a run keeps; None without, also for a run of before there were any."""
    try:
        return standards_in(run.table(COMPENSATION.name))
    except BadInput:
        return None


def standards_in(rows: Mapping[str, np.ndarray]) -> Standards | None:
    """From the columns of the stream; None when no short is among them. Raises BadInput for a standard that is none."""
    found: dict[str, Standard] = {}
    load_ohm = None
    for kind in KINDS:
        mine = rows["standard"] == kind
        if mine.any():
            z = rows["z_real_ohm"][mine] + 1j * rows["z_imag_ohm"][mine]
            found[kind] = standard(kind, rows["frequency_Hz"][mine], z, str(rows["source"][mine][0]))
            load_ohm = float(rows["load_ohm"][mine][0]) if kind == "load" else load_ohm
    if "short" not in found:
        return None
    return Standards(found["short"], found.get("open"), found.get("load"), load_ohm)
