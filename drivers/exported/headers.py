"""The header of an exported table: which column is what, in which unit.

Spellings of BDF (https://github.com/battery-data-alliance) and of the tables that LAND's programs are known to export:
`Current/mA`, `Current / A`, `Current(mA)`, `current_A`, `current_ampere`; of EC-Lab's text (`time/s`, `Ewe/V`,
`<I>/mA`) and of NOVA's (`Time (s)`, `WE(1).Potential (V)`, `WE(1).Current (A)`). A column without a unit is refused,
never guessed; only a time may say its unit in its cells (`1-02:03:04`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FACTORS = {
    "time_s": {"s": 1.0, "second": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0},
    "voltage_V": {"v": 1.0, "volt": 1.0, "mv": 1e-3},
    "current_A": {"a": 1.0, "ampere": 1.0, "ma": 1e-3, "ua": 1e-6},
    "charge_Ah": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6},
    "discharge_Ah": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6},
    "capacity_Ah": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6},
    "temperature_C": {"c": 1.0, "degc": 1.0, "celsius": 1.0},
}
NAMES = {
    "time_s": ("test time", "testtime", "total time", "time", "corrected time"),
    "voltage_V": ("voltage", "ewe", "<ewe>", "ecell", "<ecell>", "we(1).potential", "potential", "potential applied"),
    "current_A": ("current", "i", "<i>", "we(1).current"),
    "charge_Ah": ("charging capacity", "charge capacity"),
    "discharge_Ah": ("discharging capacity", "discharge capacity"),
    "capacity_Ah": ("capacity",),
    "temperature_C": ("ambient temperature", "temperature 1"),
}
WORDS = {
    "record": (
        "record",
        "record index",
        "index",
        "point",
        "序号",
        "channel index",
    ),  # the last: Landt's csv means it so
    "cycle": ("cycle count", "cycle index", "cycle", "cycle number", "scan"),
    "step": ("stepno", "step no", "step index", "step", "ns", "step count"),
    "status": ("step name", "stepstatus", "step status", "workmode", "work mode", "step type"),
    "date": ("systime", "sys time", "system time", "date time iso string", "datetime", "date time", "date"),
}
REQUIRED = ("time_s", "voltage_V", "current_A")
AT_REST = ("time_s", "voltage_V")  # of EC-Lab's open circuit
ECLAB_VOLTAGES = ("ewe", "<ewe>", "ecell", "<ecell>")
OPTIONAL = ("charge_Ah", "discharge_Ah", "capacity_Ah", "temperature_C")


@dataclass(frozen=True)
class Header:
    """`columns`: quantity to (place, factor); a factor of 0 says that the cells tell their unit (a clock's time).

    `words`: record, cycle, step, status, date to a place. `without_unit`: cells that lack one. `cells`: as they stand.
    `is_at_rest`: without a current, of a cell at open circuit.
    """

    columns: dict[str, tuple[int, float]]
    words: dict[str, int]
    without_unit: tuple[str, ...]
    cells: tuple[str, ...]
    is_at_rest: bool = False

    def missing_unit(self) -> str:
        """The first quantity that is named but has no unit, else an empty text."""
        required = AT_REST if self.is_at_rest else REQUIRED
        return next((name.partition("_")[0] for name in required if name not in self.columns), "")

    def units(self) -> dict[str, str]:
        """What the file calls each column that is used."""
        return {name: self.cells[place] for name, (place, _) in self.columns.items()}


def read_header(cells: Sequence[str], at_rest: bool = False) -> Header | None:
    """None unless the cells name a time, a voltage and a current; `at_rest`: EC-Lab's voltage, no current."""
    split = [split_name(cell) for cell in cells]
    plain = [name for name, _ in split]
    columns: dict[str, tuple[int, float]] = {}
    without: list[str] = []
    named = set()
    for quantity, names in NAMES.items():
        place = next((plain.index(name) for name in names if name in plain), None)
        if place is None:
            continue
        named.add(quantity)
        factor = FACTORS[quantity].get(split[place][1])
        if factor is not None:
            columns[quantity] = (place, factor)
        elif quantity == "time_s" and not split[place][1]:
            columns[quantity] = (place, 0.0)
        else:
            without.append(cells[place])
    if at_rest:
        is_spectrum = any(name.startswith("freq") for name in plain)
        if is_spectrum or "current_A" in named or "time_s" not in named or not set(plain) & set(ECLAB_VOLTAGES):
            return None
    elif not named >= set(REQUIRED):
        return None
    words = {
        what: plain.index(name)
        for what, names in WORDS.items()
        for name in [next((one for one in names if one in plain), None)]
        if name is not None
    }
    return Header(columns, words, tuple(without), tuple(cells), at_rest)


def is_header_line(cells: Sequence[str], header: Header) -> bool:
    """Whether a row repeats the header, as some exports do within the data."""
    return all(
        cells[place].strip() == header.cells[place] for place, _ in header.columns.values() if place < len(cells)
    )


def split_name(cell: str) -> tuple[str, str]:
    """`Current / mA`, `Current(mA)`, `current_mA`, `current_ampere` into the name and the unit, both small."""
    text = cell.replace("µ", "u").replace("μ", "u").strip()
    match = re.fullmatch(r"(.+?)\s*[/(]\s*([^()]*?)\s*\)?", text)
    if match is None:
        units = "|".join(sorted({unit for units in FACTORS.values() for unit in units}, key=len, reverse=True))
        match = re.fullmatch(rf"(.+?)_({units})", text, re.IGNORECASE)
    name, unit = (match.group(1), match.group(2)) if match else (text, "")
    return re.sub(r"[\s_]+", " ", name).strip().lower(), unit.strip().lower()
