"""The simulated potentiostat as an instrument: `driver = "simulated-potentiostat"`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from daq.bench import DriverContext
from daq.contracts import Identity, Instrument, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, NotSafe
from daq.tables import StrictModel
from drivers.cell_stream import CELL_STREAM, cell_limits
from drivers.roles import Potentiostat, PotentiostatAbilities
from drivers.simulated.channel import Channel
from drivers.simulated.frequency_analyser import CURRENT_RANGES_A, FrequencyAnalyser
from drivers.simulated.options import (
    FIRMWARE,
    WorldDoor,
    cannot_stand_in,
    check_faults,
    check_limits,
    options_of,
    simulation_of,
)
from drivers.simulated.simulation import CHANNELS_MAX
from drivers.simulated.world import World
from drivers.staircase import DirectCurrentTechnique
from drivers.technique_checks import check_channel, checked
from drivers.techniques import GalvanostaticSpectrum, OpenCircuit, Point, Spectrum, Technique

FREQUENCY_MIN_Hz, FREQUENCY_MAX_Hz = 1e-5, 1e6
AMPLITUDE_MAX_V = 0.35
VOLTAGE_MAX_V = 10.0
FAULTS = ("reading_lost", "measurement_lost", "overload", "hang")
TECHNIQUES = (
    "spectrum",
    "open-circuit",
    "cyclic-voltammetry",
    "linear-sweep",
    "constant-current",
    "constant-potential",
)
LIMITS = {"max_voltage_V": (0.0, VOLTAGE_MAX_V), "max_current_A": (0.0, CURRENT_RANGES_A[0])}


class PotentiostatOptions(StrictModel):
    """`[instruments.NAME]` of a simulated potentiostat."""

    channels: int = Field(default=4, ge=1, le=CHANNELS_MAX)


class SimulatedPotentiostat:
    """A potentiostat with a frequency-response analyser and 1 to 8 channels, which measure independently."""

    in_process = True
    role: Literal["potentiostat"] = "potentiostat"
    safe_within_s = 5.0
    monitor_interval_s = 10.0
    snapshot_stream = CELL_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._context = context
        self._options = options_of(context, PotentiostatOptions)
        self._simulation = simulation_of(context)
        self._analyser = FrequencyAnalyser(self._simulation.analyser, self._simulation.seed)
        self._door = WorldDoor(context)
        self._channels: dict[int, Channel] = {}
        self._last_channel = 1

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options, limits or a simulation that can't be used. Builds and touches nothing."""
        options = options_of(context, PotentiostatOptions)
        check_limits(context, LIMITS)
        check_faults(context, simulation_of(context), FAULTS)
        for key in context.simulation.get("channels", {}):
            if int(key) > options.channels:
                place = f"{context.place}.channels"
                raise BadInput(f"channel {key} has a sample, but there are {options.channels} channels", place=place)

    @classmethod
    def standing_in_for(cls, instrument: Instrument) -> dict[str, Any]:
        """The options with which it is most like this potentiostat. Raises BadInput for channels that it has not."""
        assert isinstance(instrument, Potentiostat)
        channels = max(instrument.abilities().channels)
        if channels > CHANNELS_MAX:
            raise cannot_stand_in(instrument, f"it has more than {CHANNELS_MAX} channels")
        return {"channels": channels}

    # ------------------------------------------------------------ the instrument
    @property
    def world(self) -> World:
        """The world behind it, for faults on demand and for the truth in tests."""
        return self._door.world

    def connect(self) -> None:
        self._door.enter(self._simulation)
        self._channels = {
            number: Channel(number, self.name, self._analyser, self.world, self._context.clock)
            for number in range(1, self._options.channels + 1)
        }

    def disconnect(self) -> None:
        """The cells go off with the connection."""
        for channel in self._channels.values():
            channel.switch_off()
        self._door.leave()

    def identity(self) -> Identity:
        return Identity("cellrig", "simulated potentiostat", f"seed {self._simulation.seed}", FIRMWARE)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> PotentiostatAbilities:
        return PotentiostatAbilities(
            channels=tuple(range(1, self._options.channels + 1)),
            techniques=TECHNIQUES,
            frequency_min_Hz=FREQUENCY_MIN_Hz,
            frequency_max_Hz=FREQUENCY_MAX_Hz,
            amplitude_max_V=AMPLITUDE_MAX_V,
            voltage_max_V=VOLTAGE_MAX_V,
            current_ranges_A=CURRENT_RANGES_A,
            range_bandwidth_Hz=self._analyser.bandwidths_Hz,
            overhead_s_per_point=self._simulation.analyser.point_overhead_s,
        )

    def limits(self) -> Sequence[Limit]:
        return cell_limits(self._context.limits)

    def read(self) -> Snapshot:
        """The channel used last. Raises InstrumentLost where a fault strikes."""
        faults = self.world.faults
        faults.hang(self.name)
        faults.raise_if_lost(self.name)
        voltage_V, current_A = self._channels[self._last_channel].live()
        return Snapshot({"channel": self._last_channel, "voltage_V": voltage_V, "current_A": current_A})

    def make_safe(self, reason: Reason) -> SafeReport:
        """All cells off, each read back. A measurement that runs ends with an InstrumentError."""
        if not self._channels:
            raise NotSafe(self.name, "is not connected, so its cells cannot be switched off")
        for channel in self._channels.values():
            channel.switch_off()
        still_on = [str(number) for number, channel in self._channels.items() if channel.switch != "off"]
        if still_on:
            raise NotSafe(self.name, f"the cells of channel {', '.join(still_on)} are still on; unplug them")
        return SafeReport(True, f"{len(self._channels)} cells off, read back")

    # ------------------------------------------------------------ the role
    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        """Raises BadInput before anything is applied; InstrumentError when it fails underway."""
        technique = self._looked_at(technique, channel)
        if isinstance(technique, Spectrum):
            return self._channels[channel].spectrum(technique)
        if isinstance(technique, OpenCircuit):
            return self._channels[channel].open_circuit(technique)
        return self._channels[channel].direct_current(technique)

    def measure_in_blocks(self, technique: Technique, channel: int = 1) -> Iterator[Iterable[Point]]:
        """As `measure`. Only in virtual time do several points of a direct current come at one moment."""
        technique = self._looked_at(technique, channel)
        if isinstance(technique, Spectrum | OpenCircuit):
            return ([point] for point in self.measure(technique, channel))
        return self._channels[channel].direct_current_in_blocks(technique)

    def _looked_at(self, technique: Technique, channel: int) -> Spectrum | OpenCircuit | DirectCurrentTechnique:
        """As it will be run. Raises as `measure` does, before anything is applied."""
        abilities = self.abilities()
        check_channel(channel, abilities, self.name)
        technique = checked(technique, abilities, self.name)
        if not self._channels:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        self._last_channel = channel
        assert not isinstance(technique, GalvanostaticSpectrum)  # not in TECHNIQUES, so refused by the check
        return technique
