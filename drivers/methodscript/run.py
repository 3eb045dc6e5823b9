"""One technique on one instrument: its script started, its lines read, its points told as they come."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from daq.clock import Clock
from daq.errors import InstrumentError
from drivers.methodscript.exchange import Exchange
from drivers.methodscript.models import Model
from drivers.methodscript.output import OutputReader, Package
from drivers.methodscript.points import DirectPoints, spectrum_point
from drivers.methodscript.script import Script
from drivers.techniques import DcPoint, GalvanostaticSpectrum, Point, Spectrum, SpectrumPoint, Technique
from drivers.transport import NoReply

SLICE_s = 0.2  # how long the line is owned at once: a stop waits no longer
LONGEST_SLICE_s = 5.0  # in virtual time nobody waits
HELD_s = 0.25  # after a point that may be the last, the end of its loop comes at once
LATE, SLACK_s = 3.0, 10.0


class Run:
    """Reads the output of a script that was started. `check` raises when somebody switched the cell off meanwhile."""

    def __init__(
        self, exchange: Exchange, clock: Clock, script: Script, repeats: int, check: Callable[[], None]
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._check = check
        self.reader = OutputReader(exchange.transport.name, script, repeats)
        self.is_finished = False
        self.is_at_end = False  # a reading passed a cut-off, or the last point is there

    def points(self, technique: Technique, model: Model, loops: int, bias_V: float) -> Iterator[Point]:
        if isinstance(technique, Spectrum | GalvanostaticSpectrum):
            return self._spectrum(technique, model, bias_V)
        return self._direct(technique, model, loops)

    def _direct(self, technique: Technique, model: Model, loops: int) -> Iterator[DcPoint]:
        told = DirectPoints(technique, model, loops)
        held: DcPoint | None = None
        while not self.is_finished:
            event = self._event(held is not None)
            if event == "loop ended":
                told.loop_ended()
            elif isinstance(event, Package) or event == "silent":
                if held is not None:
                    yield held
                held = None
                if isinstance(event, Package):
                    reading = told.reading(event)
                    if reading.point.ended:
                        self.is_at_end = True
                        yield reading.point
                        return
                    held = reading.point if reading.may_be_last else None
                    if held is None:
                        yield reading.point
        ended = told.why(held) if held is not None else ""
        if held is None or not ended:
            raise InstrumentError(
                self._exchange.transport.name,
                f"ended its script early, and no reading says why ({self.reader.damaged} lines were damaged); "
                "look at the instrument and run the step again",
            )
        yield held._replace(ended=ended)

    def _spectrum(
        self, technique: Spectrum | GalvanostaticSpectrum, model: Model, bias_V: float
    ) -> Iterator[SpectrumPoint]:
        started_s, count = self._clock.monotonic(), 0
        while not self.is_finished:
            event = self._event()
            if isinstance(event, Package):
                now_s = self._clock.monotonic()
                yield spectrum_point(technique, event, model, bias_V, started_s, now_s)
                started_s, count = now_s, count + 1
        if count < len(technique.frequencies_Hz):
            raise InstrumentError(
                self._exchange.transport.name,
                f"gave {count} of {len(technique.frequencies_Hz)} points of a spectrum "
                f"({self.reader.damaged} lines were damaged); measure it again",
            )

    def _event(self, is_held: bool = False) -> Package | str:
        """The next thing that matters: a package, "loop ended", "finished", or "silent" while a point is held."""
        waiting_s = LATE * self.reader.loop.point_s + SLACK_s * _at_least_one(self._clock.speed)
        deadline_s = self._clock.monotonic() + waiting_s
        while True:
            self._check()
            line = self._exchange.line(HELD_s if is_held else self._slice_s())
            if line is None and is_held:
                return "silent"
            if line is None:
                if self._clock.monotonic() > deadline_s:
                    raise NoReply(
                        self._exchange.transport.name,
                        f"told nothing for {waiting_s:.0f} s in the middle of a measurement; look at its cable",
                    )
                continue
            event = self.reader.take(line)
            if event == "finished":
                self.is_finished = True
            if event:
                return event

    def ends_by_itself(self) -> bool:
        """Whether the script ends at once, as it does after a cut-off of its own."""
        while not self.is_finished:
            line = self._exchange.line(HELD_s)
            if line is None:
                return False
            self.is_finished = self.reader.take(line) == "finished"
        return True

    def _slice_s(self) -> float:
        if math.isfinite(self._clock.speed):
            return SLICE_s
        return min(max(self.reader.loop.point_s, SLICE_s), LONGEST_SLICE_s)


def _at_least_one(speed: float) -> float:
    """What the wall is slow in, on a bench that is quickened."""
    return max(1.0, speed) if math.isfinite(speed) else 1.0
