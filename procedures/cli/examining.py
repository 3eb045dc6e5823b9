"""`cellrig doctor`: every instrument of a bench asked who it is and how it is; what fails, with cause and remedy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from daq.bench import Bench, BenchConfig, build_bench, is_virtual, load_bench
from daq.bench_lock import bench_folder, bench_lock
from daq.clock import Clock, ScaledClock, SystemClock
from daq.contracts import Instrument, Limit
from daq.control import RunControl
from daq.errors import CellrigError
from daq.interlock import Interlock
from daq.interlock_watch import InterlockWatch
from daq.notify_file import recipients
from daq.run_interlocks import bench_interlocks
from daq.virtual_clock import VirtualClock
from procedures.cli.console import print_json, remark, say, stdout
from procedures.cli.dummy_cell import on_dummy_cell, resistance_of
from procedures.cli.wall import Status

log = logging.getLogger(__name__)

WORLD = "state"  # as the runner names it


@dataclass
class Finding:
    """What was found of one instrument. `problem` is empty when it is well."""

    name: str
    driver: str
    problem: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    limits: list[Mapping[str, Any]] = field(default_factory=list)
    reading: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    interlocks: list[str] = field(default_factory=list)
    self_test: list[str] = field(default_factory=list)
    dummy_cell: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        is_ill = self.problem or self.faults or self.interlocks
        return not is_ill and not any("NOT OK" in line for line in self.dummy_cell)


def doctor_command(bench_file: Path, self_test: bool, json: bool, dummy_cell: str | None = None) -> int:
    resistance_ohm = None if dummy_cell is None else resistance_of(dummy_cell)
    config = load_bench(bench_file)
    if not is_virtual(config):
        recipients(config.model.notify.to, config.place)
    with bench_lock(config, f"cellrig doctor {config.place}"):
        found = examine(config, self_test, resistance_ohm)
    if json:
        print_json([{**vars(one), "well": one.is_well} for one in found])
    else:
        _print(stdout(), config, found)
    return Status.DONE if all(one.is_well for one in found) else Status.FAILED


def examine(config: BenchConfig, self_test: bool, dummy_cell_ohm: float | None = None) -> list[Finding]:
    """Each instrument on its own: one that fails does not keep the others from being asked."""
    clock = _clock(config)
    with TemporaryDirectory(prefix="cellrig-doctor-") as nowhere:  # virtual time leaves no trace
        folder = Path(nowhere) if is_virtual(config) else bench_folder(config) / WORLD
        bench: Bench = build_bench(config, clock, folder)
        written = bench_interlocks(bench)
        try:
            with clock.attached():
                found = [
                    _examine(instrument, config.model.instruments[name].driver, self_test, dummy_cell_ohm)
                    for name, instrument in bench.instruments.items()
                ]
                _try_interlocks(written, found, clock)
                return found
        finally:
            bench.close()


def _examine(instrument: Instrument, driver: str, self_test: bool, dummy_cell_ohm: float | None) -> Finding:
    found = Finding(instrument.name, driver)
    try:
        instrument.connect()
        found.identity = {key: value for key, value in vars(instrument.identity()).items() if value}
        found.capabilities = instrument.capabilities()
        found.limits = [_limit(one) for one in instrument.limits()]
        snapshot = instrument.read()
        found.reading, found.faults = dict(snapshot.values), snapshot.faults
        test = getattr(instrument, "self_test", None)
        if self_test:
            found.self_test = list(test()) if test is not None else ["it has no self-test"]
        if dummy_cell_ohm is not None:
            found.dummy_cell = on_dummy_cell(instrument, dummy_cell_ohm)
    except CellrigError as error:
        found.problem = str(error).removeprefix(f"{instrument.name}: ")
    except Exception as error:  # a bug in one driver must not keep the others from being asked
        log.exception("the driver of %s failed", instrument.name)
        found.problem = f"its driver failed: {error!r}; please report it"
    return found


def _try_interlocks(interlocks: Sequence[Interlock], found: Sequence[Finding], clock: Clock) -> None:
    """Those of the bench file that are passed by what the instruments read now: a run would not start."""
    watch = InterlockWatch(interlocks, clock, RunControl(clock), lambda source, level, said: None)
    for one in found:
        watch.feed(one.name, one.reading)
        told = watch.broken()
        one.interlocks = [line for line in told if not any(line in other.interlocks for other in found)]


def _limit(limit: Limit) -> dict[str, Any]:
    return {key: value for key, value in vars(limit).items() if value is not None}


def _clock(config: BenchConfig) -> Clock:
    if is_virtual(config):
        return VirtualClock()
    speed = config.model.bench.speed
    return SystemClock() if speed is None else ScaledClock(speed)


def _print(console: Console, config: BenchConfig, found: list[Finding]) -> None:
    say(console, f"{config.name} ({config.place})")
    for one in found:
        say(console, f"\n{one.name} ({one.driver}): {'well' if one.is_well else 'NOT WELL'}")
        if one.problem:
            remark(console, one.problem)
        for fault in one.faults:
            remark(console, f"it reports: {fault}")
        for passed in one.interlocks:
            remark(console, f"an interlock is passed already, no run would start: {passed}")
        if one.identity:
            remark(console, "  ".join(one.identity.values()))
        for name, value in one.capabilities.items():
            remark(console, f"{name}: {_value(value)}")
        for limit in one.limits:
            bounds = ", ".join(f"{key} {value:g}" for key, value in limit.items() if key != "quantity")
            remark(console, f"limit of {limit['quantity']}: {bounds}")
        if one.reading:
            remark(console, "reads " + ", ".join(f"{name} {_value(value)}" for name, value in one.reading.items()))
        for line in one.self_test:
            remark(console, f"self-test: {line}")
        for line in one.dummy_cell:
            remark(console, f"dummy cell: {line}")
    ill = [one.name for one in found if not one.is_well]
    say(console, f"\nnot well: {', '.join(ill)}" if ill else "\nall instruments are well")


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_value(part) for part in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
