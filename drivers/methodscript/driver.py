"""PalmSens instruments that speak MethodSCRIPT: `driver = "methodscript"`. It has met no hardware yet."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, Literal

from daq.bench import DriverContext
from daq.contracts import Identity, Limit, Reason, SafeReport, Snapshot
from daq.errors import InstrumentError, NotSafe
from drivers.cell_stream import CELL_STREAM, cell_limits
from drivers.methodscript.capabilities import techniques_of
from drivers.methodscript.exchange import TRIES, Exchange
from drivers.methodscript.models import BOOTLOADER, Model, model_of
from drivers.methodscript.options import FREQUENCY_MIN_Hz, options_of
from drivers.methodscript.run import Run
from drivers.methodscript.script import OPEN_CIRCUIT_s, Writer
from drivers.roles import PotentiostatAbilities
from drivers.technique_checks import check_channel, checked
from drivers.techniques import (
    CyclicVoltammetry,
    DcPoint,
    GalvanostaticSpectrum,
    LinearSweep,
    OpenCircuit,
    Point,
    Spectrum,
    Technique,
)
from drivers.transport import NoReply, Transport, link_for, make_link

log = logging.getLogger(__name__)

AMPLITUDE_MAX_V = 0.25
OVERHEAD_s = 0.1
GLANCE = OpenCircuit(duration_s=0.1, interval_s=0.1)
SAFE_TIMEOUTS = 20


class MethodScript:
    """EmStat Pico, EmStat4, Nexus. Speaks V, A, ohm, Hz.

    A technique is a script that the instrument runs by itself, with its voltage and current cut-offs in it: when
    this computer dies the script goes on to its end, or to a cut-off, and then switches the cell off.
    """

    role: Literal["potentiostat"] = "potentiostat"
    monitor_interval_s = 10.0
    snapshot_stream = CELL_STREAM

    def __init__(self, context: DriverContext) -> None:
        self.name = context.name
        self.options, self.model = options_of(context)
        self.safe_within_s = SAFE_TIMEOUTS * max(self.options.timeout_s, 1.0)
        self._context = context
        line = self.options.usual_line(self.model)
        link = link_for(context, self.options.port, lambda: make_link(self.options.port, line, context.place))
        self.transport = Transport(link, self.name, self.options.timeout_s)
        self._exchange = Exchange(self.transport)
        smallest_A = self.options.smallest_range_A or self.model.ranges_A[-1]
        self._repeats = 2 if self.options.repeat_values else 1
        self._writer = Writer(self.model, (smallest_A, self.model.ranges_A[0]), self._repeats)
        self._claim = threading.Lock()  # only ever tried, never waited for
        self._is_glancing = False
        self._safe_asked = 0
        self._is_held = False
        self._is_connected = False
        self._missing_Hz: tuple[float, ...] = ()  # of the last spectrum: points that came damaged
        self._live: tuple[float | None, float | None] = (None, None)
        self._techniques = techniques_of(self.model, None)
        self._firmware = self._serial = ""

    @classmethod
    def check(cls, context: DriverContext) -> None:
        """Raises BadInput for options or limits that can't be used. Touches nothing."""
        options, model = options_of(context)
        make_link(options.port, options.usual_line(model), context.place)

    # ------------------------------------------------------------ the instrument
    def connect(self) -> None:
        """A script that still runs is aborted, and the cell switched off. Raises InstrumentError with the cause."""
        self._is_connected, self._is_held = True, False
        try:
            if self._exchange.resync():
                log.warning("%s: a script of somebody else ran on it; it was ended, the cell is off", self.name)
            firmware = self._exchange.ask("t", "*")
            self._recognise(firmware)
            self._firmware = f"{firmware.rstrip('*R')} MethodSCRIPT {self._exchange.ask('v').removeprefix('v')}"
            self._serial = self._exchange.ask("i")
            self._techniques = techniques_of(self.model, self._exchange.ask("CM"))
        except InstrumentError:
            self.disconnect()
            raise

    def _recognise(self, firmware: str) -> None:
        found: Model | None = model_of(firmware)
        if firmware.startswith(BOOTLOADER):
            raise InstrumentError(self.name, "is in its boot loader; switch it off and on, or load its firmware again")
        if found is None:
            raise InstrumentError(self.name, f"answered {firmware[:30]!r}, which is no MethodSCRIPT model known here")
        if found.prefix != self.model.prefix:
            raise InstrumentError(
                self.name, f"is an {found.name}; the bench file says {self.model.name}: correct its model there"
            )

    def disconnect(self) -> None:
        """The cell goes off with the connection."""
        if self._is_connected and self.transport.is_open:
            self._safe_asked += 1
            with suppress(InstrumentError):
                self._exchange.resync()
        self._is_connected = self._is_held = False
        self.transport.close()

    def identity(self) -> Identity:
        self._needs_connection()
        return Identity("PalmSens", self.model.name, self._serial, self._firmware)

    def capabilities(self) -> Mapping[str, Any]:
        return asdict(self.abilities())

    def abilities(self) -> PotentiostatAbilities:
        """Before it is connected, what its model can do; then what it says itself."""
        ranges = self.model.ranges_A
        most_Hz = self.options.max_frequency_Hz or self.model.frequency_max_Hz
        most_V = self.options.max_voltage_V or self.model.voltage_max_V
        return PotentiostatAbilities(
            channels=(1,),
            techniques=self._techniques,
            frequency_min_Hz=FREQUENCY_MIN_Hz,
            frequency_max_Hz=most_Hz,
            amplitude_max_V=AMPLITUDE_MAX_V,
            voltage_max_V=self._context.limits.get("max_voltage_V", most_V),
            current_ranges_A=ranges,
            range_bandwidth_Hz=tuple(most_Hz for _ in ranges),
            overhead_s_per_point=OVERHEAD_s,
        )

    def limits(self) -> Sequence[Limit]:
        return cell_limits(self._context.limits)

    def wire_trace(self) -> str:
        return self.transport.trace.told()

    def read(self) -> Snapshot:
        """The open-circuit potential now; while it measures or holds, its last point."""
        self._needs_connection()
        if not self._is_held and self._claim.acquire(blocking=False):
            self._is_glancing = True
            try:
                self._live = (self._read_again(GLANCE, lambda: None)[-1], 0.0)
            finally:
                self._is_glancing = False
                self._claim.release()
        voltage_V, current_A = self._live
        return Snapshot({"channel": 1, "voltage_V": voltage_V, "current_A": current_A})

    def make_safe(self, reason: Reason) -> SafeReport:
        """Abort what runs and switch the cell off. A measurement that runs ends with an InstrumentError.

        The cell's switch can't be read back: that the instrument ran the script that opens it is what is verified.
        """
        if not self._is_connected:
            raise NotSafe(self.name, "is not connected, so its cell cannot be switched off")
        self._safe_asked += 1
        self.transport.forgive()
        try:
            ran = self._exchange.resync()
        except InstrumentError as error:
            raise NotSafe(
                self.name, f"could not be made safe ({error}); its cell may be on: unplug the cell cable"
            ) from error
        self._is_held = False
        return SafeReport(True, "the script was aborted and the cell switched off" if ran else "cell switched off")

    # ------------------------------------------------------------ the role
    def measure(self, technique: Technique, channel: int = 1) -> Iterator[Point]:
        """Raises BadInput before anything is applied; InstrumentError when it fails underway.

        An instrument chooses itself how long it measures at a frequency: `minimum_time_s` and `minimum_cycles` are
        not sent.
        """
        abilities = self.abilities()
        check_channel(channel, abilities, self.name)
        technique = checked(technique, abilities, self.name)
        self._needs_connection()
        return self._measured(technique)

    def _measured(self, technique: Technique) -> Iterator[Point]:
        while not self._claim.acquire(blocking=False):
            if not self._is_glancing:
                raise InstrumentError(self.name, "is measuring already; wait or stop it")
            self._context.clock.sleep(0.01)  # a glance at the idle cell is over in a moment
        asked = self._safe_asked

        def check() -> None:
            if self._safe_asked != asked:
                raise InstrumentError(self.name, "was switched off while it measured")

        try:
            for point in self._whole(technique, check):
                if isinstance(point, DcPoint):
                    self._live = (point.voltage_V, point.current_A)
                else:
                    self._live = (point.bias_V, None)
                yield point
        finally:
            self._claim.release()

    def _whole(self, technique: Technique, check: Any) -> Iterator[Point]:
        """The points of a spectrum whose lines came damaged are measured again, at its end."""
        yield from self._run(technique, check)
        if not isinstance(technique, Spectrum | GalvanostaticSpectrum):
            return
        for _ in range(TRIES):
            if not self._missing_Hz:
                return
            yield from self._run(replace(technique, frequencies_Hz=self._missing_Hz), check)
        if self._missing_Hz:
            raise NoReply(
                self.name,
                f"gave {len(technique.frequencies_Hz) - len(self._missing_Hz)} of {len(technique.frequencies_Hz)} "
                f"points of a spectrum, and did not when asked again: the others came damaged; look at its cable",
            )

    def _run(self, technique: Technique, check: Any) -> Iterator[Point]:
        """One script from its start to its end; whatever happens, nothing is left running."""
        open_circuit_V = self._open_circuit_V(check) if _needs_open_circuit(technique) else 0.0
        script = self._writer.write(technique, open_circuit_V)
        run = Run(self._exchange, self._context.clock, script, self._repeats, check)
        is_kept_on = technique.end_state == "hold"
        bias_V = open_circuit_V
        if isinstance(technique, Spectrum) and technique.bias_V is not None:
            bias_V = technique.bias_V
        self._exchange.start(script.lines)
        asked, is_held = self._safe_asked, False
        try:
            for point in run.points(technique, self.model, len(script.loops), bias_V):
                if isinstance(point, DcPoint) and point.ended:  # the cell is left before anybody hears of the end
                    is_held = is_kept_on
                    self._left(run, is_held, asked)
                yield point
            is_held = is_kept_on
        except GeneratorExit:
            is_held = is_kept_on
            raise
        finally:
            self._missing_Hz = run.missing_Hz
            with suppress(InstrumentError):  # the error that is underway says more
                self._left(run, is_held, asked)
            self._is_held = is_held and self._safe_asked == asked
            if not self._is_held:
                self._live = (self._live[0], 0.0)

    def _left(self, run: Run, is_held: bool, asked: int) -> None:
        """Nothing runs any more. Where somebody made it safe meanwhile there is nothing to do."""
        if run.is_finished or self._safe_asked != asked:
            return
        if not (run.is_at_end and run.ends_by_itself()):
            self._exchange.resync(is_held)
        run.is_finished = True

    def _open_circuit_V(self, check: Any) -> float:
        """The mean of half a second with the cell off."""
        voltages_V = self._read_again(OpenCircuit(OPEN_CIRCUIT_s, 0.1), check)
        return sum(voltages_V) / len(voltages_V)

    def _read_again(self, technique: OpenCircuit, check: Any) -> list[float]:
        """The potentials of a cell that is off: what came damaged is asked for again."""
        for _ in range(TRIES - 1):
            with suppress(NoReply):
                return self._potentials_V(technique, check)
        return self._potentials_V(technique, check)

    def _potentials_V(self, technique: OpenCircuit, check: Any) -> list[float]:
        return [point.voltage_V for point in self._run(technique, check) if isinstance(point, DcPoint)]

    def _needs_connection(self) -> None:
        if not self._is_connected:
            raise InstrumentError(self.name, "is not connected; connect the bench first")


def _needs_open_circuit(technique: Technique) -> bool:
    if isinstance(technique, Spectrum):
        return technique.bias_V is None
    return isinstance(technique, CyclicVoltammetry | LinearSweep) and technique.start_V is None
