"""The cells of a bench, made when first touched, and their state kept in the state folder."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from daq.errors import BadInput, CellrigError
from daq.tables import StrictModel, parse
from drivers.simulated.cells.cell import Cell
from drivers.simulated.simulation import Simulation

log = logging.getLogger(__name__)
CELLS_FILE = "simulated_cells.json"
KEPT_AT_LEAST_EVERY_s = 600.0


class KeptCell(StrictModel):
    """`at_s`: when it was last touched, on the world's clock."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    at_s: float
    numbers: dict[str, float] = Field(default_factory=dict)


class KeptCells(StrictModel):
    cells: dict[str, KeptCell] = Field(default_factory=dict)


class CellHolder:
    """One cell and until when it has lived. `rest_until` lets the time pass in which nobody looked."""

    def __init__(self, cell: Cell, at_s: float) -> None:
        self.cell = cell
        self.at_s = at_s

    def rest_until(self, now_s: float, temperature_C: float, high_phase: float) -> None:
        if now_s > self.at_s:
            self.cell.at_current(0.0, now_s - self.at_s, temperature_C, high_phase)
            self.at_s = now_s


class Cells:
    """By channel, from 1. Raises BadInput where the kept file is damaged; deleting it starts with fresh cells."""

    def __init__(self, simulation: Simulation, folder: Path, is_kept: bool) -> None:
        self._simulation = simulation
        self._path = folder / CELLS_FILE
        self._held: dict[int, CellHolder] = {}
        self._kept = self._load() if is_kept and self._path.exists() else {}

    def _load(self) -> dict[str, KeptCell]:
        try:
            table: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            return parse(KeptCells, table, str(self._path)).cells
        except (OSError, ValueError, CellrigError) as error:
            raise BadInput(f"the kept cells are damaged ({error}); delete them", place=str(self._path)) from error

    def of(self, channel: int, now_s: float) -> CellHolder:
        if channel not in self._held:
            cell = self._simulation.channel(channel).cell_in_time(self._simulation.seed, channel)
            kept = self._kept.get(str(channel))
            if kept is not None:
                try:
                    cell.adopt(kept.numbers)
                except (TypeError, KeyError) as error:
                    raise BadInput("the kept cells are of another kind; delete them", place=str(self._path)) from error
            self._held[channel] = CellHolder(cell, now_s if kept is None else min(kept.at_s, now_s))
        return self._held[channel]

    def save(self) -> None:
        """Where something changed, or was last kept long ago: a spectrum leaves its cell as it was.

        A full disk must not end a measurement: it is told.
        """
        changed = False
        for channel, held in self._held.items():
            now = KeptCell(at_s=held.at_s, numbers=held.cell.state())
            before = self._kept.get(str(channel))
            if before is None or before.numbers != now.numbers or now.at_s - before.at_s >= KEPT_AT_LEAST_EVERY_s:
                self._kept[str(channel)] = now
                changed = True
        if not changed:
            return
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.write_text(KeptCells(cells=self._kept).model_dump_json(), encoding="utf-8")
            os.replace(temporary, self._path)
        except OSError as error:
            log.warning("%s: the simulated cells cannot be kept: %s", self._path, error)
