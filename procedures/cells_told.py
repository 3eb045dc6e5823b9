"""Where the cells of a run on a cycler are: for whoever looks on, and for a resume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from daq.contracts import Rig
from drivers.schedule import ChannelStatus
from procedures.cycled_cell import CellEnd, CycledCell
from procedures.operator_run import WATCHED_ONLY

CELLS = "cells"  # what the run remembers of several: by channel


def told_of_one(status: ChannelStatus, is_watched: bool) -> str:
    at = f"cycle {status.cycle}, step {status.step}, {status.voltage_V:.4g} V"
    if not is_watched:
        return at
    return f"{WATCHED_ONLY}; {at if status.cycle else status.text}{f' ({status.text})' if status.cycle else ''}"


def told_of_many(cells: Sequence[CycledCell], is_watched: bool) -> str:
    """`4 cells: 3 run (cycle 2 to 5), 1 finished`."""
    running = [one for one in cells if one.end is None]
    cycles = sorted({one.cycle for one in running if one.cycle})
    span = f" (cycle {cycles[0]}{f' to {cycles[-1]}' if len(cycles) > 1 else ''})" if cycles else ""
    ends = Counter(one.end.state for one in cells if one.end is not None)
    parts = [f"{len(running)} run{span}"] * bool(running) + [f"{many} {state}" for state, many in ends.items()]
    return f"{f'{WATCHED_ONLY}; ' if is_watched else ''}{len(cells)} cells: {', '.join(parts)}"


def keep_cells(rig: Rig, cells: Sequence[CycledCell]) -> None:
    """Each one's test, state and cycle, durable; written only when something has changed."""
    kept = rig.recall(CELLS, {})
    table = {key: dict(one) for key, one in kept.items()}
    for cell in cells:
        told = table.setdefault(str(cell.sample.channel), _fresh(cell))
        told["ref"] = cell.ref or told.get("ref")
        if cell.status is not None:
            told |= {"state": cell.status.state, "text": cell.status.text}
            told["cycle"] = cell.cycle or told["cycle"]
        if cell.end is not None:
            told |= {"state": cell.end.state, "text": cell.end.text, "ended": True}
    if table != kept:
        rig.remember(CELLS, table)


def _fresh(cell: CycledCell) -> dict[str, Any]:
    sample = cell.sample
    return {"sample": sample.label, "channel": sample.channel, "state": "waits", "cycle": 0, "text": ""}


def end_before(rig: Rig, cell: CycledCell) -> CellEnd | None:
    """How this cell had ended before a break; None where it had not."""
    kept = rig.recall(CELLS, {}).get(str(cell.sample.channel), {})
    return CellEnd(str(kept["state"]), str(kept["text"])) if kept.get("ended") else None
