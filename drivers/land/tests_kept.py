"""The tests that are looked for, on disk: what was typed in, who started it, which export was taken last."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from daq.errors import BadInput
from drivers.roles import HandOver
from drivers.schedule import Schedule


@dataclass
class Taken:
    """The export that was taken last, and our copy of it."""

    name: str
    copy: str
    sha256: str
    rows: int
    dialect: str
    units: dict[str, str]


@dataclass
class KeptTest:
    ref: str
    sheet_id: str
    channel: int
    sample_id: str
    schedule: Schedule
    hand_over: HandOver | None = None
    taken: Taken | None = None
    is_over: bool = False
    why_over: str = ""
    account: list[str] = field(default_factory=list)


_KEPT = TypeAdapter(KeptTest)


class KeptTests:
    """`tests` by ref, oldest first. Each is a file of its own in the driver's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tests: dict[str, KeptTest] = {}

    def load(self) -> None:
        """Raises BadInput for a file that is damaged."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tests = {}
        for path in sorted(self.folder.glob("*.test.json"), key=lambda one: one.stat().st_ctime_ns):
            try:
                test = _KEPT.validate_json(path.read_bytes())
            except (ValidationError, OSError) as error:
                raise BadInput("the kept test is damaged; delete it", place=str(path)) from error
            self.tests[test.ref] = test

    def save(self, test: KeptTest) -> None:
        self.tests[test.ref] = test
        path = self.folder / f"{test.ref}.test.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(_KEPT.dump_json(test))
        os.replace(temporary, path)

    def add(self, sheet_id: str, channel: int, sample_id: str, schedule: Schedule) -> KeptTest:
        """A new one; those before it on its channel are over, for a channel does one thing at a time."""
        number = 1 + sum(one.sheet_id == sheet_id for one in self.tests.values())
        test = KeptTest(f"{sheet_id}-{number}", sheet_id, channel, sample_id, schedule)
        self.save(test)
        return test

    def on_channel(self, channel: int) -> KeptTest | None:
        """The test that was handed over last on a channel."""
        found = [one for one in self.tests.values() if one.hand_over and one.hand_over.channel == channel]
        return max(found, key=lambda one: one.hand_over.started_unix if one.hand_over else 0.0, default=None)

    def looked_for(self) -> list[KeptTest]:
        return [one for one in self.tests.values() if one.hand_over is not None and not one.is_over]
