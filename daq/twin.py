"""The simulated twin of a bench: same names, same limits, same interlocks, in virtual time; nothing real is touched.

An instrument is played by the simulated one of its role, which passes a month of readings in a minute and is made as
much like it as its classmethod `standing_in_for(instrument)` can: that returns options, and raises BadInput where it
can't. With `exact`, and where the role's own can't, driver `x` is played by the driver `simulated-x`, found by entry
point like any other: the real driver's code on a simulated wire, about fifty times as slow. It may offer a classmethod
`twin_options(options)` that turns the real driver's options into its own; without one, all but `port` is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daq import plugins
from daq.bench import BenchConfig, BenchFileModel, dry_bench
from daq.contracts import Instrument
from daq.errors import BadInput
from daq.tables import parse

PREFIX = "simulated-"
STAND_INS: Mapping[str, str] = {
    "temperature": f"{PREFIX}furnace",
    "potentiostat": f"{PREFIX}potentiostat",
    "cycler": f"{PREFIX}cycler",
}


@dataclass(frozen=True)
class Twin:
    """`drivers`: what plays each instrument; `notes`: in what it is not the real one, in words."""

    config: BenchConfig
    drivers: Mapping[str, str]
    notes: tuple[str, ...]


def twin_of(config: BenchConfig, cell: str, exact: bool = False) -> Twin:
    """`cell` is what is simulated where the bench file does not say. Raises BadInput for a bench without a twin."""
    dry = dry_bench(config)
    instruments = {name: _instrument(config, name, dry.instruments[name], exact) for name in config.model.instruments}
    simulation = {"cell": cell, **config.model.simulation}
    simulation.pop("furnace", None)  # a peer's: here it is in this process
    drivers = {name: str(one["driver"]) for name, one in instruments.items()}
    notes = [
        f"{name}: {drivers[name]} plays {table.driver}"
        for name, table in config.model.instruments.items()
        if drivers[name] not in (table.driver, f"{PREFIX}{table.driver}")
    ]
    if "cell" not in config.model.simulation:
        notes.append(f"the bench file does not say what is in the cell: {cell!r} is taken")
    whole = {
        **config.model.model_dump(exclude={"instruments", "simulation"}),
        "instruments": instruments,
        "simulation": simulation,
    }
    whole["bench"] = {**whole["bench"], "speed": None}
    model = parse(BenchFileModel, whole, f"{config.place}, rehearsed")
    return Twin(BenchConfig(model, config.source), drivers, tuple(notes))


def _instrument(config: BenchConfig, name: str, dry: Instrument, exact: bool) -> dict[str, Any]:
    table = config.model.instruments[name]
    place = f"{config.place}, instruments.{name}.driver"
    options, limits = table.model_extra or {}, dict(table.limits)
    real = plugins.load(plugins.DRIVERS, table.driver, place)
    if getattr(real, "in_process", False):
        return {"driver": table.driver, "limits": limits, **options}
    twin = f"{PREFIX}{table.driver}"
    has_twin = twin in plugins.names(plugins.DRIVERS)
    stand_in = STAND_INS.get(str(getattr(real, "role", "")))
    if stand_in is not None and not (exact and has_twin):
        try:
            made = plugins.load(plugins.DRIVERS, stand_in, place).standing_in_for(dry)
            return {"driver": stand_in, "limits": limits, **made}
        except BadInput:
            if not has_twin:
                raise
    if not has_twin:
        raise BadInput(
            f"the driver {table.driver!r} has no simulated twin", place=place, allowed="a rehearsal without it"
        )
    adapt = getattr(plugins.load(plugins.DRIVERS, twin, place), "twin_options", _without_port)
    return {"driver": twin, "limits": limits, **adapt(options)}


def _without_port(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != "port"}
