"""The benches of the soak, what runs on them for a day, and how each recorded value is held against the truth.

5 % of all replies are faulty, each kind with the same share. A flipped bit is among them where the line has a check
sum of ours to tell it (Modbus); on USB and TCP the system's own takes care of it. A Linkam's RS-232 has none: what
gets through there is told in docs/explanation/wire.md. A spectrum on a MethodSCRIPT instrument is seventy lines of one
answer, so that each of its lines is struck with a share that makes 5 % of its usual answers faulty. A refusal is no
fault of a wire but the instrument's own word: it is not asked again, and ends the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from soak_truth import Truth

from daq.runfile.reader import RunFile
from drivers.simulated.wire.methodscript_twin import SimulatedMethodScript
from drivers.simulated.wire.neware_twin import SimulatedNeware

FAULTY = 0.05
LINES = 8  # of an answer of a MethodSCRIPT instrument to what it is asked every ten seconds
KINDS = ("silence", "late", "cut", "garbage", "doubled", "noise", "oversized", "busy")
TEMPERATURE_K, VOLTAGE_V, CURRENT_A, IMPEDANCE = 0.15, 2e-3, 2e-6, 0.02  # noise, five of its standard deviations

BENCH = """
[bench]
name = "soak {name}"
{instruments}
[simulation]
cell = "{cell}"
preset = "K001"
seed = {seed}
{parameters}
"""
PLAN = """
bench = "bench.toml"
[sample]
name = "soaked"
pellet = {{ thickness_mm = 0.9, diameter_mm = 10, mass_mg = 100 }}
electrode = {{ diameter_mm = 9 }}
active = {{ mass_mg = 1.4, diameter_mm = 10, capacity_mAh_g = 121.1 }}
[[run]]
{run}
"""


@dataclass(frozen=True)
class Stand:
    """`drivers`: the table of each instrument, with its peer's faults; `run(hours)`: what takes about so long."""

    name: str
    drivers: Mapping[str, str]
    cell: str
    run: Callable[[float], str]
    parameters: str = ""
    channel: int = 1

    def bench(self, seed: int) -> str:
        tables = "\n".join(f"[instruments.{name}]\n{table}" for name, table in self.drivers.items())
        return BENCH.format(name=self.name, instruments=tables, cell=self.cell, seed=seed, parameters=self.parameters)

    def plan(self, hours: float) -> str:
        return PLAN.format(run=self.run(hours))


def _faults(*more: str, share: float = FAULTY) -> str:
    kinds = [*KINDS, *more]
    return ", ".join(f"{kind} = {share / len(kinds):.6f}" for kind in kinds)


def _sweep(hours: float) -> str:
    """Up and down in steps that take about a third of an hour."""
    visits = max(2, round(3.6 * hours))
    course = [40 + 10 * abs((n + 5) % 10 - 5) for n in range(visits)]
    return f'procedure = "eis-sweep"\nfrequency_max_Hz = 2e5\ntemperatures_C = {course}'


def _cycling(hours: float) -> str:
    return (
        f'procedure = "galvanostatic-cycling"\ntemperature_C = 120\ncharge_current = ["80 mA/g"]\n'
        f'discharge_current = ["80 mA/g"]\nrecord_s = 20\ncycles = {max(1, round(hours / 3))}'
    )


def _symmetric(hours: float) -> str:
    return (
        f'procedure = "symmetric-cycling"\ncurrents = ["0.1 mA/cm2"]\nhalf_h = 0.25\nrecord_s = 5\nstage_h = {hours:g}'
    )


HOT = "limits = { max_temperature_C = 150 }"
STANDS: Mapping[str, Stand] = {
    "eurotherm-methodscript": Stand(
        "eurotherm-methodscript",
        {
            "furnace": f'driver = "simulated-eurotherm"\n{HOT}\npeer = {{ faults = {{ {_faults("corrupt")} }} }}',
            "potentiostat": 'driver = "simulated-methodscript"\n'
            f"peer = {{ faults = {{ {_faults(share=FAULTY / LINES)} }} }}",
        },
        "blocking",
        _sweep,
    ),
    "linkam-neware": Stand(
        "linkam-neware",
        {
            "furnace": f'driver = "simulated-linkam"\n{HOT}\npeer = {{ faults = {{ {_faults()} }} }}',
            "cycler": f'driver = "simulated-neware"\npeer = {{ faults = {{ {_faults()} }} }}',
        },
        "lfp",
        _cycling,
    ),
    "keithley2450": Stand(
        "keithley2450",
        {
            "source": 'driver = "simulated-keithley2450"\nlimits = { max_voltage_V = 6, max_current_A = 0.01 }\n'
            f"peer = {{ faults = {{ {_faults()} }} }}"
        },
        "symmetric",
        _symmetric,
        "[simulation.parameters]\nreference_temperature_C = 20",
    ),
}


# ---------------------------------------------------------------- held against the truth
def wrong_values(run: RunFile, stand: Stand, truth: Truth) -> tuple[int, list[str]]:
    """How many recorded values were looked at, and those that the world never had."""
    found = [
        _in_window(run, truth, "temperature", "temperature_C", "furnace", TEMPERATURE_K),
        _in_window(run, truth, "temperature", "setpoint_C", "setpoint", TEMPERATURE_K),
    ]
    if "keithley2450" in stand.name:
        for stream in ("cell", "cycling", "polarisation"):
            found.append(_in_window(run, truth, stream, "voltage_V", "voltage", VOLTAGE_V))
            found.append(_in_window(run, truth, stream, "current_A", "current", CURRENT_A))
    for instrument in truth.bench.instruments.values():
        if isinstance(instrument, SimulatedMethodScript):
            found += [_impedance(run, truth, stream, instrument) for stream in ("impedance", "monitor_impedance")]
        if isinstance(instrument, SimulatedNeware):
            found.append(_records(run, instrument))
    return sum(count for count, _ in found), [told for _, texts in found for told in texts]


def _table(run: RunFile, stream: str, *columns: str) -> dict[str, np.ndarray]:
    if stream not in {one.name for one in run.streams()}:
        return {name: np.array([]) for name in ("t_s", *columns)}
    return dict(run.table(stream, columns=columns))


def _in_window(run: RunFile, truth: Truth, stream: str, column: str, of: str, within: float) -> tuple[int, list[str]]:
    rows = _table(run, stream, column)
    known = np.isfinite(rows[column].astype(float)) if len(rows[column]) else np.array([], bool)
    t_s, values = rows["t_s"][known], rows[column][known].astype(float)
    low, high = truth.between(t_s, of)
    bad = (values < low - within) | (values > high + within)
    return len(values), [
        f"{stream}.{column} at {at:.1f} s: {value:g}, the truth was {least:g} to {most:g}"
        for at, value, least, most in zip(t_s[bad], values[bad], low[bad], high[bad], strict=True)
    ]


def _impedance(run: RunFile, truth: Truth, stream: str, instrument: SimulatedMethodScript) -> tuple[int, list[str]]:
    rows = _table(run, stream, "frequency_Hz", "z_real_ohm", "z_imag_ohm")
    cell: Any = instrument.peer.device.world.cell(1).cell
    sample_C = truth.at(rows["t_s"], "sample")
    told = []
    for t_s, f, real, imag, at_C in zip(
        rows["t_s"], rows["frequency_Hz"], rows["z_real_ohm"], rows["z_imag_ohm"], sample_C, strict=True
    ):
        true = cell.impedance_ohm(f, at_C)
        off = abs(complex(real, imag) / true - 1)
        if not off <= IMPEDANCE:
            told.append(f"{stream} at {t_s:.1f} s, {f:g} Hz: {real:g} {imag:+g}j, {100 * off:.1f} % off")
    return len(rows["t_s"]), told


def _records(run: RunFile, instrument: SimulatedNeware) -> tuple[int, list[str]]:
    """Every record of the tester is in the run once, as it is."""
    tester = instrument.peer.core.tester
    test = tester.latest(tester.addresses[0])
    assert test is not None
    true = tester.records(test).records
    rows = _table(run, "cycling", "record", "time_s", "voltage_V", "current_A")
    told = [] if len(true) == len(rows["record"]) else [f"{len(rows['record'])} records, {len(true)} on the tester"]
    columns = zip(rows["record"], rows["time_s"], rows["voltage_V"], rows["current_A"], strict=True)
    for one, (number, time_s, voltage_V, current_A) in zip(true, columns, strict=False):
        near = abs(one.voltage_V - voltage_V) < 1e-4 and abs(one.current_A - current_A) < 1e-7
        if number != one.number or abs(one.time_s - time_s) > 0.01 or not near:
            told.append(f"record {number}: {voltage_V:g} V, {current_A:g} A, on the tester {one}")
    return len(rows["record"]), told
