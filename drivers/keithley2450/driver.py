"""The Keithley 2450 as an instrument: `driver = "keithley2450"`. It has met no hardware yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import BadInput, InstrumentError, NotSafe
from daq.stream import Column, Stream
from drivers.keithley2450.claim import Claim
from drivers.keithley2450.direct_current import Measuring
from drivers.keithley2450.drive import at_rest, drive_for
from drivers.keithley2450.options import abilities_of, check_limits, limits_of, options_of
from drivers.keithley2450.source import SMODE_LOST, Greeting, Source
from drivers.roles import PotentiostatAbilities
from drivers.technique_checks import check_channel, checked
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    CyclicVoltammetry,
    DcPoint,
    EndState,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Point,
    Spectrum,
    Technique,
)
from drivers.transport import LineSettings, Transport, link_for, make_link

log = logging.getLogger(__name__)


class Keithley2450Source:
    """A source-meter that charges and discharges: V and A, charge and oxidation positive. It takes no spectra.

    Off is an open relay (high impedance), so the potential at rest is read with a source of 0 A. What a cell must not
    pass is set in the instrument before its output goes on: it holds there when this computer dies.
    """

    role: Literal["potentiostat"] = "potentiostat"
    monitor_interval_s = 10.0
    snapshot_stream = Stream(
        "cell",
        (
            Column("channel", kind="int", help="always 1"),
            Column("voltage_V", "V", help="potential of the cell; none while the output is off, its relay open"),
            Column("current_A", "A", help="direct current, oxidation positive"),
        ),
        help="the source-meter between and during measurements",
    )

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self._context = context
        self.options = options_of(context)
        self.safe_within_s = min(120.0, 30 * max(self.options.timeout_s, 1.0))
        able = self.abilities()
        port, place = self.options.port, context.place
        link = link_for(context, port, lambda: make_link(port, self.options.line(LineSettings()), place))
        self.transport = Transport(link, self.name, self.options.timeout_s)
        self.source = Source(self.transport, self.name, self.options, able.voltage_max_V)
        self._claim = Claim(self.name, context.clock)
        self._greeting: Greeting | None = None
        self._greeted_at = 0
        self._is_left_on = False  # a technique ended in `ocp` or `hold`
        self._live: tuple[float | None, float | None] = (None, None)

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options or limits that can't be used. Touches nothing."""
        options = options_of(context)
        check_limits(context.limits, context.place)
        make_link(options.port, options.line(LineSettings()), context.place)

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """Raises InstrumentError for another instrument, language or terminals. An output that is on goes off."""
        try:
            self._greet()
        except InstrumentError:
            self.disconnect()
            raise

    def _greet(self) -> None:
        greeting = self.source.greet()
        warning = self.source.prepare()
        if greeting.was_on:
            log.warning("%s: its output was on when it was connected; it is off now", self.name)
        if warning:
            log.warning("%s: %s", self.name, warning)
        self._greeting, self._greeted_at, self._is_left_on = greeting, self.transport.opened, False

    def disconnect(self) -> None:
        """The output is told to go off with the connection; nothing is waited for (`make_safe` verifies)."""
        if self._greeting is not None:
            self._claim.end()
            with suppress(InstrumentError):
                self.source.let_go()
        self._greeting = None
        self.transport.close()

    def identity(self) -> Identity:
        self._connected()
        greeting = self._greeting
        assert greeting is not None
        return Identity(greeting.maker.title(), greeting.model, greeting.serial, greeting.firmware)

    def capabilities(self) -> Mapping[str, Any]:
        options = self.options
        sense = "4-wire" if options.four_wire else "2-wire"
        return {**asdict(self.abilities()), "terminals": options.terminals, "sense": sense, "nplc": options.nplc}

    def abilities(self) -> PotentiostatAbilities:
        return abilities_of(self.options, self._context.limits)

    def limits(self) -> Sequence[Limit]:
        return limits_of(self._context.limits)

    def wire_trace(self) -> str:
        return self.transport.trace.told()

    def read(self) -> Snapshot:
        """While it measures, its last point; while its output is off, no potential: the relay is open."""
        self._require_connection()
        return self._claim.glance(self._read_idle, lambda: self._snapshot(*self._live))

    def _read_idle(self) -> Snapshot:
        self._connected()
        if self._is_left_on:
            now = self.source.read()
            return self._snapshot(now.voltage_V, now.current_A)
        faults = []
        if self.source.is_on():
            faults.append("its output is on, and not by this program; switch it off at its panel")
        if (found := self.source.off_state()) != "HIMP":
            faults.append(SMODE_LOST.format(found=found))
        return self._snapshot(None, 0.0, tuple(faults))

    def make_safe(self, reason: Reason) -> SafeReport:
        """Output off, its relay open, both read back. A measurement that runs ends with an InstrumentError."""
        if self._greeting is None:
            raise NotSafe(self.name, "is not connected, so its output cannot be switched off")
        self._claim.end()
        self._is_left_on = False
        try:
            self.source.off()
        except InstrumentError as error:
            raise NotSafe(self.name, f"its output is not verified off ({error}); press OUTPUT at its panel") from error
        return SafeReport(True, "output off, high impedance, read back")

    def self_test(self) -> list[str]:
        """What `cellrig doctor --self-test` asks: nothing is applied."""
        self._connected()
        greeting = self._greeting
        assert greeting is not None
        return [
            f"{greeting.model}, firmware {greeting.firmware}, speaks SCPI",
            f"output {'ON' if self.source.is_on() else 'off'}, off state {self.source.off_state()}",
            f"{greeting.terminals} terminals, {'4' if self.options.four_wire else '2'}-wire sense",
        ]

    # ------------------------------------------------------------ the role
    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        """Raises BadInput before anything is applied; InstrumentError when it fails underway."""
        able = self.abilities()
        check_channel(channel, able, self.name)
        if isinstance(technique, Spectrum | GalvanostaticSpectrum):
            raise BadInput(
                f"{self.name} is a source-meter and has no frequency-response analyser: it takes no spectra; "
                "use a potentiostat",
                allowed=", ".join(able.techniques),
            )
        technique = checked(technique, able, self.name)
        assert not isinstance(technique, Spectrum | GalvanostaticSpectrum)
        self._check_pace(technique)
        if not isinstance(technique, OpenCircuit):
            drive_for(technique, 0.0, able.voltage_max_V, able.current_ranges_A[0])
        self._require_connection()
        return self._measure(technique)

    def _measure(
        self, technique: OpenCircuit | ConstantCurrent | ConstantPotential | CyclicVoltammetry | LinearSweep
    ) -> Iterator[DcPoint]:
        with self._taken(technique.end_state) as measuring:
            is_rest = isinstance(technique, OpenCircuit)
            for point in measuring.open_circuit(technique) if is_rest else measuring.points(technique):
                self._live = point.voltage_V, point.current_A
                yield point

    @contextmanager
    def _taken(self, end_state: EndState) -> Iterator[Measuring]:
        """The output is ours; at the end it goes to `end_state`, off after an error or when asked to."""
        with self._claim.take():
            has_failed = True
            try:
                self._connected()
                yield Measuring(self.source, self._claim, self._context.clock, self.options, self.abilities())
                has_failed = False
            except GeneratorExit:
                has_failed = False
                raise
            finally:
                try:
                    self._leave("off" if has_failed or self._claim.is_ended else end_state)
                except InstrumentError as error:
                    if not has_failed:
                        raise
                    log.error("%s: its output could not be switched off after that: %s", self.name, error)
                finally:
                    self._live = (None, None)

    def _leave(self, end: EndState) -> None:
        self._is_left_on = False
        if end == "off":
            self.source.off()
            return
        if end == "ocp":
            self.source.apply(at_rest(self.abilities().voltage_max_V), self._claim.go_on)
        self._is_left_on = True

    # ------------------------------------------------------------ inside
    def _snapshot(self, voltage_V: float | None, current_A: float | None, faults: tuple[str, ...] = ()) -> Snapshot:
        return Snapshot({"channel": 1, "voltage_V": voltage_V, "current_A": current_A}, faults)

    def _require_connection(self) -> None:
        if self._greeting is None:
            raise InstrumentError(self.name, "is not connected; connect the bench first")

    def _connected(self) -> None:
        """Greeted at this opening of the port: behind a cable that was out there may be another instrument."""
        self._require_connection()
        with self.transport.owner():
            if self._greeted_at != self.transport.opened and not self._is_left_on:
                self._greet()

    def _check_pace(self, technique: Technique) -> None:
        """Raises BadInput for points that come faster than it reads."""
        least_s = self.options.shortest_s
        if isinstance(technique, CyclicVoltammetry | LinearSweep):
            seconds = technique.step_V / technique.scan_rate_V_s
            if seconds < least_s * (1 - 1e-9):
                raise BadInput(
                    f"{self.name}: a stair every {seconds:g} s is faster than it reads",
                    allowed=f"step_V of {least_s * technique.scan_rate_V_s:g} V and more",
                )
        elif isinstance(technique, OpenCircuit | ConstantCurrent | ConstantPotential):
            if technique.interval_s < least_s * (1 - 1e-9):
                raise BadInput(f"{self.name}: an interval of {technique.interval_s:g} s", allowed=f"from {least_s:g} s")
