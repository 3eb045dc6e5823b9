"""One instrument of the Autolab family as the parent sees it: measured, sampled, made safe through its link."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

from daq.clock import Clock
from daq.errors import InstrumentError, InstrumentLost
from drivers.autolab.link import LIVE, Link, Message
from drivers.autolab.options import AutolabOptions
from drivers.autolab.technique_tables import to_table
from drivers.techniques import (
    ConstantCurrent,
    ConstantPotential,
    DcPoint,
    GalvanostaticSpectrum,
    OpenCircuit,
    Point,
    Spectrum,
    SpectrumPoint,
    Technique,
)

log = logging.getLogger(__name__)
CONNECT_s = 30.0
CALL_s = 5.0
SAFE_s = 10.0
POINTS_IN_A_START = 6  # trial, repeats and their settling, at most, until a point is there


class AutolabChannel:
    """`measure` belongs to one at a time; `make_safe` ends it wherever it is, at worst by killing the child."""

    def __init__(self, name: str, number: int, options: AutolabOptions, link: Link, clock: Clock) -> None:
        self.number = number
        self._name = name
        self._options = options
        self._link = link
        self._clock = clock
        self._claim = threading.Lock()  # only ever tried, never waited for
        self._safe_asked = 0
        self._is_sampling = False
        self.live: tuple[float | None, float | None] = (None, None)
        self.about: Message = {}

    # ------------------------------------------------------------ connection
    def connect(self) -> None:
        self._link.open()
        try:
            self.about = self.ask("connect", CONNECT_s + self._slow(CALL_s))
        except InstrumentError:
            self._link.close()
            raise
        if self.about.get("warning"):
            log.warning("%s: %s", self._name, self.about["warning"])

    def disconnect(self) -> None:
        self._link.close()
        self.about = {}

    @property
    def is_connected(self) -> bool:
        return bool(self.about)

    def ask(self, do: str, within_s: float) -> Message:
        for message in self._link.stream({"do": do}, within_s):
            if "error" in message:
                raise InstrumentError(self._name, message["error"])
            if "done" in message:
                return message["done"]
        raise InstrumentError(self._name, f"gave no answer to {do!r}")

    def heal(self) -> None:
        """A child that is gone is replaced: the fresh one finds the cell as it is, and switches it off first."""
        if self.is_connected and not self._link.is_open:
            log.warning("%s: the SDK's process of channel %d is started again", self._name, self.number)
            self.connect()

    def sample(self) -> tuple[float | None, float | None]:
        """Potential and current now; while it measures, those of the last point."""
        self._is_sampling = True  # before the look at the claim: a measurement waits for it, never it for one
        try:
            if not self._claim.locked():
                self.heal()
                now = self.ask("sample", min(CALL_s, self._options.deadline_s) + self._slow(1.0))
                self.live = now["voltage_V"], now["current_A"]
        finally:
            self._is_sampling = False
        return self.live

    # ------------------------------------------------------------ measuring
    def measure(self, technique: Technique) -> Iterator[Point]:
        if not self._claim.acquire(blocking=False):
            raise InstrumentError(self._name, f"channel {self.number} is measuring already; wait or stop it")
        asked = self._safe_asked
        try:
            while self._is_sampling:
                self._clock.sleep(0.01)
            self.heal()
        except BaseException:
            self._claim.release()
            raise
        messages = self._link.stream({"do": "measure", "technique": to_table(technique)}, self._within_s(technique))
        try:
            for message in messages:
                if "point" in message:
                    yield self._point(message["point"])
                elif "note" in message:
                    log.warning("%s, channel %d: %s", self._name, self.number, message["note"])
                elif "error" in message:
                    raise InstrumentError(self._name, message["error"])
                elif "left" in message:
                    raise InstrumentError(self._name, f"channel {self.number} was switched off while it measured")
        except GeneratorExit:
            if self._safe_asked == asked:
                self._leave(messages)
            raise
        finally:
            self._claim.release()

    def _leave(self, messages: Iterator[Message]) -> None:
        """The technique is closed: it goes to its end state, which is waited for."""
        self._link.halt("closed")
        for message in messages:
            if "error" in message:
                raise InstrumentError(self._name, message["error"])

    def _point(self, table: dict[str, Any]) -> Point:
        """Times of a spectrum's point are moved from the child's clock to the bench's."""
        if "frequency_Hz" in table:
            started_s = self._clock.monotonic() - table["duration_s"]
            point = SpectrumPoint(**{**table, "started_s": started_s})
            self.live = point.bias_V, point.dc_current_A
            return point
        point = DcPoint(**table)
        self.live = point.voltage_V, point.current_A
        return point

    def _within_s(self, technique: Technique) -> float:
        """What may pass between two points, in the wall's seconds: three times the planned, and `deadline_s`."""
        settle_s = self._options.settle_s + 2 * self._options.switch_settle_s + 1.0
        if isinstance(technique, Spectrum | GalvanostaticSpectrum):
            slowest_Hz = min(technique.frequencies_Hz)
            planned_s = max(technique.minimum_time_s, technique.minimum_cycles / slowest_Hz) * POINTS_IN_A_START
        elif isinstance(technique, OpenCircuit | ConstantCurrent | ConstantPotential):
            planned_s = technique.interval_s
        else:
            planned_s = technique.step_V / technique.scan_rate_V_s
        return self._slow(3 * (planned_s + settle_s)) + self._options.deadline_s

    def _slow(self, bench_s: float) -> float:
        return bench_s / min(self._clock.speed, 1e6)

    # ------------------------------------------------------------ safe
    def make_safe(self) -> str:
        """What was done. Raises InstrumentError when the cell is not verified off."""
        self._safe_asked += 1
        try:
            self._link.halt("safe")
            self.ask("make_safe", SAFE_s)
        except InstrumentLost as error:
            return self._again(error)
        return "cell off, read back"

    def _again(self, error: InstrumentLost) -> str:
        """A fresh child finds the cell as it is, switches it off and verifies."""
        self._link.kill()
        try:
            self.connect()
            self.ask("make_safe", SAFE_s)
        except InstrumentError as still:
            raise InstrumentError(self._name, f"channel {self.number}: {still}; before: {error}; {LIVE}") from error
        return "the SDK's process hung and was started again; cell off, read back"
