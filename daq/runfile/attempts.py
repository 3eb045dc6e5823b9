"""The attempts at a run's steps: journalled as they begin and end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from daq.contracts import StepState
from daq.runfile.journal import Journal

_ATTEMPT = "INSERT INTO attempt VALUES (?, ?, ?, ?, ?)"
Note = Callable[[float, str, str], None]


class Attempts:
    """`numbers`: of the steps, by key; "" is outside of any. Every change is durable on return.

    Raises KeyError for a step that the run does not have, StorageError when the disk takes no more.
    """

    def __init__(self, connection: sqlite3.Connection, journal: Journal, note: Note) -> None:
        self.numbers: dict[str, int] = {
            "": 0,
            **dict(connection.execute("SELECT key, number FROM step ORDER BY number")),
        }
        rows = connection.execute(
            "SELECT key, attempt, state FROM attempt JOIN step ON number = step ORDER BY number, attempt"
        )
        self._last: dict[str, tuple[int, StepState]] = {key: (attempt, state) for key, attempt, state in rows}
        self._journal = journal
        self._note = note

    def last_of(self, key: str) -> int:
        """The number of the last attempt, 0 when there is none."""
        return self._last[key][0] if key in self._last else 0

    def states(self) -> dict[str, StepState]:
        """The state of each step's last attempt; `waiting` where there is none."""
        return {key: self._last[key][1] if key in self._last else "waiting" for key in self.numbers if key}

    def begin(self, key: str, t_s: float) -> int:
        """The number of the attempt that begins now: 1, or one more than the last."""
        attempt = self.last_of(key) + 1
        self._journal.write((_ATTEMPT, (self._number(key), attempt, "running", float(t_s), None)))
        self._last[key] = (attempt, "running")
        return attempt

    def end(self, key: str, attempt: int, state: StepState, t_s: float) -> None:
        self._journal.write(
            (
                "UPDATE attempt SET state = ?, ended_t_s = ? WHERE step = ? AND attempt = ?",
                (state, float(t_s), self._number(key), attempt),
            )
        )
        self._last[key] = (attempt, state)
        self._note(t_s, "step", f"{key}: {state} (attempt {attempt})")

    def mark(self, key: str, state: StepState, t_s: float) -> None:
        """Another state without another attempt: skipped, say."""
        attempt = self.last_of(key)
        if attempt:
            self.end(key, attempt, state, t_s)
            return
        self._journal.write((_ATTEMPT, (self._number(key), 1, state, float(t_s), float(t_s))))
        self._last[key] = (1, state)

    def break_off(self) -> None:
        """Those that a dead process left `running` are `broken` in memory; in the file whoever takes over made them."""
        for key, (attempt, state) in self._last.items():
            self._last[key] = (attempt, "broken" if state == "running" else state)

    def _number(self, key: str) -> int:
        number = self.numbers.get(key, 0)
        if not number:
            raise KeyError(f"the run has no step {key!r}")
        return number
