"""What is killed: every procedure that cellrig has, each with what is promised of a run of it that was killed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from killing import SWEEP

from daq.runfile.reader import RunFile
from procedures.dc_taking import passed_charge_C

AREA_cm2 = np.pi * 0.45**2
LADDER_mA_cm2 = (0.2, 0.4, 0.6, 0.8)
HOLD_h = 20.0
BENCH = """
[bench]
name = "killed"
[instruments.furnace]
driver = "simulated-furnace"
[instruments.one]
driver = "{driver}"
[simulation]
cell = "{cell}"
"""
# What carries at room temperature, where no furnace is asked for.
COLD: Mapping[str, str] = dict.fromkeys(
    ("symmetric", "gold", "lfp"), "[simulation.parameters]\nreference_temperature_C = 20\n"
)
PLAN = """
bench = "bench.toml"
[sample]
name = "killed"
pellet = {{ thickness_mm = 0.9, diameter_mm = 9, mass_mg = 100 }}
electrode = {{ diameter_mm = 9 }}
active = {{ mass_mg = 1.4, diameter_mm = 9, capacity_mAh_g = 121.1 }}
[[run]]
procedure = "{procedure}"
{run}
"""


@dataclass(frozen=True)
class Calm:
    """The same run, undisturbed. `values`: (value, standard error) by name and place."""

    life_s: float
    rows: int
    values: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Broken:
    """What the kill left: the step that it hit, and how many rows of the kind's stream there were."""

    step: str
    rows: int


Promise = Callable[[RunFile, Broken, Calm], list[str]]


# ---------------------------------------------------------------- what is promised
def unlike(run: RunFile, calm: Calm, within: float = 0.0) -> list[str]:
    """Numbers that are not those of the undisturbed run: by more than `within` as a share, and 4.5 standard errors."""
    told = []
    found = values_of(run)
    refused = {named(one.name, one.at) for one in run.results() if one.value is None and one.reason}
    for name, (value, error) in calm.values.items():
        if name in refused and abs(value) < 10 * error:  # hardly distinct from nothing there, not at all here
            continue
        ours, our_error = found.get(name, (float("nan"), 0.0))
        allowed = max(within * abs(value), 4.5 * (error**2 + our_error**2) ** 0.5, 1e-9 * abs(value))
        if not abs(ours - value) <= allowed:
            told.append(f"{name} is {ours}, {value} undisturbed, may differ by {allowed:.2g}")
    return told


def repeated(within: float) -> Promise:
    """A step that is taken anew: the numbers are those of the undisturbed run."""

    def promise(run: RunFile, broken: Broken, calm: Calm) -> list[str]:
        return unlike(run, calm, within)

    return promise


def charge_is_whole(run: RunFile, broken: Broken, calm: Calm) -> list[str]:
    """Every half cycle before the short passed its charge once, and the critical current is the calm one's."""
    wanted = {f"{k:03d}": 1800 * 1e-3 * j * AREA_cm2 for k, j in enumerate(LADDER_mA_cm2, 1)}
    off = {
        step: charge / wanted[step[:3]] - 1
        for step, charge in passed_charge_C(run, "polarisation").items()
        if abs(charge / wanted[step[:3]] - 1) > 2e-3
    }
    told = [f"{step} passed {100 * share:+.2f} % of its charge too much" for step, share in off.items()]
    if broken.step[:3] in wanted:
        rows = run.table("polarisation", columns=("charge_C",))
        mine = np.abs(rows["charge_C"][(rows["step"] == broken.step) & (rows["attempt"] == 1)])
        is_within = len(mine) > 0 and max(mine) < 0.998 * wanted[broken.step[:3]]
        if is_within and not any("that are left" in event.text for event in run.events()):
            told.append("no word of the charge that was left")
    critical = {name: one for name, one in calm.values.items() if name.startswith("critical_current_density")}
    return told + unlike(run, Calm(calm.life_s, calm.rows, critical), 1e-4)


def ends_with_what_it_has(result: str, stream: str, measuring: str) -> Promise:
    """A sweep or a rest that was hit is not taken anew: its rows are those at the kill, its number right or refused."""

    def promise(run: RunFile, broken: Broken, calm: Calm) -> list[str]:
        if broken.step != measuring:
            return unlike(run, calm, 0.01)
        rows = {one.name: one.rows for one in run.streams()}[stream]
        if rows != broken.rows:
            return [f"{rows} rows, {broken.rows} at the kill"]
        found = [one for one in run.results() if one.name == result]
        if len(found) == 1 and found[0].value is None and found[0].reason:
            return []
        mine = {name: one for name, one in calm.values.items() if name.split(" ")[0] == result}
        return unlike(run, Calm(calm.life_s, calm.rows, mine), 0.01)

    return promise


def every_record_is_there(run: RunFile, broken: Broken, calm: Calm) -> list[str]:
    """A cycler went on by itself: not one record is missing or there twice, and the numbers are the calm run's."""
    rows = run.table("cycling", columns=("record", "time_s"))
    told = []
    if list(rows["record"]) != list(range(1, len(rows["record"]) + 1)):
        told.append("records are missing or there twice")
    if len(rows["record"]) != calm.rows:
        told.append(f"{len(rows['record'])} records, {calm.rows} undisturbed")
    if np.any(np.diff(rows["time_s"]) <= 0):
        told.append("time runs backwards")
    return told + unlike(run, calm, 1e-6)


def held_long_enough(run: RunFile, broken: Broken, calm: Calm) -> list[str]:
    """Neither shorter nor longer than asked, counted over the break; a minute of it may be lost to the kill."""
    rows = run.table("hold", columns=("held_s", "temperature_C"))
    told = [] if abs(rows["held_s"][-1] - 3600 * HOLD_h) < 1 else [f"held for {rows['held_s'][-1] / 3600:g} h"]
    return told + ([f"ends at {rows['temperature_C'][-1]:g} degC"] if abs(rows["temperature_C"][-1] - 40) > 2 else [])


# ---------------------------------------------------------------- all procedures
@dataclass(frozen=True)
class Kind:
    """A procedure, how it is run, the stream that its numbers come from, and what is promised of it."""

    driver: str
    cell: str
    run: str
    stream: str
    promise: Promise
    plan: str = PLAN


RATES = 'rates = ["0.5 C", "1 C", "2 C"]\ncycles_each = 3'
KINDS: Mapping[str, Kind] = {
    "eis-sweep": Kind("simulated-potentiostat", "blocking", "", "spectra", repeated(2e-3), SWEEP),
    "open-circuit": Kind(
        "simulated-potentiostat", "lfp", "duration_h = 4\ntemperature_C = 30", "polarisation",
        ends_with_what_it_has("open_circuit_potential", "polarisation", "rest"),
    ),
    "cyclic-voltammetry": Kind(
        "simulated-potentiostat", "gold", "cycles = 1\ntemperature_C = 60", "voltammetry", repeated(0.02)
    ),
    "linear-sweep": Kind(
        "simulated-potentiostat", "gold", "step_mV = 0.2", "voltammetry",
        ends_with_what_it_has("oxidation_onset", "voltammetry", "sweep"),
    ),
    "critical-current": Kind(
        "simulated-potentiostat", "symmetric",
        'currents = { start = 0.2, stop = 0.8, step = 0.2, unit = "mA/cm2" }\nhalf_min = 30',
        "polarisation", charge_is_whole,
    ),
    "symmetric-cycling": Kind(
        "simulated-cycler", "symmetric", 'currents = ["0.1 mA/cm2", "0.2 mA/cm2"]\nstage_h = 15', "cycling",
        every_record_is_there,
    ),
    "galvanostatic-cycling": Kind(
        "simulated-cycler", "lfp", 'charge_current = ["1 C"]\ndischarge_current = ["1 C"]\ncycles = 8', "cycling",
        every_record_is_there,
    ),
    "rate-capability": Kind("simulated-cycler", "lfp", RATES, "cycling", every_record_is_there),
    "dc-polarisation": Kind(
        "simulated-potentiostat", "blocking", "hold_h = 1\ntemperature_C = 60", "polarisation", repeated(0.02)
    ),
    "temperature-hold": Kind(
        "simulated-potentiostat", "blocking", f"duration_h = {HOLD_h:g}\ntemperature_C = 40", "hold", held_long_enough
    ),
}  # fmt: skip


def write_kind(name: str, folder: str) -> Sequence[tuple[str, str]]:
    """The files of a kind: (path, text)."""
    kind = KINDS[name]
    plan = kind.plan if kind.plan == SWEEP else kind.plan.format(procedure=name, run=kind.run)
    return [
        (f"{folder}/bench.toml", BENCH.format(driver=kind.driver, cell=kind.cell) + COLD.get(kind.cell, "")),
        (f"{folder}/plan.toml", plan),
    ]


def values_of(run: RunFile) -> dict[str, tuple[float, float]]:
    """Value and standard error by name and place; what was measured besides is no place."""
    found = {}
    for one in run.results():
        if one.value is not None and one.name != "kramers_kronig_residual":
            found[named(one.name, one.at)] = (one.value, one.uncertainty or 0.0)
    return found


def named(name: str, at: Mapping[str, Any]) -> str:
    return f"{name} { {key: value for key, value in at.items() if key != 'sample_temperature_C'} }"
