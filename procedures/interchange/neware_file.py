"""Neware's binary records, `.ndax` and `.nda`, through fastnda (BSD-3; the extra `neware-files`).

The layout of these files is fastnda's knowledge; which of them it has seen only in part it says, and so do we. Its
columns are total_time_s, voltage_V, current_mA, cycle_count, step_type; charge is positive current.
"""

from __future__ import annotations

import logging
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daq.errors import BadInput

ENDINGS = (".ndax", ".nda")
NEEDED = ("total_time_s", "voltage_V", "current_mA")
FEWEST_ROWS = 3
Floats = NDArray[np.float64]
log = logging.getLogger(__name__)


def is_neware(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS


def read_neware(path: Path) -> tuple[dict[str, Floats], list[str]]:
    """Columns time_s, voltage_V, current_A and, where there is one, cycle, arrays (n,); and notes for a person.

    Raises BadInput for a file that fastnda can't read, one with gaps in these columns, and without the extra.
    """
    try:
        import fastnda
    except ImportError as error:
        raise BadInput(
            "Neware files are read by fastnda, which is not installed",
            place=str(path),
            allowed='pip install "cellrig[neware-files]", or the export as csv',
        ) from error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = _read(fastnda, path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing or len(table) < FEWEST_ROWS:
        raise BadInput(f"{len(table)} rows; it lacks {', '.join(missing) or 'rows'}", place=str(path))
    found = {
        "time_s": _column(table, "total_time_s"),
        "voltage_V": _column(table, "voltage_V"),
        "current_A": 1e-3 * _column(table, "current_mA"),
    }
    for name, values in found.items():
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values))) + 1
            raise BadInput(f"{name} is missing", place=f"{path}, record {row}")
    notes = [f"{path.name}: {one.message}" for one in caught if "verified" in str(one.message)]
    found["current_A"], told = _signed(found["current_A"], table)
    if "cycle_count" in table.columns:
        found["cycle"] = _column(table, "cycle_count")
    return found, [*notes, *told]


def _read(fastnda: Any, path: Path) -> Any:
    try:
        if not path.is_file():
            raise BadInput("there is no such file", place=str(path))
        return fastnda.read(path, cycle_mode="raw")
    except BadInput:
        raise
    except (zipfile.BadZipFile, NotImplementedError, KeyError, EOFError, OSError, ValueError) as error:
        raise BadInput(f"fastnda can't read it: {error}", place=str(path)) from error
    except Exception as error:  # a wall: a damaged file can fail anywhere in another project's parser
        log.debug("fastnda on %s", path, exc_info=True)
        raise BadInput(f"fastnda can't read it, it may be damaged: {error!r}", place=str(path)) from error


def _column(table: Any, name: str) -> Floats:
    return np.asarray(table[name].cast(float).to_numpy(), dtype=np.float64)


def _signed(current_A: Floats, table: Any) -> tuple[Floats, list[str]]:
    """Some files hold magnitudes; the direction is then that of the step's type."""
    if (current_A < 0).any() or "step_type" not in table.columns:
        return current_A, []
    discharging = np.array(["dchg" in str(one).lower() for one in table["step_type"].to_list()])
    if not (discharging & (current_A > 0)).any():
        return current_A, []
    told = "currents are magnitudes in this file; their sign is that of the step's type"
    return np.where(discharging, -current_A, current_A), [told]
