"""The shared world of a simulated bench: one furnace, the samples in it, and the time that passes.

It has no thread of its own: every access brings it up to the clock's now, in steps of one second. What it is at a
step depends on nothing but the seed, the parameters and the commands before, never on when it was looked at. So it is
computed ahead of the clock, up to an hour at once, and looks find it there; a command takes back what lies ahead.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from daq.clock import Clock
from daq.errors import BadInput, StorageError
from drivers.simulated.cells.kept import CellHolder, Cells
from drivers.simulated.faults import Faults
from drivers.simulated.furnace import Course, Furnace, FurnaceState, STEP_s, cold
from drivers.simulated.furnace_views import FurnaceCourse, FurnaceView
from drivers.simulated.noise import StepNoise
from drivers.simulated.sample import Holding, Sample, SampleCourse, SampleState
from drivers.simulated.sample_history import SampleHistory, SampleView
from drivers.simulated.simulation import Simulation
from drivers.simulated.state import Command, StateFolder, WorldSnapshot

log = logging.getLogger(__name__)

SNAPSHOT_EVERY_STEPS = 2 * 3600
AHEAD_STEPS, FAR_AHEAD_STEPS = 1800, 3600  # further where nobody commands: a command takes back what is ahead
CONTROL_NOISE, SAMPLE_NOISE = 1, 2
LONGEST_ABSENCE_s = 7 * 86_400  # by then any furnace is at rest; a bench left for a year opens at once
TINY_s = 1e-6  # a clock that was added up may be a hair short of a full step


@dataclass(frozen=True)
class Ahead:
    """Steps after `start` up to `end`, computed ahead, and what was before them."""

    start: int
    end: int
    furnace_before: FurnaceState | None
    samples_before: list[SampleState]
    furnace: Course
    samples: list[SampleCourse]

    @classmethod
    def nothing(cls, step: int) -> Ahead:
        return cls(step, step, None, [], Course.nothing(), [])


def _copied(state: FurnaceState) -> FurnaceState:
    return replace(state, underway_W=list(state.underway_W))


class World:
    """Opened once per bench and shared by its simulated drivers. Raises BadInput for a kept state it can't use."""

    def __init__(self, simulation: Simulation, clock: Clock, state_folder: Path) -> None:
        self.simulation = simulation
        self.faults = Faults(simulation.faults, clock)
        self._clock = clock
        self._folder = StateFolder(state_folder)
        self._fingerprint = simulation.fingerprint()
        self._lock = threading.Lock()
        ambient = simulation.furnace.ambient_C
        holdings = [spec.holding(ambient) for spec in simulation.channels]
        others = simulation.main.holding(ambient)
        distinct: list[Holding] = list(dict.fromkeys([*holdings, others]))
        self._sample_of = [distinct.index(holding) for holding in holdings]
        self._sample_of_others = distinct.index(others)
        self._samples = [Sample(holding) for holding in distinct]
        noise = StepNoise(simulation.seed, CONTROL_NOISE)
        self._sample_noise = StepNoise(simulation.seed, SAMPLE_NOISE)
        self._furnace = Furnace(simulation.furnace, noise, cold(simulation.furnace))
        self._step = 0
        self._ahead = Ahead.nothing(0)
        self._history = SampleHistory()
        self._commands = 0
        self._commanded_at = 0  # a step
        self._restore(distinct)
        self.cells = Cells(simulation, state_folder, is_kept=self._step > 0)
        self._origin_s = clock.monotonic() - self._step * STEP_s
        self._sensor = simulation.channels[0].holder  # at the sample of the first channel
        self._save()

    @property
    def clock(self) -> Clock:
        return self._clock

    # ------------------------------------------------------------ commands
    def set_target(self, temperature_C: float, ramp_K_per_s: float | None) -> None:
        self._command("target", temperature_C, ramp_K_per_s)

    def hold(self) -> None:
        self._command("hold")

    def heater_off(self) -> None:
        self._command("off")

    def fix_output(self, percent: float) -> None:
        """Manual mode of the controller: a constant output, 0 to 100."""
        self._command("output", output_percent=percent)

    def _command(
        self,
        action: str,
        temperature_C: float | None = None,
        ramp_K_per_s: float | None = None,
        output_percent: float | None = None,
    ) -> None:
        with self._lock:
            self._to_now()
            command = Command.model_validate(
                {
                    "number": self._commands + 1,
                    "step": self._step,
                    "unix": self._clock.unix(),
                    "action": action,
                    "temperature_C": temperature_C,
                    "ramp_K_per_s": ramp_K_per_s,
                    "output_percent": output_percent,
                }
            )
            try:
                self._folder.append(command)
            except StorageError as error:  # the heater must go off on a full disk too
                log.warning("%s", error)
            self._obey(command)

    def _obey(self, command: Command) -> None:
        self._take_back()
        self._commands, self._commanded_at = command.number, self._step
        if command.action == "target" and command.temperature_C is not None:
            self._furnace.set_target(command.temperature_C, command.ramp_K_per_s)
        elif command.action == "hold":
            self._furnace.hold()
        elif command.action == "output" and command.output_percent is not None:
            self._furnace.fix_output(command.output_percent)
        else:
            self._furnace.heater_off()

    # ------------------------------------------------------------ views
    def furnace(self) -> FurnaceView:
        with self._lock:
            self._to_now()
            state, holder, ahead = self._furnace.state, self._sensor, self._ahead
            truth, _ = self._sample_now(self._sample_of[0])
            noise_K = holder.sample_sensor_noise_K * self._sample_noise.at(self._step)
            measured_C, working_C, output_W = state.measured_C, state.working_setpoint_C, state.output_W
            if self._step < ahead.end:
                place = self._step - ahead.start - 1
                course = ahead.furnace
                measured_C, working_C = float(course.measured_C[place]), float(course.working_setpoint_C[place])
                output_W = float(course.output_W[place])
            return FurnaceView(
                temperature_C=measured_C,
                setpoint_C=state.setpoint_C,
                working_setpoint_C=working_C,
                output_percent=100 * output_W / self.simulation.furnace.max_power_W,
                sample_temperature_C=truth + holder.sample_sensor_offset_K + noise_K,
                heater_on=state.heater_on,
            )

    def furnace_ahead(self, times_s: Sequence[float]) -> FurnaceCourse:
        """What `furnace` will show at these moments of the clock, as far as it is computed ahead, while none commands.

        `times_s` (n,) ascend from now on; the arrays have the first m <= n of them.
        """
        with self._lock:
            self._to_now()
            ahead, holder = self._ahead, self._sensor
            steps = np.floor((np.asarray(times_s) - self._origin_s + TINY_s) / STEP_s).astype(int)
            steps = steps[: np.searchsorted(steps, ahead.end, side="right")]
            if not steps.size or steps[0] <= ahead.start:  # at the very end of what is computed
                return FurnaceCourse(*np.empty((5, 0)))
            places, course = steps - ahead.start - 1, ahead.furnace
            truth_C = ahead.samples[self._sample_of[0]].temperature_C[places]
            noise = self._sample_noise.between(int(steps[0]), int(steps[-1] - steps[0]) + 1)[steps - steps[0]]
            return FurnaceCourse(
                temperature_C=course.measured_C[places],
                setpoint_C=np.full(places.size, self._furnace.state.setpoint_C),
                working_setpoint_C=course.working_setpoint_C[places],
                output_percent=100 * course.output_W[places] / self.simulation.furnace.max_power_W,
                sample_temperature_C=truth_C + holder.sample_sensor_offset_K + holder.sample_sensor_noise_K * noise,
            )

    def sample(self, channel: int) -> SampleView:
        with self._lock:
            self._to_now()
            named = channel <= len(self._sample_of)
            return SampleView(*self._sample_now(self._sample_of[channel - 1] if named else self._sample_of_others))

    def sample_since(self, channel: int, since_s: float) -> list[tuple[float, SampleView]]:
        """What the sample was from a moment of this world until now: seconds up to which, and as what."""
        with self._lock:
            self._to_now()
            ahead = self._ahead
            named = channel <= len(self._sample_of)
            place = self._sample_of[channel - 1] if named else self._sample_of_others
            history = self._history
            if self._step > ahead.start:
                history = history.with_more(ahead.start, self._step, ahead.samples)
            now_s, now = self.now_s(), SampleView(*self._sample_now(place))
            pieces = history.pieces(place, since_s / STEP_s, now_s / STEP_s, now)
            return [(one.until_step * STEP_s, one.view) for one in pieces]

    def cell(self, channel: int) -> CellHolder:
        """The cell on a channel, as it was last left."""
        return self.cells.of(channel, self.now_s())

    def now_s(self) -> float:
        """Seconds since this world began, over all the times it was opened."""
        return self._clock.monotonic() - self._origin_s

    # ------------------------------------------------------------ time
    def _to_now(self) -> None:
        target = math.floor((self.now_s() + TINY_s) / STEP_s)
        if target > self._step:
            before = self._step
            self._to_step(target)
            if target // SNAPSHOT_EVERY_STEPS != before // SNAPSHOT_EVERY_STEPS:
                self._save_or_tell()

    def _to_step(self, target: int) -> None:
        while self._step < target:
            if self._step == self._ahead.end:
                is_quiet = self._step - self._commanded_at >= FAR_AHEAD_STEPS
                most = FAR_AHEAD_STEPS if is_quiet else AHEAD_STEPS
                self._look_ahead(most - self._step % most)
            self._step = min(target, self._ahead.end)

    def _look_ahead(self, count: int) -> None:
        """The furnace and the samples are then as they will be in `count` steps."""
        self._history.keep(self._ahead.start, self._step, self._ahead.samples)
        start, furnace = self._step, _copied(self._furnace.state)
        states = [replace(sample.state) for sample in self._samples]
        course = self._furnace.advance(start + 1, count)
        samples = [sample.advance(course.block_C) for sample in self._samples]
        self._ahead = Ahead(start, start + count, furnace, states, course, samples)

    def _take_back(self) -> None:
        """The furnace and the samples are as they are now, and nothing is known of what comes."""
        ahead = self._ahead
        self._history.keep(ahead.start, self._step, ahead.samples)
        if self._step < ahead.end and ahead.furnace_before is not None:
            self._furnace.state = ahead.furnace_before
            for sample, state in zip(self._samples, ahead.samples_before, strict=True):
                sample.state = state
            blocks = self._furnace.advance(ahead.start + 1, self._step - ahead.start).block_C
            for sample in self._samples:
                sample.advance(blocks)
        self._ahead = Ahead.nothing(self._step)

    def _sample_now(self, place: int) -> tuple[float, float]:
        """Temperature and share of the high phase."""
        if self._step < self._ahead.end:
            course, step = self._ahead.samples[place], self._step - self._ahead.start - 1
            return float(course.temperature_C[step]), float(course.high_phase[step])
        state = self._samples[place].state
        return state.temperature_C, state.high_phase

    # ------------------------------------------------------------ kept state
    def _restore(self, holdings: list[Holding]) -> None:
        """The kept world, its later commands replayed at their times, and the time since then passed."""
        kept = self._folder.load(self._fingerprint)
        if kept is None:
            return
        snapshot, commands = kept
        self._adopt(snapshot, holdings)
        last_unix = snapshot.unix
        for command in commands:
            self._to_step(command.step)
            self._obey(command)
            last_unix = command.unix
        away_s = min(max(0.0, self._clock.unix() - last_unix), LONGEST_ABSENCE_s)
        self._to_step(self._step + math.floor(away_s / STEP_s))

    def _adopt(self, snapshot: WorldSnapshot, holdings: list[Holding]) -> None:
        """Be as the snapshot says. Raises BadInput when it has another number of samples or another dead time."""
        delay_steps = len(self._furnace.state.underway_W)
        if len(snapshot.samples) != len(holdings) or len(snapshot.furnace.underway_W) != delay_steps:
            raise BadInput(
                "the kept state of the simulated bench does not fit its parameters; delete it to start from ambient",
                place=str(self._folder.snapshot_path),
            )
        self._furnace.state = _copied(snapshot.furnace)
        self._samples = [Sample(holding, replace(s)) for holding, s in zip(holdings, snapshot.samples, strict=True)]
        self._step, self._commands = snapshot.step, snapshot.commands
        self._ahead = Ahead.nothing(self._step)

    def snapshot(self) -> WorldSnapshot:
        """What it was at a step since the last command, an hour ago at most: whoever goes on from there comes to
        the same."""
        step, furnace, samples = self._step, self._furnace.state, [sample.state for sample in self._samples]
        if step < self._ahead.end and self._ahead.furnace_before is not None:
            step, furnace, samples = self._ahead.start, self._ahead.furnace_before, self._ahead.samples_before
        return WorldSnapshot(
            simulation=self._fingerprint,
            step=step,
            unix=self._clock.unix() - (self._step - step) * STEP_s,
            commands=self._commands,
            furnace=furnace,
            samples=samples,
        )

    def _save(self) -> None:
        self._folder.save(self.snapshot())

    def _save_or_tell(self) -> None:
        """A full disk must not end a reading: the state kept last is still good, only older."""
        try:
            self._save()
        except StorageError as error:
            log.warning("%s", error)

    def close(self) -> None:
        with self._lock:
            self._to_now()
            self._save_or_tell()
            self.cells.save()
