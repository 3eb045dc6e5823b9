"""Metrohm Autolab as an instrument: `driver = "autolab"`. It has met no hardware yet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from daq.bench import DriverContext
from daq.clock import ScaledClock
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, NotSafe
from drivers.autolab.channel import AutolabChannel
from drivers.autolab.control import DAC_V
from drivers.autolab.direct_current import SHORTEST_s
from drivers.autolab.dummy_cell import follower, galvanostatic_unit, range_change
from drivers.autolab.link import Link, ProcessLink
from drivers.autolab.models import MODELS
from drivers.autolab.options import check_limits, options_of
from drivers.cell_stream import CELL_STREAM, cell_limits
from drivers.roles import PotentiostatAbilities
from drivers.technique_checks import check_channel, checked
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CyclicVoltammetry,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Point,
    Technique,
)

FREQUENCY_MIN_Hz, FREQUENCY_MAX_Hz = 1e-3, 1e6
AMPLITUDE_MAX_V = 0.35
VOLTAGE_MAX_V = 10.0
DIRECT = ("open-circuit", "cyclic-voltammetry", "linear-sweep", "constant-current", "constant-potential")
CALLS_s = 0.17  # two samples with their flags, and the settings of a point


class Autolab:
    """M204 modules, PGSTAT302N and kin, each through the vendor's SDK in a process of its own. Speaks V, A, ohm, Hz.

    Staircases and levels are stepped by software, no faster than ten points a second; a module is a channel.
    """

    role: Literal["potentiostat"] = "potentiostat"
    safe_within_s = 60.0  # a hung SDK is killed after 10 s, connected again, and the cell verified
    monitor_interval_s = 10.0
    snapshot_stream = CELL_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._context = self._built_from = context
        self._options = options_of(context)
        self._channels = {
            number: AutolabChannel(self.name, number, self._options, self.link(number), context.clock)
            for number in range(1, len(self._options.modules) + 1)
        }
        self._last_channel = 1

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options or limits that can't be used. Builds and touches nothing."""
        options_of(context)
        check_limits(context.limits, context.place)

    def link(self, channel: int) -> Link:
        """What leads to the SDK of one channel: a process."""
        return ProcessLink(self.name, self.start_line(channel))

    def start_line(self, channel: int) -> dict[str, Any]:
        clock = self._context.clock
        epoch_unix = clock.unix() - clock.monotonic() if isinstance(clock, ScaledClock) else 0.0
        return {
            "name": self.name,
            "channel": channel,
            "options": self._options.model_dump(),
            "speed": clock.speed,
            "epoch_unix": epoch_unix,
        }

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """Raises InstrumentError with a plain cause: a file missing, NOVA open, no instrument, no FRA."""
        done: list[AutolabChannel] = []
        try:
            for channel in self._channels.values():
                channel.connect()
                done.append(channel)
        except InstrumentError:
            for channel in done:
                channel.disconnect()
            raise

    def disconnect(self) -> None:
        """The cells go off with the connection."""
        for channel in self._channels.values():
            channel.disconnect()

    def identity(self) -> Identity:
        serials = ", ".join(module.serial for module in self._options.modules if module.serial)
        about = self._connected().about
        return Identity("Metrohm Autolab", self._options.model, serials, f"SDK {about.get('sdk') or 'unknown'}")

    def capabilities(self) -> Mapping[str, Any]:
        options = self._options
        return {
            **asdict(self.abilities()),
            "firmware_file": options.firmware_file,
            "hardware_setup_files": [options.setup_file(number) for number in self._channels],
            "first_hour": options.first_hour.model_dump(),
        }

    def abilities(self) -> PotentiostatAbilities:
        """Before it is connected, the ranges of the model's table; then those that the instrument takes."""
        options, about = self._options, self._channels[1].about
        ranges = MODELS[options.model].ranges
        techniques = (*(("spectrum",) if options.fra else ()), *DIRECT)
        if options.first_hour.galvanostatic_setpoint is None:
            techniques = tuple(one for one in techniques if one != "constant-current")
        elif options.fra:
            techniques = (*techniques, "galvanostatic-spectrum")
        return PotentiostatAbilities(
            channels=tuple(self._channels),
            techniques=techniques,
            frequency_min_Hz=FREQUENCY_MIN_Hz,
            frequency_max_Hz=FREQUENCY_MAX_Hz,
            amplitude_max_V=AMPLITUDE_MAX_V,
            voltage_max_V=self._context.limits.get("max_voltage_V", VOLTAGE_MAX_V),
            current_ranges_A=tuple(about.get("ranges_A") or (one.full_scale_A for one in ranges)),
            range_bandwidth_Hz=tuple(about.get("bandwidths_Hz") or (one.bandwidth_Hz for one in ranges)),
            overhead_s_per_point=options.settle_s + CALLS_s,
        )

    def limits(self) -> Sequence[Limit]:
        return cell_limits(self._context.limits)

    def read(self) -> Snapshot:
        """The channel used last: sampled now, or its last point while it measures."""
        voltage_V, current_A = self._connected().sample()
        return Snapshot({"channel": self._last_channel, "voltage_V": voltage_V, "current_A": current_A})

    def make_safe(self, reason: Reason) -> SafeReport:
        """All cells off, each read back. A child that hangs is killed and another one switches the cell off."""
        if not any(channel.is_connected for channel in self._channels.values()):
            raise NotSafe(self.name, "is not connected, so its cells cannot be switched off")
        told: list[str] = []
        problems: list[str] = []
        for channel in self._channels.values():
            try:
                told.append(f"channel {channel.number}: {channel.make_safe()}")
            except InstrumentError as error:
                problems.append(str(error).removeprefix(f"{self.name}: "))
        if problems:
            raise NotSafe(self.name, "; ".join(problems))
        return SafeReport(True, "; ".join(told))

    # ------------------------------------------------------------ the role
    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        """Raises BadInput before anything is applied; InstrumentError when it fails underway."""
        abilities = self.abilities()
        check_channel(channel, abilities, self.name)
        self._check_answers(technique)
        technique = checked(technique, abilities, self.name)
        self._check_pace(technique)
        if not self._channels[channel].is_connected:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        self._last_channel = channel
        return self._channels[channel].measure(technique)

    def dummy_cell_answers(self, resistance_ohm: float) -> list[str]:
        """What a resistor on channel 1 tells about the questions of `first_hour`. It is connected again after."""
        lines = [follower(self, resistance_ohm)]
        if self._options.first_hour.range_change == "cell-on":
            lines.append(range_change(self, resistance_ohm))
        self.disconnect()
        lines.append(galvanostatic_unit(type(self), self._built_from, resistance_ohm))
        self.connect()
        return lines

    def _connected(self) -> AutolabChannel:
        channel = self._channels[self._last_channel]
        if not channel.is_connected:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        return channel

    def _check_answers(self, technique: Technique) -> None:
        """What nobody has proven is not tried on a sample."""
        first_hour: Any = self._options.first_hour
        here = f"{self._context.place}.first_hour"
        if isinstance(technique, ConstantCurrent | GalvanostaticSpectrum) and not first_hour.galvanostatic_setpoint:
            raise BadInput(
                f"{self.name} applies no current before the unit of its set-point is known; find it on a dummy cell "
                "(cellrig doctor --dummy-cell 1k)",
                place=f"{here}.galvanostatic_setpoint",
                allowed='"A" or "V"',
            )
        needs_ranging = isinstance(technique, ConstantPotential | CyclicVoltammetry | LinearSweep)
        if needs_ranging and technique.current_range_A is None and first_hour.range_change != "cell-on":
            raise BadInput(
                f"{self.name} changes no range under a cell that is on before this was found to be harmless; "
                "give a current_range_A, or find out on a dummy cell",
                place=f"{here}.range_change",
                allowed='"cell-on"',
            )

    def _check_pace(self, technique: Technique) -> None:
        """Raises BadInput for stairs that are too fast for software, or smaller than the DAC's."""
        if isinstance(technique, CyclicVoltammetry | LinearSweep):
            seconds = technique.step_V / technique.scan_rate_V_s
            least_V = max(SHORTEST_s * technique.scan_rate_V_s, DAC_V)
            if seconds < SHORTEST_s * (1 - 1e-9) or technique.step_V < DAC_V:
                raise BadInput(
                    f"{self.name}: stairs of {technique.step_V:g} V at {technique.scan_rate_V_s:g} V/s are too fast or "
                    "too small for its software control",
                    allowed=f"step_V of {math.ceil(least_V * 1e5 - 1e-6) / 1e5:g} V and more",
                )
        elif isinstance(technique, OpenCircuit | ConstantCurrent | ConstantPotential):
            if technique.interval_s < SHORTEST_s * (1 - 1e-9):
                raise BadInput(
                    f"{self.name}: an interval of {technique.interval_s:g} s", allowed=f"from {SHORTEST_s} s"
                )
