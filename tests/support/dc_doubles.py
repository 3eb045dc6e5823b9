"""A potentiostat with a cell of known physics, on a simulated bench's clock, for the direct-current procedures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from daq.bench import Bench, BenchConfig, BenchFileModel, build_bench
from daq.clock import Clock
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.control import RunControl
from daq.engine import Engine, Progress, RunEnd
from daq.runfile.reader import RunFile
from daq.runfile.writer import RunWriter
from daq.sample import Sample, sample_table
from daq.stream import Column, Stream
from daq.tables import parse
from daq.virtual_clock import VirtualClock
from drivers.roles import PotentiostatAbilities
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CyclicVoltammetry,
    DcPoint,
    LinearSweep,
    OpenCircuit,
    Point,
    Spectrum,
    SpectrumPoint,
    Technique,
)

Law = Callable[[float, float], float]


class DcPotentiostat:
    """`current_A(voltage_V, t_s)` and `voltage_V(current_A, t_s)` are the cell; `ohm` is what 10 Hz sees.

    Spectra are those of `impedance_ohm(frequency_Hz)`, where given."""

    role: Literal["potentiostat"] = "potentiostat"
    safe_within_s = 2.0
    monitor_interval_s = 30.0
    snapshot_stream = Stream("cell", (Column("voltage_V", "V"),))

    def __init__(self, clock: Clock, current_A: Law, voltage_V: Law, rest_V: float = 0.0, ohm: float = 400.0,
                 impedance_ohm: Callable[[float], complex] | None = None) -> None:  # fmt: skip
        self.name = "potentiostat"
        self.asked: list[Technique] = []
        self._clock = clock
        self._current_A, self._voltage_V = current_A, voltage_V
        self._rest_V, self._ohm, self._impedance_ohm = rest_V, ohm, impedance_ohm
        self._noise = np.random.default_rng(5)

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def identity(self) -> Identity:
        return Identity("cellrig", "double", "1")

    def capabilities(self) -> Mapping[str, Any]:
        return {}

    def limits(self) -> Sequence[Limit]:
        return ()

    def read(self) -> Snapshot:
        return Snapshot({"voltage_V": self._rest_V})

    def make_safe(self, reason: Reason) -> SafeReport:
        return SafeReport(True, "off")

    def abilities(self) -> PotentiostatAbilities:
        kinds = ("spectrum", "open-circuit", "cyclic-voltammetry", "linear-sweep", "constant-current",
                 "constant-potential")  # fmt: skip
        return PotentiostatAbilities((1,), kinds, 1e-3, 1e6, 0.35, 10.0, (0.1,), (1e6,), 0.1)

    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        self.asked.append(technique)
        if isinstance(technique, Spectrum):
            for frequency in technique.frequencies_Hz if self._impedance_ohm else (10.0,):
                seen = complex(self._ohm) if self._impedance_ohm is None else self._impedance_ohm(frequency)
                now = self._clock.monotonic()
                yield SpectrumPoint(frequency, seen.real, seen.imag, 0.01, 0.0, 0.0, 0.1, False, now, 1.0)
            return
        began = self._clock.monotonic()
        rows, charge, before_s = self._rows(technique), 0.0, 0.0
        for number, (time_s, set_V, set_A) in enumerate(rows):
            self._clock.sleep(began + time_s - self._clock.monotonic())
            now = self._clock.monotonic()
            noise = float(self._noise.standard_normal())
            if set_V is not None:
                volt, current = set_V, self._current_A(set_V, now) + 2e-8 * noise
            elif set_A is not None:
                volt, current = self._voltage_V(set_A, now) + 2e-5 * noise, set_A
            else:
                volt, current = self._rest_V + 2e-5 * noise, 0.0
            charge += current * (time_s - before_s)
            before_s = time_s
            ended = "duration" if number == len(rows) - 1 else ""
            yield DcPoint(time_s, volt, current, 0.1, False, charge, 1, ended)

    def _rows(self, technique: Technique) -> list[tuple[float, float | None, float | None]]:
        if isinstance(technique, OpenCircuit | ConstantCurrent | ConstantPotential):
            count = int(technique.duration_s / technique.interval_s + 1e-9) + 1
            volt = technique.voltage_V if isinstance(technique, ConstantPotential) else None
            current = technique.current_A if isinstance(technique, ConstantCurrent) else None
            return [(n * technique.interval_s, volt, current) for n in range(count)]
        assert isinstance(technique, LinearSweep | CyclicVoltammetry)
        start = self._rest_V if technique.start_V is None else technique.start_V
        turns = [start, technique.end_V] if isinstance(technique, LinearSweep) else _turns(technique, start)
        stair = technique.step_V
        legs = [np.linspace(a, b, round(abs(b - a) / stair) + 1)[1:] for a, b in pairwise(turns)]
        path = np.concatenate([[start], *legs])
        return [(n * stair / technique.scan_rate_V_s, float(v), None) for n, v in enumerate(path)]


def _turns(technique: CyclicVoltammetry, start: float) -> list[float]:
    return [start, *[technique.vertex_1_V, technique.vertex_2_V] * technique.cycles, start]


def bench_of(folder: Path, start_s: float = 0.0, **instruments: str) -> tuple[Bench, VirtualClock]:
    """A bench of simulated drivers by name; doubles are put into `bench.instruments` beside them."""
    table = {"bench": {"name": "doubles"}, "instruments": {name: {"driver": one} for name, one in instruments.items()}}
    config = BenchConfig(parse(BenchFileModel, table, "doubles"), folder / "bench.toml")
    clock = VirtualClock(start_s)
    return build_bench(config, clock, folder / "world"), clock


def conduct(
    procedure: Any,
    bench: Bench,
    samples: list[Sample],
    folder: Path,
    resumed: Path | None = None,
    control: RunControl | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[RunEnd, Path]:
    """Check, run to the end, close. `resumed` goes on with that run. The run is at the returned path."""
    procedure.bind(bench, samples)
    procedure.check("plan")
    streams = {one.name: one for one in (*procedure.streams, *(i.snapshot_stream for i in bench.instruments.values()))}
    if resumed is None:
        writer = RunWriter.create(
            folder, procedure=procedure.procedure_name, sample=sample_table(samples),
            parameters=procedure.parameter_table(), bench=bench.config.as_dict(), streams=list(streams.values()),
            steps=procedure.steps(), plan={}, versions={}, started_unix=0.0, bench_unix=0.0,
        )  # fmt: skip
    else:
        writer = RunWriter.reopen(resumed)
        with RunFile.open(resumed) as run:
            procedure.recover(run)
    with bench.clock.attached():
        bench.connect()
    engine = Engine(
        bench, procedure, writer, control or RunControl(bench.clock), t_offset_s=bench.clock.monotonic(),
        on_progress=on_progress,
    )  # fmt: skip
    end = engine.run()
    bench.close()
    return end, writer.path
