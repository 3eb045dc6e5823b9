"""The spectra in a growing run, one after the other, with the temperature each belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from daq.errors import BadInput
from gui.model.growing import GrowingTable
from gui.model.run_view import RunView
from procedures.analysis.compensation import Standards
from procedures.eis_compensation import COMPENSATION, standards_in


@dataclass(eq=False)
class SpectrumCurve:
    """Points as they were taken. `temperature_C` is the sample's once the spectrum is finished, else the set-point.

    `is_last` of its run: one before it that is not finished was broken off, and measured again.
    `compensated_ohm`: without holder and leads, where the run keeps standards that reach.
    """

    run: RunView
    number: int
    sample: str
    attempt: int
    setpoint_C: float
    temperature_C: float
    direction: str
    finished: bool
    frequency_Hz: np.ndarray
    z_ohm: np.ndarray
    compensated_ohm: np.ndarray | None = None
    is_last: bool = True

    @property
    def is_growing(self) -> bool:
        return self.run.is_live and self.is_last and not self.finished

    @property
    def key(self) -> tuple[str, int, int]:
        return self.run.head.id, self.number, self.attempt

    @property
    def size_ohm(self) -> float:
        """The largest modulus."""
        return float(np.nanmax(np.abs(self.z_ohm), initial=0.0))

    @property
    def label(self) -> str:
        way = {"cooling": " ↓", "return": " ↺"}.get(self.direction, "")
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        where = f"{self.setpoint_C:g} °C" if np.isfinite(self.setpoint_C) else f"spectrum {self.number}"
        return f"{where}{way}{again}"


class SpectraOf:
    """Reads only what has come since the last `refresh`."""

    def __init__(self, run: RunView) -> None:
        self.run = run
        self._starts: list[int] = []
        self._seen = 0
        self._told = 0
        self._untold: list[int] = []  # rows of spectra whose points are still to be read
        self._standards: Standards | None = None
        self.curves: list[SpectrumCurve] = []

    def refresh(self) -> list[SpectrumCurve]:
        """The curves that changed."""
        points = self.run.table("impedance")
        rows = self.run.table("spectra")
        if points.size == self._seen and rows.size == self._told:
            return []
        numbers, attempts = points["spectrum"], points["attempt"]
        for index in range(self._seen, points.size):
            if index == 0 or numbers[index] != numbers[index - 1] or attempts[index] != attempts[index - 1]:
                self._starts.append(index)
        first = max(0, len(self.curves) - 1)
        changed = self.curves[first:]
        for place in range(first, len(self._starts)):
            stop = self._starts[place + 1] if place + 1 < len(self._starts) else points.size
            curve = _curve(self.run, points, slice(self._starts[place], stop))
            if place < len(self.curves):
                self.curves[place].frequency_Hz, self.curves[place].z_ohm = curve.frequency_Hz, curve.z_ohm
            else:
                for before in self.curves[-1:]:
                    before.is_last = False
                self.curves.append(curve)
                changed.append(curve)
            self.curves[place].compensated_ohm = self._compensated(curve)
        changed += self._finish(rows)
        self._seen, self._told = points.size, rows.size
        return changed

    def _compensated(self, curve: SpectrumCurve) -> np.ndarray | None:
        """The standards come with the first row of a run, or not at all."""
        if self._standards is None and self.run.table(COMPENSATION.name).size:
            table = self.run.table(COMPENSATION.name)
            with suppress(BadInput):
                self._standards = standards_in({name: table[name] for name in COMPENSATION.column_names})
        good = np.isfinite(curve.z_ohm)
        if self._standards is None or not good.any():
            return None
        z = np.full(len(curve.z_ohm), np.nan, np.complex128)
        with suppress(BadInput):  # a standard that does not reach: the analysis says so
            z[good] = self._standards.applied(curve.frequency_Hz[good], curve.z_ohm[good])
            return z
        return None

    def _finish(self, rows: GrowingTable) -> list[SpectrumCurve]:
        """The two streams are read one after the other: what was written in between comes here before its points."""
        by_number = {(one.number, one.attempt): one for one in self.curves}
        changed, told = [], [*self._untold, *range(self._told, rows.size)]
        self._untold = []
        for index in told:
            curve = by_number.get((int(rows["spectrum"][index]), int(rows["attempt"][index])))
            if curve is None:
                self._untold.append(index)
                continue
            curve.finished = True
            curve.direction = str(rows["direction"][index])
            known = float(rows["sample_temperature_C"][index])
            curve.temperature_C = known if np.isfinite(known) else curve.setpoint_C
            changed.append(curve)
        return changed


def _curve(run: RunView, points: GrowingTable, part: slice) -> SpectrumCurve:
    setpoint = float(points["setpoint_C"][part.start])
    return SpectrumCurve(
        run=run,
        number=int(points["spectrum"][part.start]),
        sample=str(points["sample"][part.start]),
        attempt=int(points["attempt"][part.start]),
        setpoint_C=setpoint,
        temperature_C=setpoint,
        direction="",
        finished=False,
        frequency_Hz=points["frequency_Hz"][part].copy(),
        z_ohm=points["z_real_ohm"][part] + 1j * points["z_imag_ohm"][part],
    )


class SpectraCache:
    """The curves of several runs; each run is read on from where it was."""

    def __init__(self) -> None:
        self._known: dict[str, SpectraOf] = {}

    def curves_of(self, runs: Iterable[RunView]) -> list[SpectrumCurve]:
        found: list[SpectrumCurve] = []
        for run in runs:
            known = self._known.get(run.head.id)
            if known is None or known.run is not run:
                known = self._known[run.head.id] = SpectraOf(run)
            known.refresh()
            found += known.curves
        return found
