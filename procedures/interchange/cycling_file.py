"""Cycling data of other programs: BDF (both spellings), LAND's csv and text exports, and tables like them.

Columns are found by their names, units by what stands behind the name (`Current/mA`, `Current / A`, `current_A`,
`current_ampere`); a column without a unit is refused, never guessed. BDF: https://github.com/battery-data-alliance;
the LAND shapes are those that its export makes (csv with lines of metadata, rows one field longer than the header).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daq.errors import BadInput

Floats = NDArray[np.float64]
ENCODINGS = ("utf-8-sig", "gb18030")  # and UTF-16, which says so at its beginning
HEADER_WITHIN = 60
FEWEST_ROWS = 3
FACTORS = {
    "time_s": {"s": 1.0, "second": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0},
    "voltage_V": {"v": 1.0, "volt": 1.0, "mv": 1e-3},
    "current_A": {"a": 1.0, "ampere": 1.0, "ma": 1e-3, "ua": 1e-6},
    "charge_Ah": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6},
    "discharge_Ah": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6},
    "temperature_C": {"c": 1.0, "degc": 1.0, "celsius": 1.0},
}
NAMES = {
    "time_s": ("test time", "testtime"),
    "voltage_V": ("voltage",),
    "current_A": ("current",),
    "charge_Ah": ("charging capacity", "charge capacity"),
    "discharge_Ah": ("discharging capacity", "discharge capacity"),
    "temperature_C": ("ambient temperature", "temperature 1"),
}
CYCLE_NAMES = ("cycle count", "cycle index", "cycle")
STATUS_NAMES = ("step name", "stepstatus", "step status", "workmode", "step type")
REQUIRED = ("time_s", "voltage_V", "current_A")


@dataclass(frozen=True, eq=False)
class CyclingFile:
    """One cell's record, arrays (n,); charge is positive current. `current_resolution_A` is the last digit that the
    file has of a current, `cycle` what the file counts (None: it does not), `notes` what a person should know."""

    path: Path
    program: str
    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    cycle: NDArray[np.int64] | None
    current_resolution_A: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Header:
    line: int  # from 0
    separator: str
    columns: dict[str, tuple[int, float]]  # quantity: place, factor
    cycle: int | None
    status: int | None
    without_unit: tuple[str, ...]


def is_cycling(path: Path) -> bool:
    """Whether a file's header names time, voltage and current, and no frequency."""
    try:
        text = _text(path, head=20_000)
    except (OSError, BadInput):
        return False
    found = _header(text)
    return found is not None and not re.search(r"frequency|freq\b", text.splitlines()[found.line], re.IGNORECASE)


def read_cycling(path: Path) -> CyclingFile:
    """Raises BadInput, naming file and line, for anything that can't be read without guessing."""
    text = _text(path)
    header = _header(text)
    if header is None:
        raise BadInput("no line names a time, a voltage and a current", place=str(path))
    for quantity in REQUIRED:
        if quantity not in header.columns:
            named = ", ".join(header.without_unit)
            raise BadInput(
                f"{quantity.partition('_')[0]} has no unit (found: {named})",
                place=f"{path}, line {header.line + 1}",
                allowed="units behind the name, as Current/mA",
            )
    lines, frame, notes = _frame(text, header, path)
    found = {name: factor * frame[place] for name, (place, factor) in header.columns.items()}
    current, told = _signed(found["current_A"], header, text, lines)
    _refuse_time(found["time_s"], lines, path)
    cycle = None if header.cycle is None else np.asarray(frame[header.cycle]).astype(np.int64)
    program = "LAND" if header.status is not None else "BDF" if header.separator == "," else "a cycler"
    return CyclingFile(
        path,
        program,
        found["time_s"],
        found["voltage_V"],
        current,
        cycle,
        resolution_of(current),
        (*notes, *told),
    )


def resolution_of(values: Floats) -> float:
    """The smallest step between values that occur: the last digit of what was written down."""
    steps = np.diff(np.unique(np.abs(values)))
    steps = steps[steps > 1e-12]
    return float(steps.min()) if len(steps) else 0.0


# ---------------------------------------------------------------- the header
def _text(path: Path, head: int | None = None) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read() if head is None else file.read(head)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", place=str(path)) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw[: len(raw) // 2 * 2].decode("utf-16", errors="strict" if head is None else "ignore")
    if b"\x00" in raw[:200]:
        raise BadInput("is no text file", place=str(path))
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding, errors="strict" if head is None else "ignore")
        except UnicodeError:
            continue
    raise BadInput("is in no encoding that is known", place=str(path), allowed=", ".join(ENCODINGS))


def _header(text: str) -> _Header | None:
    for number, line in enumerate(text.splitlines()[:HEADER_WITHIN]):
        for separator in ("\t", ";", ","):
            cells = [cell.strip().strip('"') for cell in line.split(separator)]
            if len(cells) < len(REQUIRED):
                continue
            found = _columns(cells, number, separator)
            if found is not None:
                return found
    return None


def _columns(cells: list[str], line: int, separator: str) -> _Header | None:
    known: dict[str, tuple[int, float]] = {}
    named: set[str] = set()
    without: list[str] = []
    for place, cell in enumerate(cells):
        name, unit = _split(cell)
        for quantity, names in NAMES.items():
            if name not in names:
                continue
            named.add(quantity)
            factor = FACTORS[quantity].get(unit)
            if factor is None:
                without.append(cell)
            else:
                known.setdefault(quantity, (place, factor))
    if not named >= set(REQUIRED):
        return None
    plain = [_split(cell)[0] for cell in cells]
    cycle = next((plain.index(name) for name in CYCLE_NAMES if name in plain), None)
    status = next((plain.index(name) for name in STATUS_NAMES if name in plain), None)
    return _Header(line, separator, known, cycle, status, tuple(without))


def _split(cell: str) -> tuple[str, str]:
    """`Current / mA`, `Current(mA)`, `current_mA`, `current_ampere` into the name and the unit, both small."""
    text = cell.replace("µ", "u").replace("μ", "u").strip()
    match = re.fullmatch(r"(.+?)\s*[/(]\s*([^()]*?)\s*\)?", text)
    if match is None:
        units = "|".join(sorted({unit for units in FACTORS.values() for unit in units}, key=len, reverse=True))
        match = re.fullmatch(rf"(.+?)_({units})", text, re.IGNORECASE)
    name, unit = (match.group(1), match.group(2)) if match else (text, "")
    return re.sub(r"[\s_]+", " ", name).strip().lower(), unit.strip().lower()


# ---------------------------------------------------------------- the rows
def _frame(text: str, header: _Header, path: Path) -> tuple[NDArray[np.int64], dict[int, Floats], list[str]]:
    """Line numbers (n,) and the columns that are needed; a last row that is cut off is left out with a note."""
    body = "\n".join(text.splitlines()[header.line + 1 :])
    places = {place for place, _ in header.columns.values()}
    wanted = sorted(places if header.cycle is None else places | {header.cycle})
    decimal = "," if header.separator != "," and re.search(r"\d,\d", body[:4000]) and "." not in body[:4000] else "."
    try:
        table = pd.read_csv(
            StringIO(body),
            sep=header.separator,
            header=None,
            index_col=False,
            usecols=wanted,
            decimal=decimal,
            skip_blank_lines=False,
            dtype=object if decimal == "," else None,
            low_memory=False,
            on_bad_lines="error",
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise BadInput(f"its rows can't be read: {error}", place=f"{path}, from line {header.line + 2}") from None
    columns = {place: _numbers(table[place], decimal) for place in wanted}
    lines = np.arange(len(table)) + header.line + 2
    bad = np.any([~np.isfinite(columns[place]) for place in wanted], axis=0)
    empty = np.array(table.isna().all(axis=1))
    notes = []
    if len(bad) and (bad & ~empty)[-1]:
        bad[-1] = False
        empty[-1] = True
        notes.append(f"{path.name}: line {lines[-1]} is cut off and left out; the file may still be growing")
    if (bad & ~empty).any():
        first = int(np.argmax(bad & ~empty))
        raise BadInput("a number is missing or is none", place=f"{path}, line {lines[first]}")
    if (~empty).sum() < FEWEST_ROWS:
        raise BadInput(f"has {int((~empty).sum())} rows, too few", place=str(path))
    return lines[~empty], {place: values[~empty] for place, values in columns.items()}, notes


def _numbers(column: Any, decimal: str) -> Floats:
    """A column of pandas as floats, nan for what is none."""
    if not pd.api.types.is_numeric_dtype(column):
        text = column.astype(str)
        column = pd.to_numeric(text.str.replace(decimal, ".") if decimal != "." else text, errors="coerce")
    return np.asarray(column, dtype=float)


def _signed(current_A: Floats, header: _Header, text: str, lines: NDArray[np.int64]) -> tuple[Floats, list[str]]:
    """Where the file has magnitudes, the sign is that of the step's name."""
    if header.status is None or (current_A < 0).any() or not (current_A > 0).any():
        return current_A, []
    rows = text.splitlines()
    words = [rows[line - 1].split(header.separator)[header.status].strip().lower() for line in lines.tolist()]
    discharging = np.array([word.startswith("d") for word in words])
    told = "currents are magnitudes in this file; their sign is that of the step's name"
    return np.where(discharging, -current_A, current_A), [told] if discharging.any() else []


def _refuse_time(time_s: Floats, lines: NDArray[np.int64], path: Path) -> None:
    back = np.diff(time_s) < 0
    if back.any():
        line = int(lines[int(np.argmax(back)) + 1])
        text = "the test time runs backwards here: are these two tests in one file?"
        raise BadInput(text, place=f"{path}, line {line}")
