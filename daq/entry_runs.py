"""What became of an entry's runs, as the queue keeps it and back: the host writes it, its clients read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daq.engine import RunEnd
from daq.errors import CellrigError
from daq.run_queue import Entry, State
from daq.runner import Ended
from daq.safety import SafeOutcome


def as_table(one: Ended) -> dict[str, Any]:
    """JSON for `RunQueue.add_run`."""
    return {
        "path": str(one.path),
        "outcome": one.end.outcome,
        "reason": one.end.reason,
        "cut_short": one.end.cut_short,
        "safety": [vars(safe) for safe in one.end.safety],
    }


def ended(entry: Entry) -> list[Ended]:
    """The runs of an entry that is done. Raises CellrigError when none was begun."""
    if not entry.runs:
        raise CellrigError(entry.note)
    return [
        Ended(
            Path(run["path"]),
            RunEnd(
                run["outcome"],
                run.get("reason", ""),
                tuple(SafeOutcome(**one) for one in run.get("safety", ())),
                run.get("cut_short", False),
            ),
            Path(run["report"]) if "report" in run else None,
        )
        for run in entry.runs
    ]


def state_of(outcome: str) -> State:
    return "finished" if outcome == "finished" else "stopped" if outcome == "stopped" else "failed"


def safe_text(outcomes: Sequence[SafeOutcome]) -> str:
    return "; ".join(f"{one.instrument}: {one.text}" for one in outcomes)
