"""Linkam stages behind a T95, TMS 94 or CI 94 controller: `driver = "linkam"`. A T96 needs its maker's library."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import Field

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import InstrumentError, NotSafe
from daq.tables import parse
from drivers.linkam import protocol
from drivers.linkam.exchange import Exchange
from drivers.linkam.protocol import Status
from drivers.roles import FurnaceAbilities, FurnaceReading
from drivers.temperature import TEMPERATURE_STREAM, check_limits, check_target, monitor_limits, snapshot_of
from drivers.transport import LineSettings, PortOptions, Transport, link_for, make_link

log = logging.getLogger(__name__)

LINE = LineSettings(baud=19200)
LOWEST_C, HIGHEST_C = -196.0, 600.0
NEAR_K = 1.0  # closer to the target than this, heating or cooling tells nothing
AT_LIMIT_K = 2.0
TRIES = 3
SAFE_TIMEOUTS = 32  # how many time-outs long making safe may take
HELD = (protocol.HOLDING, protocol.AT_LIMIT)


class LinkamOptions(PortOptions):
    """`[instruments.NAME]`. `hardware_handshake = true` where RTS and CTS are wired, as in the maker's cable."""

    ramp_max_K_per_min: float = Field(default=30.0, ge=0.01, le=150)
    safe_state: Literal["off", "hold"] = "off"
    spacing_s: float = Field(default=0.25, ge=0, le=2)


class Linkam:
    """A heating stage. Its rate and limit can't be read back: they are sent before each start, and the effect is told
    by the controller's state and by where it comes to rest. Temperatures in degC, ramps in K/min.

    Nothing in the controller stops the heating when this computer dies: a hardware cut-out is the owner's to fit.
    """

    role: Literal["temperature"] = "temperature"
    monitor_interval_s = 1.0
    snapshot_stream = TEMPERATURE_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self.options = parse(LinkamOptions, context.options, context.place)
        self.safe_within_s = SAFE_TIMEOUTS * max(self.options.timeout_s, 1.0)
        self._context = context
        port, line = self.options.port, self.options.line(LINE)
        link = link_for(context, port, lambda: make_link(port, line, context.place))
        self.transport = Transport(link, self.name, self.options.timeout_s)
        self._exchange = Exchange(self.transport, self.options.ramp_max_K_per_min, self.options.spacing_s)
        self._target_C: float | None = None
        self._running = False
        self._is_connected = False

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options or limits that can't be used. Touches nothing."""
        options = parse(LinkamOptions, context.options, context.place)
        make_link(options.port, options.line(LINE), context.place)
        check_limits(context, LOWEST_C, HIGHEST_C)

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """The first `T` after power-up puts the controller under serial control. Raises InstrumentLost."""
        self._target_C, self._running, self._is_connected = None, False, True
        try:
            self._exchange.status()
        except InstrumentError:
            self.disconnect()
            raise

    def disconnect(self) -> None:
        self._is_connected = False
        self.transport.close()

    def identity(self) -> Identity:
        """The protocol tells no model and no number; that it answers as a T95 does is all that is known."""
        self._status()
        return Identity("Linkam", "T95 family", f"at {self.options.port}")

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> FurnaceAbilities:
        limits = self._context.limits
        lowest_C = limits.get("min_temperature_C", 0.0)
        return FurnaceAbilities(lowest_C, limits["max_temperature_C"], self.options.ramp_max_K_per_min, False)

    def limits(self) -> Sequence[Limit]:
        return monitor_limits(self._context.limits)

    def wire_trace(self) -> str:
        return self.transport.trace.told()

    def read(self) -> Snapshot:
        return snapshot_of(self.read_temperature())

    def make_safe(self, reason: Reason) -> SafeReport:
        """Heating and cooling off, told by the state; or hold, by `safe_state`, when it is well. Raises NotSafe."""
        is_off = self.options.safe_state == "off" or not self._can_hold()
        command, wanted = (protocol.STOP, (protocol.STOPPED,)) if is_off else (protocol.HOLD, HELD)
        try:
            status = self._until((command,), lambda status: status.state in wanted, "stop" if is_off else "hold")
        except InstrumentError as error:
            raise NotSafe(self.name, f"could not be made safe ({error}); switch the controller off") from error
        self._running = False
        return SafeReport(True, f"{status.state_text}, read back at {status.temperature_C:.1f} °C")

    # ------------------------------------------------------------ the role
    def set_target(self, temperature_C: float, ramp_K_per_min: float | None = None) -> None:
        """Go to `temperature_C` at `ramp_K_per_min` (None: the bench file's `ramp_max_K_per_min`)."""
        check_target(self.name, temperature_C, ramp_K_per_min, self.abilities())
        rate = self.options.ramp_max_K_per_min if ramp_K_per_min is None else max(ramp_K_per_min, 0.01)
        self._status()
        commands = (protocol.rate_command(rate), protocol.limit_command(temperature_C), protocol.START)
        status = self._until(commands, lambda status: _goes_to(status, temperature_C), f"go to {temperature_C:g} °C")
        log.debug("%s: %s from %g °C", self.name, status.state_text, status.temperature_C)
        self._target_C, self._running = temperature_C, True

    def hold(self) -> None:
        """Stay at the present temperature. A stage that is off stays off."""
        if not self._running:
            return
        status = self._until((protocol.HOLD,), lambda status: status.state in HELD, "hold")
        if status.state == protocol.HOLDING:
            self._target_C = status.temperature_C

    def read_temperature(self) -> FurnaceReading:
        """The working set-point is the measured temperature until the controller says that it is there."""
        status = self._status()
        measured_C, target_C = status.temperature_C, self._target_C
        at_rest = status.state in (protocol.AT_LIMIT, protocol.LIMIT_TIME, protocol.HOLDING)
        faults = list(status.faults)
        if status.state not in protocol.STATES:
            faults.append(f"it is {status.state_text}")
        if self._running and status.state == protocol.STOPPED:
            faults.append("it stopped by itself: it lost its power, or somebody stopped it at the panel")
        if self._running and at_rest and target_C is not None and abs(measured_C - target_C) > AT_LIMIT_K:
            faults.append(f"it rests at {measured_C:g} °C though {target_C:g} were asked for")
        return FurnaceReading(
            temperature_C=measured_C,
            setpoint_C=measured_C if target_C is None else target_C,
            working_setpoint_C=target_C if at_rest and target_C is not None else measured_C,
            output_percent=0.0 if status.state == protocol.STOPPED else math.nan,
            faults=tuple(faults),
        )

    def _can_hold(self) -> bool:
        try:
            return not self._exchange.status().faults
        except InstrumentError:
            return False

    def _until(self, commands: Sequence[bytes], fits: Callable[[Status], bool], what: str) -> Status:
        """Send the commands until the status fits. Raises InstrumentError with the last problem."""
        problem = InstrumentError(self.name, f"does not {what}")
        for _ in range(TRIES):
            self.transport.forgive()
            try:
                for command in commands:
                    self._exchange.command(command)
                status = self._exchange.status()
            except InstrumentError as error:
                problem = error
                continue
            if fits(status):
                return status
            now = f"it is {status.state_text} at {status.temperature_C:g} °C"
            problem = InstrumentError(self.name, f"does not {what}: {now}; look at its panel and at the stage")
        raise problem

    def _status(self) -> Status:
        if not self._is_connected:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        return self._exchange.status()


def _goes_to(status: Status, temperature_C: float) -> bool:
    """Whether the state fits the way to `temperature_C`."""
    way_K = temperature_C - status.temperature_C
    if abs(way_K) < NEAR_K:
        return status.state in (protocol.HEATING, protocol.COOLING, protocol.AT_LIMIT, protocol.LIMIT_TIME)
    return status.state == (protocol.HEATING if way_K > 0 else protocol.COOLING)
