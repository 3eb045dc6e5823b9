"""Eurotherm 2200, 2400, 3200 and 3500 controllers over Modbus: `driver = "eurotherm"`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import InstrumentError, InstrumentLost, NotSafe
from drivers.eurotherm import registers as reg
from drivers.eurotherm.greeting import check_mode, check_output_limit, check_settings, family_told_by
from drivers.eurotherm.models import Family, firmware_text, model_name
from drivers.eurotherm.options import options_of, shared_line
from drivers.eurotherm.panel_watch import BREAK_BIT, MANUAL_BIT, RATE_SHARE, PanelWatch
from drivers.eurotherm.ramp_check import RampCheck
from drivers.eurotherm.registers import Registers, tolerance
from drivers.modbus import RtuLine
from drivers.roles import FurnaceAbilities, FurnaceReading
from drivers.temperature import (
    HIGHEST_C,
    TEMPERATURE_STREAM,
    check_limits,
    check_target,
    monitor_limits,
    snapshot_of,
)
from drivers.transport import BadReply

log = logging.getLogger(__name__)

SELF_TEST_READS = 20
SAFE_PAUSE_s = 0.2
SAFE_TIMEOUTS = 30  # how many time-outs long it tries at most
COLDEST_C = -273.15


class Eurotherm:
    """A furnace behind a Eurotherm controller.

    `connect` identifies it, checks units and mode, and sets its own guards: high set-point limit, sensor-break
    power 0. Every write is read back. After a lost cable or power all this is done again before anything else.
    Temperatures in degC, ramps in K/min. Errors: InstrumentLost where no answer came, BadInput beyond `abilities`.
    """

    role: Literal["temperature"] = "temperature"
    monitor_interval_s = 1.0
    snapshot_stream = TEMPERATURE_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self.options = options_of(context)
        self.safe_within_s = SAFE_TIMEOUTS * max(self.options.timeout_s, 0.3)
        self._context = context
        self._shared = shared_line(context, self.options)
        self._registers = Registers(self._shared.line, self.options.unit, self.name)
        self._family: Family | None = None
        self._identity_word = 0
        self._firmware = ""
        self._decimals = 1
        self._rate_unit_s = 60.0
        self._is_connected = False
        self._greeted: int | None = None
        self._asked = PanelWatch()
        self._ramp = RampCheck()

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options or limits that can't be used. Touches nothing."""
        options_of(context)
        check_limits(context)

    # ------------------------------------------------------------ the instrument
    @property
    def transport(self) -> Any:
        """The transport of its line: its trace, and its port."""
        return self._shared.line.transport

    def wire_trace(self) -> str:
        return self.transport.trace.told()

    def connect(self) -> None:
        """Raises InstrumentLost when nothing answers, InstrumentError when it is not fit to be used."""
        self._shared.enter(self.name)
        self._is_connected = True
        self._family, self._greeted, self._asked = None, None, PanelWatch()
        try:
            with self._session():
                pass
        except InstrumentError:
            self.disconnect()
            raise

    def disconnect(self) -> None:
        self._greeted, self._is_connected = None, False
        self._shared.leave(self.name)

    def identity(self) -> Identity:
        with self._session():
            place = f"unit {self.options.unit} at {self.options.port}"
            return Identity("Eurotherm", model_name(self._identity_word, self._known()), place, self._firmware)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> FurnaceAbilities:
        limits = self._context.limits
        return FurnaceAbilities(
            limits.get("min_temperature_C", 0.0), limits["max_temperature_C"], self.options.ramp_max_K_per_min, False
        )

    def limits(self) -> Sequence[Limit]:
        return monitor_limits(self._context.limits)

    def read(self) -> Snapshot:
        return snapshot_of(self.read_temperature())

    def make_safe(self, reason: Reason) -> SafeReport:
        """The bench file's `safe_state`, read back: off (manual, output 0), cool, or hold. Raises NotSafe."""
        link = self.transport.link
        until_s = link.now() + self.safe_within_s / 2  # the last try may take as long again
        while True:
            try:
                self.transport.forgive()
                with self._session(settings=False):
                    return self._make_safe()
            except InstrumentError as error:
                problem = str(error)
            if link.now() >= until_s:
                break
            link.sleep(SAFE_PAUSE_s)
        raise NotSafe(self.name, f"could not be made safe ({problem}); switch the furnace off at its mains")

    def self_test(self) -> list[str]:
        """What `cellrig doctor --self-test` prints: how quickly and how cleanly the line answers. Writes nothing."""
        line, link = self._shared.line, self.transport.link
        began_s = link.now()
        for _ in range(SELF_TEST_READS):
            self.read_temperature()
        each_ms = 1000 * (link.now() - began_s) / SELF_TEST_READS
        barriers = f", {line.barriers} barriers since the port was opened" if isinstance(line, RtuLine) else ""
        return [f"{SELF_TEST_READS} readings, {each_ms:.1f} ms each{barriers}"]

    # ------------------------------------------------------------ the role
    def set_target(self, temperature_C: float, ramp_K_per_min: float | None = None) -> None:
        """Go to `temperature_C`, the working set-point at `ramp_K_per_min` (None: at once)."""
        check_target(self.name, temperature_C, ramp_K_per_min, self.abilities())
        with self._session() as registers:
            self._refuse_manual(registers)
            check_mode(registers)
            check_output_limit(registers)
            if self._known().has_rate_disable:
                registers.set_word(reg.RATE_DISABLE, 0, "the use of the rate limit")
            registers.set_word(reg.SETPOINT_SELECT, 0, "the set-point in use")
            rate = 0.0 if ramp_K_per_min is None else ramp_K_per_min * self._rate_unit_s / 60
            if ramp_K_per_min is not None:  # the rate first, so that the set-point never jumps
                self._set_rate(registers, rate)
            self._set_target(registers, temperature_C)
            if ramp_K_per_min is None:
                self._set_rate(registers, rate)
            registers.set_word(reg.MANUAL, 0, "automatic control")
            self._asked.off = False
            self._ramp.start(ramp_K_per_min)

    def hold(self) -> None:
        """Stop a ramp where it is. A heater that is off stays off."""
        with self._session() as registers:
            if not self._asked.off:
                self._set_target(registers, self._rounded(registers.number(reg.WORKING_SETPOINT)))

    def read_temperature(self) -> FurnaceReading:
        """One consistent snapshot (a single request), the status word, and what a person changed at the panel."""
        with self._session() as registers:
            family = self._known()
            measured, target, output, working_output, working = registers.numbers(reg.PROCESS_VALUE, 5)
            status = registers.word(reg.STATUS)
            if not COLDEST_C <= measured <= HIGHEST_C:
                raise BadReply(self.name, f"a temperature of {measured:g} °C can't be true")
            if family.output_register == reg.WORKING_OUTPUT:
                output = working_output
            hand = self._asked.faults(registers, target, output, status, self._decimals)
            faults = family.fault_texts(status) + hand
            slow = self._ramp.fault(self._context.clock.monotonic(), working, target)
            return FurnaceReading(
                temperature_C=measured,
                setpoint_C=target,
                working_setpoint_C=working,
                output_percent=output,
                faults=tuple(faults + ([slow] if slow else [])),
            )

    # ------------------------------------------------------------ greeting
    @contextmanager
    def _session(self, settings: bool = True) -> Iterator[Registers]:
        """Own the line, the controller greeted since the port was last opened or the controller last silent."""
        line = self._shared.line
        if settings and not self._is_connected:  # what makes safe may come unannounced
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        try:
            with line.owner():
                if self._greeted != line.transport.opened:
                    self._recognise()
                    if settings:
                        self._check_settings()
                        self._greeted = line.transport.opened
                yield self._registers
        except InstrumentLost:
            self._greeted = None  # it may have lost its power, or be another one by now
            raise

    def _recognise(self) -> None:
        """The controller told by its identity word; the same as before. Raises InstrumentError when it is not."""
        self._shared.line.meet(self.options.unit)
        word = self._registers.word(reg.IDENTITY)
        if self._family is None:
            self._family = family_told_by(word, self.options.model, self.name)
            self._identity_word = word
            self._firmware = firmware_text(self._registers.word(reg.FIRMWARE))
        elif word != self._identity_word:
            raise InstrumentError(
                self.name,
                f"another instrument answers at {self.options.port} (identity {word:#06x}, before it was "
                f"{self._identity_word:#06x}); put the right one back",
            )

    def _check_settings(self) -> None:
        settings = check_settings(self._registers, self._known(), self.options, self._context.limits)
        self._decimals, self._rate_unit_s = settings.decimals, settings.rate_unit_s
        if settings.power_failed and self._asked.has_commanded:
            log.warning("%s: lost its power meanwhile; it went on from its own set-point", self.name)

    def _known(self) -> Family:
        if self._family is None:
            raise InstrumentError(self.name, "is not connected; connect the bench first")
        return self._family

    # ------------------------------------------------------------ writing
    def _tolerance(self) -> float:
        return tolerance(self._decimals)

    def _rounded(self, value: float) -> float:
        return round(value, self._decimals)

    def _set_target(self, registers: Registers, temperature_C: float) -> None:
        registers.set_number(reg.TARGET, temperature_C, "the set-point", self._tolerance())
        self._asked.target_C = temperature_C

    def _set_rate(self, registers: Registers, rate: float) -> None:
        """The rate limit, in the controller's unit. It may round; by more than 2 % is not the ramp that was asked."""
        registers.set_number(reg.RATE_LIMIT, rate, "the ramp", RATE_SHARE * rate)
        self._asked.rate_set(rate)

    def _make_safe(self) -> SafeReport:
        """By the policy; but what is in manual, or has a broken sensor, is only safe when it is off."""
        registers, limits = self._registers, self.abilities()
        status = registers.word(reg.STATUS)
        if self.options.safe_state == "off" or status >> MANUAL_BIT & 1 or status >> BREAK_BIT & 1:
            return self._off()
        measured_C = self._rounded(registers.number(reg.PROCESS_VALUE))
        highest_C = limits.temperature_max_C if self.options.safe_state == "hold" else limits.temperature_min_C
        target_C = max(min(measured_C, highest_C), limits.temperature_min_C)
        self._set_target(registers, target_C)
        return SafeReport(True, f"set-point {target_C:g} °C read back ({self.options.safe_state})")

    def _off(self) -> SafeReport:
        registers = self._registers
        registers.set_word(reg.MANUAL, 1, "manual control")
        registers.set_number(reg.OUTPUT, 0.0, "the output", 0.0)
        self._asked.off = True
        output = registers.number(self._known().output_register)
        if output != 0 or not registers.word(reg.STATUS) >> MANUAL_BIT & 1:
            raise InstrumentError(self.name, f"the output still reads {output:.1f} %")
        temperature_C = registers.number(reg.PROCESS_VALUE)
        return SafeReport(True, f"heater off (manual, output 0 % read back) at {temperature_C:.1f} °C")

    # ------------------------------------------------------------ somebody else's hand
    def _refuse_manual(self, registers: Registers) -> None:
        """Who put it in manual during a run has a reason; only a run that starts, or our own `off`, is taken over."""
        ours = self._asked.off or not self._asked.has_commanded
        if not ours and registers.word(reg.STATUS) >> MANUAL_BIT & 1:
            raise InstrumentError(
                self.name, "was put in manual at its panel; put it back to automatic there, then go on"
            )
