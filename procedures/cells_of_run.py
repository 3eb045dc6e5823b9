"""The cells of a cycling run, each with its own rows, and what an analysis finds of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daq.contracts import Result, RunReader
from daq.errors import AnalysisRefused
from daq.sample import Sample, samples_of
from procedures.dc_streams import CYCLED
from procedures.dc_taking import told_break


@dataclass(frozen=True, eq=False)
class CellRows:
    """`rows` of one cell by column. `at` says where its results hold: nothing where it is alone in its run."""

    sample: Sample
    rows: Mapping[str, np.ndarray]
    at: Mapping[str, Any]


def cells_of(run: RunReader, columns: Sequence[str] = CYCLED) -> list[CellRows]:
    """All cells of the run, in the plan's order; the rows of one that recorded nothing are empty."""
    samples = samples_of(run.sample)
    if len(samples) == 1:
        return [CellRows(samples[0], run.table("cycling", columns=columns), {})]
    rows = run.table("cycling", columns=(*columns, "channel"))
    found = []
    for sample in samples:
        mine = rows["channel"] == sample.channel
        found.append(CellRows(sample, {name: one[mine] for name, one in rows.items()}, {"sample": sample.label}))
    return found


def results_of_cells(
    cells: Sequence[CellRows], name: str, unit: str, analyse: Callable[[CellRows], list[Result]]
) -> list[Result]:
    """`analyse` of each. Of several, one whose data do not carry it is refused as `name`, and the others are told.

    Raises AnalysisRefused for a cell that is alone.
    """
    results: list[Result] = []
    for cell in cells:
        try:
            results += told_break(analyse(cell), spans_break(cell.rows))
        except AnalysisRefused as refusal:
            if len(cells) == 1:
                raise
            results.append(Result(name, None, unit, at=dict(cell.at), reason=str(refusal)))
    return results


def spans_break(rows: Mapping[str, np.ndarray]) -> bool:
    return bool(np.any(rows["attempt"] > 1))
