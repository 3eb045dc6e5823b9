"""What this computer remembers of the tests it started: by their ref, on disk before the start is reported."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pydantic import ValidationError

from daq.errors import BadInput, InstrumentError
from daq.tables import StrictModel


class KeptRun(StrictModel):
    """`origins`: the schedule's step of each step of the tester. `step_file_sha256` is of the file that was started."""

    ref: str
    key: str
    testid: int
    barcode: str
    schedule_id: str
    step_file: str
    step_file_sha256: str
    origins: list[int]


class KeptRuns:
    """One file for each test, in the bench's state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, KeptRun] = {}

    def load(self) -> None:
        """Raises BadInput for a damaged file."""
        self._runs.clear()
        for path in sorted(self._folder.glob("run_*.json")):
            try:
                run = KeptRun.model_validate_json(path.read_bytes())
            except (ValidationError, OSError) as error:
                raise BadInput("what is kept of this test is damaged; move it away", place=str(path)) from error
            self._runs[run.ref] = run

    def keep(self, run: KeptRun) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"run_{hashlib.sha256(run.ref.encode()).hexdigest()[:24]}.json"
        temporary = path.with_suffix(".tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(run.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        self._runs[run.ref] = run

    def origins(self, ref: str) -> list[int]:
        """Empty for a test that was started elsewhere: its steps keep the tester's numbers."""
        run = self._runs.get(ref)
        return [] if run is None else run.origins

    def refs(self) -> list[str]:
        return list(self._runs)


def ref_of(key: str, testid: int, barcode: str) -> str:
    """Channel, number of the test, and barcode: what has to fit before anything is done to a test."""
    return f"{key}_{testid}_{barcode}"


def read_ref(ref: str, instrument: str) -> tuple[str, int, str]:
    """Raises InstrumentError for a ref of another instrument's making."""
    parts = ref.split("_", 2)
    if len(parts) != 3 or not parts[1].isdecimal():
        raise InstrumentError(instrument, f"has no test {ref!r}")
    return parts[0], int(parts[1]), parts[2]
