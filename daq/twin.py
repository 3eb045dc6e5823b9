"""The simulated twin of a bench: same names, same limits, same interlocks, in virtual time; nothing real is touched.

The twin of driver `x` is the driver `simulated-x`, found by entry point like any other. It may offer a classmethod
`twin_options(options)` that turns the real driver's options into its own; without one, all but `port` is kept.
A driver without a twin is stood in for by the simulated instrument of its role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daq import plugins
from daq.bench import BenchConfig, BenchFileModel
from daq.errors import BadInput
from daq.tables import parse

PREFIX = "simulated-"
STAND_INS: Mapping[str, tuple[str, frozenset[str]]] = {
    "temperature": (f"{PREFIX}furnace", frozenset({"max_temperature_C", "max_sample_temperature_C"})),
    "potentiostat": (f"{PREFIX}potentiostat", frozenset({"max_voltage_V", "max_current_A"})),
    "cycler": (f"{PREFIX}cycler", frozenset()),
}


@dataclass(frozen=True)
class Twin:
    """`drivers`: what plays each instrument; `notes`: in what it is not the real one, in words."""

    config: BenchConfig
    drivers: Mapping[str, str]
    notes: tuple[str, ...]


def twin_of(config: BenchConfig, cell: str) -> Twin:
    """`cell` is what is simulated where the bench file does not say. Raises BadInput for a bench without a twin."""
    instruments: dict[str, Any] = {}
    notes: list[str] = []
    for name, table in config.model.instruments.items():
        instruments[name] = _instrument(config, name, table.driver, table.model_extra or {}, table.limits, notes)
    simulation = {"cell": cell, **config.model.simulation}
    simulation.pop("furnace", None)  # a peer's: here it is in this process
    if "cell" not in config.model.simulation:
        notes.append(f"the bench file does not say what is in the cell: {cell!r} is taken")
    whole = {
        **config.model.model_dump(exclude={"instruments", "simulation"}),
        "instruments": instruments,
        "simulation": simulation,
    }
    whole["bench"] = {**whole["bench"], "speed": None}
    model = parse(BenchFileModel, whole, f"{config.place}, rehearsed")
    drivers = {name: str(one["driver"]) for name, one in instruments.items()}
    return Twin(BenchConfig(model, config.source), drivers, tuple(notes))


def _instrument(
    config: BenchConfig,
    name: str,
    driver: str,
    options: Mapping[str, Any],
    limits: Mapping[str, float],
    notes: list[str],
) -> dict[str, Any]:
    place = f"{config.place}, instruments.{name}.driver"
    real = plugins.load(plugins.DRIVERS, driver, place)
    if getattr(real, "in_process", False):
        return {"driver": driver, "limits": dict(limits), **options}
    twin = f"{PREFIX}{driver}"
    if twin in plugins.names(plugins.DRIVERS):
        adapt = getattr(plugins.load(plugins.DRIVERS, twin, place), "twin_options", _without_port)
        return {"driver": twin, "limits": dict(limits), **adapt(options)}
    role = str(getattr(real, "role", ""))
    if role not in STAND_INS:
        raise BadInput(f"the driver {driver!r} has no simulated twin", place=place, allowed="a rehearsal without it")
    stand_in, known = STAND_INS[role]
    notes.append(f"{name}: {stand_in} stands in for {driver}, whose own ranges and options it does not have")
    return {"driver": stand_in, "limits": {key: value for key, value in limits.items() if key in known}}


def _without_port(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "port"}
