"""A Modbus line as drivers ask it: no reply is ever taken for the answer to another question.

An RTU reply carries neither register nor transaction number, so a late reply is a valid answer to the wrong
question. A unit is therefore *suspect* from the moment a request is sent until its reply was received whole and
alone. A suspect unit is first asked to repeat a fresh nonce (function 8); it answers in order, so what comes
before the nonce is old, and nothing old comes after it. A unit without function 8 is asked for a block of a length
that nobody else asks for, another one each time: the length of the answer tells its question as a nonce would.
"""

from __future__ import annotations

import itertools
import logging
import os
from contextlib import AbstractContextManager

from drivers.modbus import frames
from drivers.modbus.line import REPEATS, refusal
from drivers.transport import BadReply, NoReply, PortGone, Transport, hex_of

log = logging.getLogger(__name__)

MEETINGS = 3
MARKER_ADDRESS = 1
MARKER_LENGTHS = tuple(n for n in range(3, 31) if n != 10)  # words; drivers ask for 1, 2 or 10, a 2200 gives up to 32
QUIET_s = 0.6  # longer than a unit takes for its slowest answer (0.5 s)
QUIET_AT_MOST_s = 3.0
ECHO_WAIT_s = 0.15


class RtuLine:
    """A serial line with one or several units. `gap_s` is the silence before each frame (3.5 characters)."""

    def __init__(self, transport: Transport, gap_s: float = 0.0) -> None:
        self.transport = transport
        self.has_echo = False
        self.barriers = 0
        self._gap_s = gap_s
        self._quiet_since_s = 0.0
        self._suspect: set[int] = set()
        self._met: set[int] = set()
        self._no_loopback: set[int] = set()
        self._markers = itertools.cycle(MARKER_LENGTHS)

    def owner(self) -> AbstractContextManager[None]:
        return self.transport.owner()

    def close(self) -> None:
        self.transport.close()

    def meet(self, unit: int) -> None:
        """Find out whether `unit` repeats nonces, and whether the adapter echoes what is sent (two copies come)."""
        with self.owner():
            self._no_loopback.discard(unit)
            for _ in range(MEETINGS):
                try:
                    self._barrier(unit, listen_for_echo=not self._met)
                except (NoReply, BadReply):
                    continue
                self._met.add(unit)
                return
            log.info("%s: unit %d repeats no nonce; marked blocks are read instead", self.transport.name, unit)
            self._no_loopback.add(unit)

    def query(self, unit: int, pdu: bytes, repeats: int = REPEATS) -> bytes:
        with self.owner():
            for attempt in range(1 + repeats):
                try:
                    if unit in self._suspect:
                        self._clear(unit)
                    return self._ask(unit, pdu)
                except PortGone:
                    self._suspect.clear()
                    self._met.clear()
                    raise
                except (NoReply, BadReply) as error:
                    log.debug("%s: try %d: %s", self.transport.name, attempt + 1, error)
                    if attempt == repeats:
                        raise self.transport.explained(error) from None
        raise AssertionError("the loop returns or raises")

    # ------------------------------------------------------------ one exchange
    def _ask(self, unit: int, pdu: bytes) -> bytes:
        """Ask once. The unit stays suspect unless exactly its answer came, and nothing else."""
        transport = self.transport
        frame = frames.rtu_frame(unit, pdu)
        self._suspect.add(unit)
        self._send(frame)
        deadline = transport.deadline()
        got = transport.receive(5, deadline)  # the shortest reply there is: an exception, or a status
        if not self.has_echo and _is_echo(frame, got):
            # meet() heard one copy of its nonce: that was the echo, and the unit itself repeats none
            log.warning("%s: the adapter echoes what is sent; taken off from now on", transport.name)
            self.has_echo = True
            self._no_loopback.add(unit)
        if self.has_echo:
            got = self._strip_echo(frame, got, deadline)
        length = 5 if got[1] & frames.EXCEPTION_BIT else frames.reply_length(pdu) + 3
        if length > 5:
            got += transport.receive(length - 5, deadline)
        self._quiet_since_s = transport.link.now()
        extra = transport.discard()
        try:
            reply = frames.open_rtu(unit, got)
            if extra:
                raise frames.FrameError(f"{hex_of(extra)} came after it")
            code = frames.exception_code(pdu, reply)
            data = b"" if code is not None else frames.check_reply(pdu, reply)
        except frames.FrameError as error:
            raise BadReply(transport.name, f"a reply can't be the answer: {error}") from error
        self._suspect.discard(unit)
        if code is not None:
            raise refusal(transport.name, code)
        return data

    def _send(self, frame: bytes) -> None:
        link = self.transport.link
        wait_s = self._quiet_since_s + self._gap_s - link.now()
        if wait_s > 0:
            link.sleep(min(wait_s, self._gap_s))
        self.transport.discard()
        self.transport.send(frame)

    def _strip_echo(self, frame: bytes, got: bytes, deadline: float) -> bytes:
        """The first five bytes of the reply behind the echo. Raises BadReply when the echo is not what was sent."""
        transport = self.transport
        echo = got + (transport.receive(len(frame) - 5, deadline) if len(frame) > 5 else b"")
        if echo != frame:
            raise BadReply(transport.name, f"the line's echo is not what was sent (got {hex_of(echo)})")
        try:
            return transport.receive(5, deadline)
        except NoReply as error:
            raise self._silence(error.got) from error

    # ------------------------------------------------------------ after trouble
    def _clear(self, unit: int) -> None:
        """Make sure that nothing old is on its way from this unit. Raises NoReply, BadReply."""
        if unit not in self._no_loopback:
            self._barrier(unit)
        elif not self._read_marker(unit) and not self.transport.drain(QUIET_s, QUIET_AT_MOST_s):
            raise BadReply(self.transport.name, "the line never falls silent; look for a second master, or noise")
        self._suspect.discard(unit)

    def _read_marker(self, unit: int) -> bool:
        """Read a block of a length of its own; False when the unit refuses such a block. Raises NoReply."""
        transport = self.transport
        self.barriers += 1
        count = next(self._markers)
        self._suspect.add(unit)
        self._send(frames.rtu_frame(unit, frames.read_words(MARKER_ADDRESS, count)))
        deadline = transport.deadline()
        start, length, got = bytes((unit, frames.READ_WORDS, 2 * count)), 2 * count + 5, b""
        refused = frames.rtu_frame(unit, bytes((frames.READ_WORDS | frames.EXCEPTION_BIT, 2)))
        while True:
            some = transport.receive_some(length, deadline)
            if not some or transport.link.now() >= deadline:
                if got.endswith(refused):
                    return False
                raise self._silence()
            got = (got + some)[-4 * length :]
            for place in range(len(got) - length + 1):
                frame = got[place : place + length]
                if frame.startswith(start) and frames.crc16(frame[:-2]) == frame[-2:]:
                    return True

    def _barrier(self, unit: int, listen_for_echo: bool = False) -> None:
        """Ask for a fresh nonce and throw everything away until exactly this comes back. Raises NoReply."""
        transport = self.transport
        self.barriers += 1
        frame = frames.rtu_frame(unit, frames.loopback(os.urandom(2)))
        self._suspect.add(unit)
        self._send(frame)
        deadline = transport.deadline()
        copies = 2 if self.has_echo and not listen_for_echo else 1
        for _ in range(copies):
            self._await_frame(frame, deadline)
        if listen_for_echo:
            self.has_echo = self._comes_again(frame)
            if self.has_echo:
                log.info("%s: the adapter echoes what is sent; taken off", transport.name)
        self._quiet_since_s = transport.link.now()
        self._suspect.discard(unit)

    def _silence(self, got: bytes = b"") -> NoReply:
        transport = self.transport
        came = "only the adapter's echo came back, no answer" if self.has_echo else "no answer"
        return NoReply(transport.name, f"{came} on {transport.link.where} within {transport.timeout_s:g} s", got)

    def _await_frame(self, frame: bytes, deadline: float) -> None:
        transport = self.transport
        window = b""
        while window != frame:
            some = transport.receive_some(max(1, len(frame) - len(window)), deadline)
            if not some or transport.link.now() >= deadline:
                raise self._silence()
            window += some
            if len(window) >= len(frame) and window != frame:
                window = _possible_start(window, frame)

    def _comes_again(self, frame: bytes) -> bool:
        try:
            self._await_frame(frame, self.transport.deadline(ECHO_WAIT_s))
        except NoReply:
            return False
        return True


def _is_echo(frame: bytes, got: bytes) -> bool:
    """Whether a read came back as it was sent: no reply to it can look so, its third byte is the length."""
    return frame[1] == frames.READ_WORDS and got == frame[:5] and got[2] != frames.reply_length(frame[1:]) - 2


def _possible_start(window: bytes, frame: bytes) -> bytes:
    """The longest end of `window` that may be the start of `frame`."""
    for length in range(min(len(frame) - 1, len(window)), 0, -1):
        if window.endswith(frame[:length]):
            return window[-length:]
    return b""
