"""One port with one owner at a time, a deadline on every exchange, a trace, and an end to every unplugged cable.

A pymeasure Adapter, so that any pymeasure instrument can be put on it; drivers of ours use `send` and `receive`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from pymeasure.adapters import Adapter

from daq.errors import InstrumentError
from drivers.transport.errors import NoReply, PortGone
from drivers.transport.links import Link
from drivers.transport.trace import ByteTrace, hex_of

log = logging.getLogger(__name__)

TIMEOUT_s = 1.0  # a 2400 may take 0.5 s for a block: shorter time-outs make late replies
REOPEN_EVERY_s = 0.5
REPLY_BYTES_MAX = 65536


class Transport(Adapter):
    """A port kept open. `name` is the instrument's on the bench, for the errors.

    A port that fails is closed at once (`PortGone`), and opened again at the next exchange. `opened` counts the
    openings: a driver that greeted the instrument at another opening has to greet it again.
    """

    def __init__(self, link: Link, name: str, timeout_s: float = TIMEOUT_s) -> None:
        super().__init__(log=log)
        self.link = link
        self.name = name
        self.timeout_s = timeout_s
        self.trace = ByteTrace()
        self.opened = 0
        self.is_open = False
        self._lock: AbstractContextManager[object] = link.lock()
        self._failed_at_s = -math.inf
        self._failure = ""

    # ------------------------------------------------------------ the port
    @contextmanager
    def owner(self) -> Iterator[None]:
        """Own the port for one exchange, opened first where it is closed. Re-entrant. Raises PortGone."""
        with self._lock:
            self.open()
            yield

    def open(self) -> None:
        """Open the port unless it is open. Raises PortGone, at once when it failed a moment ago."""
        with self._lock:
            if self.is_open:
                return
            if self.link.now() - self._failed_at_s < REOPEN_EVERY_s:
                raise self._gone()
            try:
                self.link.open()
            except OSError as error:
                raise self._lost(error) from error
            self.is_open = True
            self.opened += 1
            self.trace.add(self.link.now(), "note", text=f"opened {self.link.where}")

    def close(self) -> None:
        """Close the port. The next exchange opens it again."""
        if not getattr(self, "is_open", False):  # also called by Adapter.__del__, on an object half built
            return
        with self._lock:
            self.is_open = False
            with suppress(OSError):
                self.link.close()
            self.trace.add(self.link.now(), "note", text="closed")

    def forgive(self) -> None:
        """Try the port at once at the next exchange, however lately it failed."""
        self._failed_at_s = -math.inf

    # ------------------------------------------------------------ bytes
    def deadline(self, timeout_s: float | None = None) -> float:
        return self.link.now() + (self.timeout_s if timeout_s is None else timeout_s)

    def send(self, data: bytes) -> None:
        """Raises PortGone."""
        try:
            self.link.write(data)
        except OSError as error:
            raise self._lost(error) from error
        self.trace.add(self.link.now(), "sent", data)

    def receive_some(self, at_most: int, deadline: float) -> bytes:
        """Whatever comes next, b"" when nothing does before the deadline. Raises PortGone."""
        try:
            got = self.link.read(at_most, max(0.0, deadline - self.link.now()))
        except OSError as error:
            raise self._lost(error) from error
        if got:
            self.trace.add(self.link.now(), "got", got)
        return got

    def receive(self, count: int, deadline: float, after: bytes = b"") -> bytes:
        """Exactly `count` bytes, of a frame that began with `after`. Raises NoReply with what came, PortGone."""
        got = self.receive_some(count, deadline)
        while len(got) < count:
            more = self.receive_some(count - len(got), deadline)
            if not more and self.link.now() >= deadline:
                raise NoReply(self.name, self._silence(after + got), after + got)
            got += more
        return got

    def receive_until(self, terminator: bytes, at_most: int, deadline: float) -> bytes:
        """Bytes up to and with `terminator`; fewer than `at_most`. Raises NoReply, PortGone."""
        got = b""
        while not got.endswith(terminator):
            more = self.receive_some(1, deadline)
            if (not more and self.link.now() >= deadline) or len(got) >= at_most:
                raise NoReply(self.name, self._silence(got), got)
            got += more
        return got

    def discard(self) -> bytes:
        """Throw away what has arrived and nobody asked for; returns it. Raises PortGone."""
        try:
            got = self.link.waiting()
        except OSError as error:
            raise self._lost(error) from error
        if got:
            self.trace.add(self.link.now(), "got", got)
        return got

    def drain(self, quiet_s: float, at_most_s: float) -> bool:
        """Throw bytes away until none came for `quiet_s`; False when that did not happen within `at_most_s`."""
        end = self.deadline(at_most_s)
        while self.receive_some(4096, self.deadline(quiet_s)):
            if self.link.now() >= end:
                return False
        return True

    def _silence(self, got: bytes) -> str:
        came = "no answer" if not got else f"only {hex_of(got)}"
        return f"{came} on {self.link.where} within {self.timeout_s:g} s"

    def explained(self, error: InstrumentError) -> InstrumentError:
        """The same error with the last bytes of the line in its text: so they come into a run's log."""
        error.args = (f"{error} (last bytes: {self.trace.brief()})",)
        return error

    def _lost(self, error: OSError) -> PortGone:
        self.close()
        self._failed_at_s, self._failure = self.link.now(), str(error)
        self.trace.add(self._failed_at_s, "note", text=f"lost: {error}")
        return self._gone()

    def _gone(self) -> PortGone:
        return PortGone(
            self.name, f"{self.link.where} is not there ({self._failure}); check cable, power and the port's name"
        )

    # ------------------------------------------------------------ pymeasure's Adapter
    def _write(self, command: str, **_: object) -> None:
        self._write_bytes((command + "\n").encode("ascii"))

    def _write_bytes(self, content: bytes, **_: object) -> None:
        with self.owner():
            self.send(content)

    def _read(self, **_: object) -> str:
        with self.owner():
            line = self.receive_until(b"\n", REPLY_BYTES_MAX, self.deadline())
        return line.decode("latin-1").rstrip("\r\n")

    def _read_bytes(self, count: int, break_on_termchar: bool, **_: object) -> bytes:
        """`count` bytes; -1: what comes until the line falls silent. Raises NoReply rather than hand out a part."""
        with self.owner():
            if break_on_termchar:
                return self.receive_until(b"\n", count if count > 0 else REPLY_BYTES_MAX, self.deadline())
            if count >= 0:
                return self.receive(count, self.deadline()) if count else b""
            got = self.receive_some(REPLY_BYTES_MAX, self.deadline())
            while len(got) < REPLY_BYTES_MAX and (more := self.receive_some(4096, self.deadline(0.05))):
                got += more
            return got

    def flush_read_buffer(self) -> None:
        with self.owner():
            self.discard()
