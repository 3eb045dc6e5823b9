"""From files in the export folder to the data of the tests they belong to. What does not fit is set aside, with why."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from daq.errors import BadInput
from drivers.exported import ExportedTable, read_export
from drivers.land.folder import Export
from drivers.land.judging import Verdict, judge
from drivers.land.records import coarseness, differs_from, missing_rows
from drivers.land.tests_kept import KeptTest, Taken
from drivers.step_sheet import ID_LENGTH, ID_LETTERS

CODE = re.compile(rf"(?<![0-9A-Z])[{ID_LETTERS}]{{{ID_LENGTH}}}(?![0-9A-Z])")


@dataclass(eq=False)
class Attached:
    """What is known of a test now."""

    table: ExportedTable
    verdict: Verdict


@dataclass
class Taker:
    """`attached` by ref; `set_aside` by file name. A file is looked into once, until it changes. `now_unix` is asked
    for the bench's time: an export whose rows lie ahead of it is of another test.
    """

    folder: Path
    tolerance_s: float
    now_unix: Callable[[], float]
    attached: dict[str, Attached] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)
    _known: dict[str, Export] = field(default_factory=dict)

    def forget_files(self) -> None:
        """Look into every file again: there is a test more that it may be of."""
        self._known.clear()

    def take(self, exports: Sequence[Export], tests: Sequence[KeptTest]) -> list[KeptTest]:
        """The tests that something was taken for or told of."""
        changed: dict[str, KeptTest] = {}
        for export in exports:
            before = self._known.get(export.path.name)
            if before is not None and before.is_same(export):
                continue
            for test in self._take_one(export, tests):
                changed[test.ref] = test
        return list(changed.values())

    def _take_one(self, export: Export, tests: Sequence[KeptTest]) -> list[KeptTest]:
        name = export.path.name
        scratch = self.folder / f"reading{export.path.suffix.lower()}"
        try:
            shutil.copyfile(export.path, scratch)
        except OSError:
            return []  # locked since it was looked at: the next look tries again
        self._known[name] = export
        try:
            table = read_export(scratch, unended_is_cut=True)
        except BadInput as error:
            line = error.place.rpartition(", ")[2] if ", " in error.place else ""
            return self._aside(name, f"{line + ': ' if line else ''}{error.problem}", tests)
        text = f"{name}\n{table.around}".upper()
        mine = [test for test in tests if re.search(rf"(?<![0-9A-Z]){test.sheet_id}(?![0-9A-Z])", text)]
        codes = _codes(text)
        if not mine:
            wanted = ", ".join(sorted({test.sheet_id for test in tests}))
            told = f"it carries the id {', '.join(sorted(codes))}" if codes else "it carries no sheet's id"
            return self._aside(name, f"{told}; looked for: {wanted or 'none'}", tests)
        test = min(mine, key=lambda one: abs(self._late_s(one, table)))
        return self._consider(name, scratch, table, test)

    def _consider(self, name: str, scratch: Path, table: ExportedTable, test: KeptTest) -> list[KeptTest]:
        late_s = self._late_s(test, table)
        if abs(late_s) > self.tolerance_s:
            assert table.first_unix is not None
            began = datetime.fromtimestamp(table.first_unix)
            text = f"its first row is of {began:%Y-%m-%d %H:%M}, {_hours(late_s)} the channel was said to be started"
            return self._aside(name, text, [test])
        if table.last_unix is not None and table.last_unix > self.now_unix() + self.tolerance_s:
            ended = datetime.fromtimestamp(table.last_unix)
            return self._aside(name, f"its last row is of {ended:%Y-%m-%d %H:%M}, which lies ahead", [test])
        before = self._attached(test)
        reason = missing_rows(table) or ("" if before is None else differs_from(table, before.table))
        if not reason and before is not None and len(table) == len(before.table):
            self.set_aside.pop(name, None)
            return []  # the same once more
        verdict = judge(table, test.schedule)
        reason = reason or verdict.reason
        if reason:
            return self._aside(name, reason, [test])
        self.set_aside.pop(name, None)
        self._attach(name, scratch, table, verdict, test)
        return [test]

    def _attach(self, name: str, scratch: Path, table: ExportedTable, verdict: Verdict, test: KeptTest) -> None:
        sha256 = hashlib.sha256(scratch.read_bytes()).hexdigest()
        copy = self.folder / f"{test.ref}_{sha256[:8]}{scratch.suffix}"
        shutil.copyfile(scratch, copy)
        before = test.taken
        test.taken = Taken(name, copy.name, sha256, len(table), table.dialect, dict(table.units))
        test.is_over = verdict.is_done
        if before is not None and before.copy != copy.name:
            (self.folder / before.copy).unlink(missing_ok=True)  # all its rows are in the new one
        self.attached[test.ref] = Attached(table, verdict)
        units = ", ".join(sorted(table.units.values()))
        told = f"{name}: {len(table)} rows taken ({table.dialect}; {units}; sha256 {sha256[:12]})"
        until = (
            "" if table.last_unix is None else f", data up to {datetime.fromtimestamp(table.last_unix):%Y-%m-%d %H:%M}"
        )
        _tell(test, told + until)
        for note in (coarseness(table), *(one.replace(scratch.name, name) for one in table.notes)):
            if note:
                _tell(test, f"{name}: {note}")

    def _attached(self, test: KeptTest) -> Attached | None:
        """What was taken before; after a restart read from our copy of it."""
        if test.ref not in self.attached and test.taken is not None:
            self.restore(test)
        return self.attached.get(test.ref)

    def restore(self, test: KeptTest) -> None:
        """Raises BadInput when our copy is gone or damaged."""
        if test.taken is None or test.ref in self.attached:
            return
        path = self.folder / test.taken.copy
        table = read_export(path, unended_is_cut=True)
        self.attached[test.ref] = Attached(table, judge(table, test.schedule))

    def _aside(self, name: str, reason: str, tests: Sequence[KeptTest]) -> list[KeptTest]:
        self.set_aside[name] = reason
        for test in tests:
            _tell(test, f"{name} is set aside: {reason}")
        return list(tests)

    def _late_s(self, test: KeptTest, table: ExportedTable) -> float:
        """By how much the first row is later than the start that was told; 0 where the file has no dates."""
        if test.hand_over is None or table.first_unix is None:
            return 0.0
        return table.first_unix - float(table.time_s[0]) - test.hand_over.started_unix


def _codes(text: str) -> set[str]:
    """What may be the id of another sheet: no word, no date."""
    return {one for one in CODE.findall(text) if not one.isdigit() and not one.isalpha()}


def _hours(late_s: float) -> str:
    return f"{abs(late_s) / 3600:.3g} h {'after' if late_s > 0 else 'before'}"


def _tell(test: KeptTest, text: str) -> None:
    """Once; the account is bounded, for a folder may be full of files of other people."""
    if text not in test.account and len(test.account) < 500:
        test.account.append(text)
