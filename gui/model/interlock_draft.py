"""Interlocks as the form has them: texts, from and to the tables of a plan; what they may look at on this bench."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from daq.bench import BenchConfig, dry_bench
from daq.errors import BadInput
from daq.interlock import Action, sources_of
from daq.plugins import PROCEDURES, load
from daq.quantity import SILENCE, Sources, read_quantity
from gui.model.quantity_text import number_of, shown_unit, text_of

ACTIONS: Sequence[str] = get_args(Action)
NUMBERS = ("maximum", "minimum", "delay_s", "hysteresis")
KEYS = ("quantity", *NUMBERS, "action", "name")


@dataclass
class InterlockDraft:
    """`texts` by the keys of `[[interlock]]`; `rest` is what a plan says beyond what the form shows, kept as it is."""

    texts: dict[str, str] = field(default_factory=lambda: {**dict.fromkeys(KEYS, ""), "action": ACTIONS[0]})
    rest: dict[str, Any] = field(default_factory=dict)


def sources_for(bench: BenchConfig, procedure: str) -> Sources:
    """What can be watched in a run of this procedure. Raises BadInput."""
    kind = load(PROCEDURES, procedure, "new run, procedure")
    return sources_of(dry_bench(bench).instruments, kind().streams)


def offered(sources: Sources) -> list[str]:
    """Quantities that make sense to watch, as they are written: readings, differences, rates, silence, columns."""
    found: list[str] = []
    for source, columns in sources.items():
        named = [f"{source}.{column}" for column, unit in columns.items() if unit and column != SILENCE]
        found += named
        if SILENCE in columns:
            both = {"temperature_C", "sample_temperature_C"} <= set(columns)
            found += [f"{source}.temperature_C - {source}.sample_temperature_C"] if both else []
            found += [f"{one} per min" for one in named if one.endswith((".temperature_C", ".voltage_V"))]
            found.append(f"{source}.{SILENCE}")
    return found


def table_of(draft: InterlockDraft, sources: Sources) -> tuple[dict[str, Any], dict[str, str]]:
    """The table, and what is wrong by the key of its field."""
    table: dict[str, Any] = {"quantity": draft.texts["quantity"].strip(), "action": draft.texts["action"]}
    problems: dict[str, str] = {}
    unit = ""
    try:
        unit = read_quantity(table["quantity"], sources, "form").unit if table["quantity"] else ""
    except BadInput as error:
        problems["quantity"] = f"{error.problem} ({error.allowed})" if error.allowed else error.problem
    if not table["quantity"]:
        problems["quantity"] = "is empty: what is watched?"
    if draft.texts["name"].strip():
        table["name"] = draft.texts["name"].strip()
    for key in NUMBERS:
        text = draft.texts[key].strip()
        if not text:
            continue
        try:
            table[key] = number_of(text, _unit_of(key, unit))
        except ValueError as error:
            if "quantity" not in problems:  # without it nobody knows the unit
                problems[key] = str(error)
    if not problems and "maximum" not in table and "minimum" not in table:
        problems["maximum"] = "has no limit: at most, at least or both"
    return {**draft.rest, **table}, problems


def draft_of(table: Mapping[str, Any], sources: Sources) -> InterlockDraft:
    draft = InterlockDraft()
    try:
        unit = read_quantity(str(table.get("quantity", "")), sources, "form").unit
    except BadInput:
        unit = ""  # the check says what is wrong with it
    for key in KEYS:
        if table.get(key) is not None:
            draft.texts[key] = text_of(table[key], _unit_of(key, unit) if key in NUMBERS else "")
    draft.rest = {key: value for key, value in table.items() if key not in KEYS and value is not None}
    return draft


def place_of(error: BadInput, tables: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """Which interlock, and which of its fields, an error of the plan's check is about: it names them as
    `plan, interlock NAME OR NUMBER, KEY`, or as `plan, interlock.PLACE.KEY`."""
    by_place = re.search(r"interlock\.(\d+)(?:\.(\w+))?", error.place)
    if by_place is not None:
        number, key = int(by_place.group(1)), by_place.group(2) or ""
    else:
        parts = error.place.split(", ")
        names = [f"interlock {one.get('name') or place}" for place, one in enumerate(tables, 1)]
        number = next((place for place, name in enumerate(names) if name in parts), -1)
        key = parts[-1]
    if not 0 <= number < len(tables):
        return None
    return number, key if key in KEYS else "quantity"


def limit_unit(quantity: str, sources: Sources) -> str:
    """As it stands beside a limit; empty while the quantity is not known."""
    try:
        return shown_unit(read_quantity(quantity, sources, "form").unit)
    except BadInput:
        return ""


def _unit_of(key: str, unit: str) -> str:
    if key == "delay_s":
        return "s"
    return "K" if key == "hysteresis" and unit == "degC" else unit
