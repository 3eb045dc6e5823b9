"""Faults on demand: a lost reading, an open thermocouple, an overload, a hang."""

from __future__ import annotations

import logging
import threading
from typing import Literal, Self

from pydantic import Field, model_validator

from daq.clock import Clock
from daq.errors import InstrumentLost
from daq.tables import parse
from drivers.simulated.parameters import ParameterModel

log = logging.getLogger(__name__)

FaultKind = Literal["reading_lost", "measurement_lost", "thermocouple_open", "overload", "hang"]
OPEN_THERMOCOUPLE_C = 1372.0  # the top of a type K table: where controllers drive an open circuit


class Fault(ParameterModel):
    """One fault of one instrument.

    It strikes from `after_s` on (bench time since the bench was opened), for `for_s`, at most `count` times;
    once when neither is given. A hang strikes `count` calls (one), each held up for `for_s`.

    reading_lost       `read` raises InstrumentLost
    measurement_lost   a point of a measurement raises InstrumentLost
    thermocouple_open  the furnace reads 1372 degC and says so
    overload           points are flagged and clipped as in a range ten times too small
    hang               the call takes `for_s` longer
    """

    instrument: str = Field(min_length=1)
    kind: FaultKind
    after_s: float = Field(default=0.0, ge=0)
    for_s: float | None = Field(default=None, gt=0)
    count: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _a_hang_has_a_length(self) -> Self:
        if self.kind == "hang" and self.for_s is None:
            raise ValueError("a hang needs for_s, how long a call is held up")
        return self


class Faults:
    """The faults of one bench, in the order in which they were added."""

    def __init__(self, faults: tuple[Fault, ...], clock: Clock) -> None:
        self._clock = clock
        self._opened_s = clock.monotonic()
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, float, int | None]] = []  # fault, when it begins, strikes left
        for fault in faults:
            self._arm(fault, self._opened_s + fault.after_s)

    def add(
        self,
        instrument: str,
        kind: FaultKind,
        after_s: float = 0.0,
        for_s: float | None = None,
        count: int | None = None,
    ) -> None:
        """A fault from `after_s` from now on. Raises BadInput for what `Fault` does not know."""
        table = {"instrument": instrument, "kind": kind, "after_s": after_s, "for_s": for_s, "count": count}
        fault = parse(Fault, table, "simulated fault")
        self._arm(fault, self._clock.monotonic() + after_s)

    def _arm(self, fault: Fault, begins_s: float) -> None:
        once = fault.kind == "hang" or fault.for_s is None
        strikes = 1 if fault.count is None and once else fault.count
        with self._lock:
            self._left.append((fault, begins_s, strikes))

    def strikes(self, instrument: str, kind: FaultKind) -> Fault | None:
        """The fault that strikes this call, if one does; its count goes down."""
        if not self._left:
            return None
        now = self._clock.monotonic()
        with self._lock:
            for place, (fault, begins_s, strikes) in enumerate(self._left):
                if (fault.instrument, fault.kind) != (instrument, kind) or now < begins_s:
                    continue
                if kind != "hang" and fault.for_s is not None and now >= begins_s + fault.for_s:
                    continue
                if strikes == 0:
                    continue
                self._left[place] = (fault, begins_s, None if strikes is None else strikes - 1)
                log.info("simulated fault strikes: %s of %s", kind, instrument)
                return fault
        return None

    def may_strike(self, instrument: str) -> bool:
        """Whether any fault of it is left, now or later."""
        with self._lock:
            return any(fault.instrument == instrument and strikes != 0 for fault, _, strikes in self._left)

    def raise_if_lost(self, instrument: str, kind: FaultKind = "reading_lost") -> None:
        if self.strikes(instrument, kind):
            raise InstrumentLost(instrument, "no answer (simulated fault)")

    def hang(self, instrument: str) -> None:
        """Hold the call up where a hang strikes. Called without any lock held."""
        fault = self.strikes(instrument, "hang")
        if fault is not None and fault.for_s is not None:
            self._clock.sleep(fault.for_s)
