"""What this computer remembers of the tests it started: by their ref, on disk before the start is reported."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from daq.errors import BadInput, InstrumentError
from daq.tables import StrictModel

T = TypeVar("T", bound=StrictModel)


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


class KeptIntent(StrictModel):
    """A start that was about to be sent: of its test only what it will be known by. `testid_before`: of the channel."""

    key: str
    testid_before: int
    barcode: str
    schedule_id: str
    step_file: str
    step_file_sha256: str
    origins: list[int]

    def run(self, testid: int) -> KeptRun:
        table = self.model_dump(exclude={"testid_before"})
        return KeptRun(ref=ref_of(self.key, testid, self.barcode), testid=testid, **table)


class KeptRuns:
    """One file for each test, and for each start of which nobody knows yet what became of it, in the state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, KeptRun] = {}
        self._intents: dict[str, KeptIntent] = {}

    def load(self) -> None:
        """Raises BadInput for a damaged file."""
        self._runs = {run.ref: run for run in self._read("run_*.json", KeptRun)}
        self._intents = {one.key: one for one in self._read("start_*.json", KeptIntent)}

    def _read(self, pattern: str, model: type[T]) -> Iterator[T]:
        for path in sorted(self._folder.glob(pattern)):
            try:
                yield model.model_validate_json(path.read_bytes())
            except (ValidationError, OSError) as error:
                raise BadInput("what is kept of this test is damaged; move it away", place=str(path)) from error

    def intend(self, intent: KeptIntent) -> None:
        """Before a start is sent: whatever happens then, its test is known again."""
        self._write(self._intent_path(intent.key), intent)
        self._intents[intent.key] = intent

    def keep(self, run: KeptRun) -> None:
        self._write(self._folder / f"run_{hashlib.sha256(run.ref.encode()).hexdigest()[:24]}.json", run)
        self._runs[run.ref] = run
        self.give_up(run.key)

    def give_up(self, key: str) -> None:
        """The start on this channel was refused, or became a test that is kept."""
        self._intent_path(key).unlink(missing_ok=True)
        self._intents.pop(key, None)

    @property
    def is_open(self) -> bool:
        """Whether there is a start of which nobody knows what became of it."""
        return bool(self._intents)

    def settle(self, key: str, testid: int, barcode: str) -> None:
        """What a channel shows: the test that was meant is ours, however its start was broken off."""
        intent = self._intents.get(key)
        if intent is not None and barcode == intent.barcode and testid not in (0, intent.testid_before):
            self.keep(intent.run(testid))

    def _intent_path(self, key: str) -> Path:
        return self._folder / f"start_{key}.json"

    def _write(self, path: Path, model: StrictModel) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(model.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)

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
