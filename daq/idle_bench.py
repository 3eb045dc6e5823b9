"""The bench between runs: connected when somebody wants to look at it or to work it by hand, let go before a run."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from daq.bench import Bench
from daq.clock import wall_monotonic
from daq.contracts import Instrument, Settable, Snapshot
from daq.errors import BadInput, CellrigError, InstrumentError
from daq.in_time import Hangs, in_time
from daq.safety import SafeOutcome, make_all_safe

log = logging.getLogger(__name__)
T = TypeVar("T")
CONNECT_S, CALL_S = 180.0, 30.0  # of the wall's time
COMMANDS = "set_target (target_C, ramp_K_per_min), hold, make_safe"


class IdleBench:
    """`make` builds the bench, unconnected. Only `states` may be called while another call is under way."""

    def __init__(self, make: Callable[[], Bench]) -> None:
        self._make = make
        self._bench: Bench | None = None
        self._connected: dict[str, str] = {}  # name: identity
        self._readings: dict[str, tuple[float, Snapshot]] = {}
        self._problems: dict[str, str] = {}
        self._states: dict[str, dict[str, Any]] = {}

    def connect(self, name: str, on: bool) -> None:
        """Connect to this instrument, or let it go. Raises BadInput, InstrumentError."""
        instrument = self._instrument(name)
        if on and name not in self._connected:
            self._in_time(name, CONNECT_S, instrument.connect, "connecting")
            self._connected[name] = instrument.identity().text
            self.sample()
        elif not on and name in self._connected:
            del self._connected[name]
            self._states = {key: state for key, state in self._states.items() if key != name}
            self._in_time(name, CALL_S, instrument.disconnect, "disconnecting")

    def states(self) -> dict[str, dict[str, Any]]:
        """Of each connected instrument: identity, and of its last reading values, faults and age_s."""
        return dict(self._states)

    def sample(self) -> None:
        """Read every connected instrument; a reading that fails is a fault."""
        for name in list(self._connected):
            try:
                snapshot = self._in_time(name, CALL_S, self._instrument(name).read, "a reading")
                self._readings[name] = (wall_monotonic(), snapshot)
                self._problems.pop(name, None)
            except Hangs as error:  # asked once more, it would hang once more
                log.error("%s", error)
                self._connected.pop(name, None)
            except InstrumentError as error:
                self._problems[name] = str(error)
        self._states = {name: self._state(name) for name in list(self._connected)}

    def manual(self, name: str, command: str, values: Mapping[str, Any]) -> str:
        """Work one instrument by hand; returns what was done. Raises BadInput, InstrumentError."""
        try:
            return self._manual(name, command, values)
        finally:
            self.sample()

    def _manual(self, name: str, command: str, values: Mapping[str, Any]) -> str:
        if command not in ("set_target", "hold", "make_safe"):
            raise BadInput(f"there is no command {command!r}", place=name, allowed=COMMANDS)
        self.connect(name, True)
        instrument = self._instrument(name)
        if command == "make_safe":
            report = self._in_time(
                name, instrument.safe_within_s + CALL_S, lambda: instrument.make_safe("stopped"), "making safe"
            )
            return f"{report.text}{'' if report.verified else ' (not verified: look at it)'}"
        if not isinstance(instrument, Settable):
            raise BadInput(f"the instrument has no {command}", place=name, allowed="make_safe")
        if command == "hold":
            self._in_time(name, CALL_S, instrument.hold, "holding")
            return "it holds where it is"
        return self._in_time(name, CALL_S, lambda: _set_target(name, instrument, values), "setting")

    def make_safe(self) -> list[SafeOutcome]:
        """All of them, those that were not connected too."""
        outcomes = []
        for name in self._open().instruments:
            try:
                self.connect(name, True)
            except CellrigError as error:
                outcomes.append(SafeOutcome(name, False, f"NOT SAFE, look at it now: {error}"))
        bench = self._open()
        there = {name: bench.instruments[name] for name in self._connected}
        return outcomes + make_all_safe(there, bench.clock, "stopped")

    def close(self) -> None:
        """Let everything go; a run, or nobody, has the bench now."""
        bench, self._bench = self._bench, None
        self._connected.clear()
        self._readings.clear()
        self._states = {}
        if bench is not None:
            bench.close()

    def _in_time(self, name: str, seconds: float, call: Callable[[], T], what: str) -> T:
        """`call` with a deadline on the wall: one that hangs must not hold up the host. Raises Hangs."""
        clock = self._open().clock
        return in_time(clock, seconds * clock.speed, call, name, what)

    def _open(self) -> Bench:
        if self._bench is None:
            self._bench = self._make()
        return self._bench

    def _instrument(self, name: str) -> Instrument:
        instruments = self._open().instruments
        if name not in instruments:
            raise BadInput(f"there is no instrument {name!r}", place="bench", allowed=", ".join(instruments))
        return instruments[name]

    def _state(self, name: str) -> dict[str, Any]:
        kept = self._readings.get(name)
        faults = [self._problems[name]] if name in self._problems else list(kept[1].faults if kept else ())
        return {
            "identity": self._connected[name],
            "connected": True,
            "values": dict(kept[1].values) if kept else {},
            "faults": faults,
            "age_s": wall_monotonic() - kept[0] if kept else None,
        }


def _set_target(name: str, instrument: Settable, values: Mapping[str, Any]) -> str:
    target, ramp = _number(name, values, "target_C"), _number(name, values, "ramp_K_per_min")
    if target is None:
        raise BadInput("a set point is missing", place=name, allowed="target_C, a number in °C")
    instrument.set_target(target, ramp)
    return f"it goes to {target:g} °C" + (f" at {ramp:g} K/min" if ramp is not None else "")


def _number(name: str, values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{key} = {value!r} is no number", place=name)
    return float(value)
