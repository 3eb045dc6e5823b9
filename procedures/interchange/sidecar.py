"""The JSON beside a BDF file: what the numbers mean, whose they are, and which native run they come from."""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from procedures.interchange.run_spectra import RunSpectrum

BDF_ONTOLOGY_VERSION = "1.3.0"
_CHUNK_BYTES = 1 << 20


def sidecar(
    spectrum: RunSpectrum, data_file: str, run: dict[str, Any], native_sha256: str | None, taken_unix: float | None
) -> bytes:
    """`run`: id, procedure, versions. `native_sha256` is None while the run is still being written."""
    facts = {
        "format": "BDF",
        "ontology_version": BDF_ONTOLOGY_VERSION,
        "data_file": data_file,
        "conventions": {
            "current": "positive is charge",
            "imaginary_impedance": "true sign; negative is capacitive",
            "voltage": "direct-current potential of the point",
            "test_time": "seconds since the start of the run",
            "cycle_and_step": "none: one spectrum per file",
        },
        "taken": None
        if taken_unix is None
        else datetime.fromtimestamp(taken_unix, tz=UTC).isoformat(timespec="seconds"),
        "spectrum": {
            "number": spectrum.number,
            "attempt": spectrum.attempt,
            "direction": spectrum.direction,
            "setpoint_C": _number(spectrum.setpoint_C),
            "settled": spectrum.settled,
            "overloaded_points_left_out": spectrum.overloaded,
        },
        "temperature": {
            "sample_temperature_C": _number(spectrum.temperature_C),
            "uncertainty_K": _number(spectrum.temperature_uncertainty_K),
            "source": "temperature of the sample in the middle of the spectrum, measured or estimated (stream spectra)",
        },
        "sample": spectrum.sample.model_dump(exclude_none=True),
        "area_cm2": spectrum.area_cm2,
        "thickness_mm": spectrum.thickness_mm,
        "run": {**run, "sha256": native_sha256},
    }
    return (json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n").encode("utf-8")


def file_sha256(path: Path) -> str:
    """The hash of a closed run file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
