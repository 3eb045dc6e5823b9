"""The simulated furnace as an instrument: `driver = "simulated-furnace"`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Columns, Identity, Instrument, Limit, Reason, SafeReport, Snapshot, Values
from daq.errors import BadInput, InstrumentError, NotSafe
from daq.tables import StrictModel
from drivers.roles import FurnaceAbilities, FurnaceReading, TemperatureController
from drivers.simulated.faults import OPEN_THERMOCOUPLE_C
from drivers.simulated.options import (
    FIRMWARE,
    WorldDoor,
    cannot_stand_in,
    check_faults,
    check_limits,
    options_of,
    simulation_of,
    upper_limits,
)
from drivers.simulated.world import World
from drivers.temperature import TEMPERATURE_STREAM, snapshot_of

LOWEST_C, HIGHEST_C = 0.0, 200.0
FASTEST_K_per_min = 10.0
FAULTS = ("reading_lost", "thermocouple_open", "hang")
LIMITS = {"max_temperature_C": (LOWEST_C, 300.0), "max_sample_temperature_C": (LOWEST_C, 300.0)}
SAFE_ATTEMPTS = 5


class FurnaceOptions(StrictModel):
    """`[instruments.NAME]` of a simulated furnace."""

    sample_sensor: bool = True


class SimulatedFurnace:
    """A furnace with a temperature controller and, unless switched off, a sensor at the sample of channel 1.

    `set_target` raises BadInput beyond `abilities()`; a target below what the furnace can reach is accepted, as a
    real controller does: the temperature then stays at what ambient allows.
    """

    in_process = True
    role: Literal["temperature"] = "temperature"
    safe_within_s = 10.0
    monitor_interval_s = 1.0
    snapshot_stream = TEMPERATURE_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._context = context
        self._options = options_of(context, FurnaceOptions)
        self._simulation = simulation_of(context)
        self._door = WorldDoor(context)

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options, limits or a simulation that can't be used. Builds and touches nothing."""
        options_of(context, FurnaceOptions)
        check_limits(context, LIMITS)
        check_faults(context, simulation_of(context), FAULTS)

    @classmethod
    def standing_in_for(cls, instrument: Instrument) -> dict[str, Any]:
        """The options with which it is most like this controller. Raises BadInput where that goes further."""
        assert isinstance(instrument, TemperatureController)
        abilities = instrument.abilities()
        if abilities.temperature_min_C < LOWEST_C or abilities.temperature_max_C > HIGHEST_C:
            raise cannot_stand_in(instrument, f"it goes beyond {LOWEST_C:g} to {HIGHEST_C:g} °C")
        return {"sample_sensor": abilities.has_sample_sensor}

    # ------------------------------------------------------------ the instrument
    @property
    def world(self) -> World:
        """The world behind it, for faults on demand and for the truth in tests."""
        return self._door.world

    def connect(self) -> None:
        self._door.enter(self._simulation)

    def disconnect(self) -> None:
        self._door.leave()

    def identity(self) -> Identity:
        return Identity("cellrig", "simulated furnace", f"seed {self._simulation.seed}", FIRMWARE)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> FurnaceAbilities:
        highest_C = min(HIGHEST_C, self._context.limits.get("max_temperature_C", HIGHEST_C))
        return FurnaceAbilities(LOWEST_C, highest_C, FASTEST_K_per_min, self._options.sample_sensor)

    def limits(self) -> Sequence[Limit]:
        return upper_limits(self._context.limits, ("temperature_C", "sample_temperature_C"))

    def read(self) -> Snapshot:
        """Raises InstrumentLost where a fault strikes."""
        return snapshot_of(self.read_temperature())

    def foresee(self, times_s: Sequence[float]) -> tuple[int, Columns]:
        """As `daq.foreseen.Foreseeable` says; none of them while a fault may strike it."""
        if self.world.faults.may_strike(self.name):
            return 0, {}
        course = self.world.furnace_ahead(times_s)
        columns: dict[str, Values] = dict(course._asdict())
        if not self._options.sample_sensor:
            columns["sample_temperature_C"] = [None] * course.temperature_C.size
        return course.temperature_C.size, columns

    def make_safe(self, reason: Reason) -> SafeReport:
        """Heater off, output read back. Raises NotSafe when the read-back does not come or is not zero."""
        problem = ""
        for attempt in range(SAFE_ATTEMPTS):
            if attempt:
                self._context.clock.sleep(1.0)
            try:
                self.world.heater_off()
                reading = self.read_temperature()
            except InstrumentError as error:
                problem = str(error)
                continue
            if reading.output_percent == 0:
                return SafeReport(True, f"heater off, output 0 % read back at {reading.temperature_C:.1f} °C")
            problem = f"the output still reads {reading.output_percent:.1f} %"
        raise NotSafe(self.name, f"heater off was sent {SAFE_ATTEMPTS} times, but {problem}; switch the furnace off")

    # ------------------------------------------------------------ the role
    def set_target(self, temperature_C: float, ramp_K_per_min: float | None = None) -> None:
        """Go to `temperature_C`, the working set-point at `ramp_K_per_min` (None: at once). Raises BadInput."""
        abilities = self.abilities()
        lowest_C, highest_C = abilities.temperature_min_C, abilities.temperature_max_C
        if not lowest_C <= temperature_C <= highest_C:
            allowed = f"{lowest_C:g} to {highest_C:g} °C"
            raise BadInput(f"{self.name}: a target of {temperature_C:g} °C is out of reach", allowed=allowed)
        if ramp_K_per_min is not None and not 0 < ramp_K_per_min <= FASTEST_K_per_min:
            allowed = f"above 0, up to {FASTEST_K_per_min:g} K/min"
            raise BadInput(f"{self.name}: a ramp of {ramp_K_per_min:g} K/min is out of reach", allowed=allowed)
        self.world.faults.hang(self.name)
        self.world.set_target(float(temperature_C), None if ramp_K_per_min is None else ramp_K_per_min / 60)

    def hold(self) -> None:
        """Stop a ramp where it is. A heater that is off stays off."""
        self.world.faults.hang(self.name)
        self.world.hold()

    def read_temperature(self) -> FurnaceReading:
        """Raises InstrumentLost where a fault strikes."""
        world = self.world
        world.faults.hang(self.name)
        world.faults.raise_if_lost(self.name)
        view = world.furnace()
        is_open = world.faults.strikes(self.name, "thermocouple_open") is not None
        return FurnaceReading(
            temperature_C=OPEN_THERMOCOUPLE_C if is_open else view.temperature_C,
            setpoint_C=view.setpoint_C,
            working_setpoint_C=view.working_setpoint_C,
            output_percent=view.output_percent,
            sample_temperature_C=view.sample_temperature_C if self._options.sample_sensor else None,
            faults=("the thermocouple of the control sensor is open",) if is_open else (),
        )
