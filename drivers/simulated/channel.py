"""One channel of the simulated potentiostat: the cell behind it, its switch, and what can be measured there."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Literal

import numpy as np

from daq.clock import Clock
from daq.errors import InstrumentError
from drivers.simulated.cells.cell import Cell
from drivers.simulated.direct_current import Reader, chunks
from drivers.simulated.frequency_analyser import CURRENT_RANGES_A, FrequencyAnalyser, Reading
from drivers.simulated.noise import generator
from drivers.simulated.world import World
from drivers.staircase import DirectCurrentTechnique, stairs
from drivers.techniques import DcPoint, EndState, OpenCircuit, Spectrum, SpectrumPoint

Switch = Literal["off", "ocp", "hold", "measuring"]
POINT_NOISE, LIVE_NOISE = 10, 11
AHEAD_s = 10.0  # in virtual time as much is waited for at once, and its points computed one by one
KEPT_EVERY_s = 600.0


class Channel:
    """`measuring` belongs to one technique at a time; `switch_off` ends it wherever it is."""

    def __init__(self, number: int, instrument: str, analyser: FrequencyAnalyser, world: World, clock: Clock) -> None:
        self.number = number
        self.switch: Switch = "off"
        self._instrument = instrument
        self._analyser = analyser
        self._world = world
        self._clock = clock
        self._claim = threading.Lock()  # only ever tried, never waited for
        self._bias_V = 0.0
        self._current_A = 0.0
        self._kept_s = 0.0

    @property
    def _cell(self) -> Cell:
        return self._world.cell(self.number).cell

    # ------------------------------------------------------------ live
    def live(self) -> tuple[float, float]:
        """Potential and current now: the applied bias while held or measured, else the open-circuit potential."""
        noise = self._noise(LIVE_NOISE).standard_normal(2)
        p = self._analyser.parameters
        applied = self.switch in ("hold", "measuring")
        level_V = self._bias_V if applied else self._open_circuit_V()
        current_A = self._current_A + p.current_noise_fraction * CURRENT_RANGES_A[-1] * float(noise[1])
        current_A = current_A if applied else 0.0
        return level_V + p.open_circuit_noise_V * float(noise[0]), current_A

    def switch_off(self) -> None:
        self.switch = "off"

    # ------------------------------------------------------------ techniques
    def spectrum(self, technique: Spectrum) -> Iterator[SpectrumPoint]:
        with self._taken(technique.end_state):
            self._bias_V = self._open_circuit_V() if technique.bias_V is None else technique.bias_V
            modulus_ohm: float | None = None
            for frequency_Hz in technique.frequencies_Hz:
                started_s, reading = self._point(technique, frequency_Hz, modulus_ohm)
                modulus_ohm = abs(reading.impedance_ohm)
                yield SpectrumPoint(
                    frequency_Hz=frequency_Hz,
                    z_real_ohm=reading.impedance_ohm.real,
                    z_imag_ohm=reading.impedance_ohm.imag,
                    amplitude_V=technique.amplitude_V,
                    bias_V=self._bias_V,
                    dc_current_A=reading.dc_current_A,
                    current_range_A=reading.range_A,
                    overload=reading.overload,
                    started_s=started_s,
                    duration_s=self._clock.monotonic() - started_s,
                )

    def _point(self, technique: Spectrum, frequency_Hz: float, modulus_ohm: float | None) -> tuple[float, Reading]:
        """One frequency: it takes its time, and sees the sample as it is in the middle of it."""
        started_s = self._clock.monotonic()
        noise = self._noise(POINT_NOISE)
        before = self._world.sample(self.number)
        integration_s = max(technique.minimum_time_s, technique.minimum_cycles / frequency_Hz)
        self._wait(integration_s + self._analyser.parameters.point_overhead_s)
        self._world.faults.raise_if_lost(self._instrument, "measurement_lost")
        after = self._world.sample(self.number)
        true_ohm = self._cell.impedance_ohm(
            frequency_Hz,
            (before.temperature_C + after.temperature_C) / 2,
            (before.high_phase + after.high_phase) / 2,
        )
        reading = self._analyser.measure(
            frequency_Hz,
            true_ohm,
            technique.amplitude_V,
            integration_s,
            noise,
            technique.current_range_A,
            modulus_ohm,
            overdriven=self._world.faults.strikes(self._instrument, "overload") is not None,
        )
        return started_s, reading

    def open_circuit(self, technique: OpenCircuit) -> Iterator[DcPoint]:
        """The first point at once, then one every `interval_s` up to `duration_s`."""
        noise_V = self._analyser.parameters.open_circuit_noise_V
        with self._taken(technique.end_state):
            self._bias_V = self._open_circuit_V()
            began_s = self._clock.monotonic()
            count = int(technique.duration_s / technique.interval_s + 1e-9) + 1
            for number in range(count):
                due_s = began_s + number * technique.interval_s
                self._wait(due_s - self._clock.monotonic())
                self._world.faults.raise_if_lost(self._instrument, "measurement_lost")
                self._rest()
                voltage_V = self._open_circuit_V() + noise_V * float(self._noise(POINT_NOISE).standard_normal())
                overload = self._world.faults.strikes(self._instrument, "overload") is not None
                time_s = self._clock.monotonic() - began_s
                ended = "duration" if number == count - 1 else ""
                yield DcPoint(time_s, voltage_V, 0.0, CURRENT_RANGES_A[-1], overload, ended=ended)

    def direct_current(self, technique: DirectCurrentTechnique) -> Iterator[DcPoint]:
        """Points with their own times. Closed early, the cell is as its last point left it."""
        with closing(self.direct_current_in_blocks(technique)) as blocks:
            for block in blocks:
                yield from block

    def direct_current_in_blocks(self, technique: DirectCurrentTechnique) -> Generator[Iterator[DcPoint]]:
        """As `direct_current`; those of one moment together, each computed when it is asked for."""
        with self._taken(technique.end_state):
            holder = self._world.cell(self.number)
            plan = stairs(technique, self._open_circuit_V())
            reader = Reader(technique, holder, self._analyser.parameters)
            began_s = self._clock.monotonic()
            ahead_s = AHEAD_s if self._clock.speed == math.inf else 0.0
            due_s = began_s
            for chunk in chunks(plan, ahead_s):
                due_s += sum(stair.seconds for stair in chunk)
                self._wait(due_s - self._clock.monotonic())
                self._world.faults.raise_if_lost(self._instrument, "measurement_lost")
                overdriven = self._world.faults.strikes(self._instrument, "overload") is not None
                sample = self._world.sample(self.number)
                readings = reader.read(
                    chunk, sample.temperature_C, sample.high_phase, self._noise(POINT_NOISE), overdriven
                )
                yield self._shown(readings)
                if reader.is_over:
                    return
                self._keep_now_and_then(due_s)

    def _shown(self, points: Iterator[DcPoint]) -> Iterator[DcPoint]:
        for point in points:
            self._bias_V, self._current_A = point.voltage_V, point.current_A
            yield point

    # ------------------------------------------------------------ inside
    def _keep_now_and_then(self, now_s: float) -> None:
        if now_s - self._kept_s >= KEPT_EVERY_s:
            self._kept_s = now_s
            self._world.cells.save()

    @contextmanager
    def _taken(self, end_state: EndState) -> Iterator[None]:
        """The channel is ours; at the end it goes to `end_state`, off after an error or when switched off."""
        if not self._claim.acquire(blocking=False):
            raise InstrumentError(self._instrument, f"channel {self.number} is measuring already; wait or stop it")
        self.switch = "measuring"
        self._current_A = 0.0
        self._rest()
        end: EndState = "off"
        try:
            yield
            end = end_state
        except GeneratorExit:
            end = end_state
            raise
        finally:
            self.switch = end if self.switch == "measuring" else "off"
            self._current_A = self._current_A if self.switch == "hold" else 0.0
            self._world.cells.save()
            self._claim.release()

    def _wait(self, seconds: float) -> None:
        self._world.faults.hang(self._instrument)
        self._clock.sleep(seconds)
        if self.switch != "measuring":
            raise InstrumentError(self._instrument, f"channel {self.number} was switched off while it measured")

    def _rest(self) -> None:
        """Let the time pass for the cell in which no current was asked of it."""
        sample = self._world.sample(self.number)
        self._world.cell(self.number).rest_until(self._world.now_s(), sample.temperature_C, sample.high_phase)

    def _open_circuit_V(self) -> float:
        return self._cell.open_circuit_V(self._world.sample(self.number).temperature_C)

    def _noise(self, source: int) -> np.random.Generator:
        """Noise of this channel at this moment, the same whenever this moment comes again."""
        seed, millisecond = self._world.simulation.seed, round(self._world.now_s() * 1000)
        return generator(seed, source, self.number, millisecond)
