"""Rows of an export as a cycler's records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.exported import ExportedTable
from drivers.land.judging import Verdict
from drivers.schedule import CyclerRecord

Floats = NDArray[np.float64]
COARSE = 0.01


def records_of(table: ExportedTable, verdict: Verdict, after: int, limit: int) -> list[CyclerRecord]:
    """The rows after the first `after`. Capacities are counted on over the whole test; the file's own begin anew."""
    if after >= len(table):
        return []
    rows = slice(max(after, 0), max(after, 0) + limit)
    charge, discharge = counted(table)
    temperature = table.temperature_C
    warm = [None] * len(table) if temperature is None else [one if np.isfinite(one) else None for one in temperature]
    columns = (
        np.arange(1, len(table) + 1), table.time_s, verdict.step, verdict.cycle, table.voltage_V, table.current_A,
        charge, discharge,
    )  # fmt: skip
    return list(map(CyclerRecord, *(column[rows].tolist() for column in columns), warm[rows]))


def counted(table: ExportedTable) -> tuple[Floats, Floats]:
    """Charge and discharge capacity in Ah since the first row: by the file's counters, else by integration."""
    if table.charge_Ah is not None and table.discharge_Ah is not None:
        return _on(table.charge_Ah), _on(table.discharge_Ah)
    if table.capacity_Ah is not None:
        grown = np.diff(_on(np.abs(table.capacity_Ah)), prepend=0.0)
    else:
        mean = 0.5 * np.abs(table.current_A[1:] + table.current_A[:-1])
        grown = np.concatenate(([0.0], mean * np.diff(table.time_s) / 3600))
    charging, discharging = table.current_A > 0, table.current_A < 0
    return np.cumsum(np.where(charging, grown, 0.0)), np.cumsum(np.where(discharging, grown, 0.0))


def _on(counter_Ah: Floats) -> Floats:
    """A counter that begins anew with each step, as one that never does."""
    values = np.nan_to_num(counter_Ah)
    grown = np.diff(values, prepend=0.0)
    return np.cumsum(np.where(grown < 0, values, grown))


def coarseness(table: ExportedTable) -> str:
    """A warning when the last digit of the current is more than 1 % of what flows, else an empty text."""
    digit, flowing = table.current_digit_A, np.abs(table.current_A)
    flowing = flowing[flowing > 0]
    if not len(flowing) or digit <= COARSE * float(np.median(flowing)):
        return ""
    return (
        f"its current is written with a last digit of {1e6 * digit:.3g} uA for currents of "
        f"{1e6 * float(np.median(flowing)):.3g} uA: capacities from it are worth little; export in mA or uA"
    )


def missing_rows(table: ExportedTable) -> str:
    """Where the file numbers its rows one by one: after which of them some are missing, else an empty text."""
    if table.record is None or len(table) < 2:
        return ""
    steps = np.diff(table.record)
    wrong = steps != 1
    if not wrong.any() or np.median(steps) != 1:
        return ""
    before, after = table.record[int(np.argmax(wrong))], table.record[int(np.argmax(wrong)) + 1]
    return f"its record {before} is followed by {after}: rows are missing or doubled"


def differs_from(table: ExportedTable, before: ExportedTable) -> str:
    """Whether `table` goes on where `before` ended, all rows of `before` being in it unchanged; else why not.

    Rows are the same within the last digit of the coarser of both, for an export may be in another unit.
    """
    count = min(len(table), len(before))
    for name, least in (("time_s", 0.02), ("voltage_V", 1e-6), ("current_A", 1e-10)):
        new, old = getattr(table, name)[:count], getattr(before, name)[:count]
        allowed = 1.01 * max(table.current_digit_A, before.current_digit_A) if name == "current_A" else 0.0
        away = np.abs(new - old) > max(least, allowed)
        if away.any():
            return (
                f"its row {int(np.argmax(away)) + 1} differs in {name} from what was taken before: is it another test?"
            )
    if len(table) < len(before):
        return f"it has {len(table)} rows, {len(before)} were taken before: an older export"
    return ""
