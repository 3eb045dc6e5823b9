"""SCPI queries whose answer can be told from any other: what pymeasure's instrument class is put on.

A query is sent between `*ESE n` and `*ESE?` (a mask that nobody uses) and asked twice in one message: an answer that
is late, doubled or damaged does not fit, and is asked for again. A reading is not taken twice: `FETCh?` repeats it.
"""

from __future__ import annotations

import logging
import re

from pymeasure.adapters import Adapter

from daq.errors import InstrumentError
from drivers.transport import BadReply, NoReply, Transport, hex_of

log = logging.getLogger(__name__)

END = b"\n"
TAGS = 256
TRIES = 4
REPLY_BYTES_MAX = 4096
QUIET_s, QUIET_AT_MOST_s = 0.2, 3.0
ERROR_QUERY = re.compile(r":?SYST:ERR\?", re.IGNORECASE)
ERROR_REPLY = re.compile(r'(-?\d+),"([^"]*)"')


class ScpiDoor(Adapter):
    """A pymeasure Adapter. Raises NoReply, BadReply, PortGone. `errors` are those that were read from its queue."""

    def __init__(self, transport: Transport, reading_s: float) -> None:
        super().__init__(log=log)
        self.transport = transport
        self.errors: list[str] = []
        self._reading_s = reading_s
        self._asked = ""
        self._tag = 0
        self._suspect = False
        self._opened = 0

    def plain(self, query: str) -> str:
        """A query on its own, as an instrument in any command language answers it: believed when told twice."""
        before: str | None = None
        for attempt in range(TRIES):
            try:
                with self.transport.owner():
                    self._prepare()
                    reply = self._exchange(query)
                    self._suspect = False
            except (NoReply, BadReply) as error:
                if attempt == TRIES - 1:
                    raise self.transport.explained(error) from None
                continue
            if reply == before:
                return reply
            before = reply
        raise BadReply(self.transport.name, f"gives another answer to {query!r} at each asking")

    def tagged(self, query: str) -> str:
        """The answer to a query, believed. Raises NoReply or BadReply after four attempts."""
        for attempt in range(TRIES):
            try:
                with self.transport.owner():
                    self._prepare()
                    return self._once(query)
            except (NoReply, BadReply) as error:
                if attempt == TRIES - 1:
                    raise self.transport.explained(error) from None
        raise AssertionError("the loop returns or raises")

    def take_errors(self) -> str:
        """What the instrument complained about since this was last asked, in one line."""
        told, self.errors = "; ".join(self.errors), []
        return told

    # ------------------------------------------------------------ one exchange
    def _once(self, query: str) -> str:
        self._tag = (self._tag + 1) % TAGS
        again = _repeat(query)
        parts = [f"*ESE {self._tag}", query, again, "*ESE?"] if again else [f"*ESE {self._tag}", query, "*ESE?"]
        reply = self._exchange(";".join(parts))
        answer = _untagged(reply, self._tag, bool(again))
        if answer is None:
            raise BadReply(self.transport.name, f"answered {reply[:80]!r} to {query!r}; that can't be its answer")
        if ERROR_QUERY.fullmatch(query):
            self._note(answer)
        self._suspect = False
        return answer

    def _note(self, answer: str) -> None:
        found = ERROR_REPLY.fullmatch(answer)
        if found is None:
            raise BadReply(self.transport.name, f"answered {answer[:80]!r} when it was asked for its errors")
        if int(found[1]):
            self.errors.append(f"{found[1]} {found[2].partition(';')[0]}")

    def _exchange(self, message: str) -> str:
        transport = self.transport
        transport.discard()
        self._suspect = True
        transport.send(message.encode("ascii") + END)
        deadline = transport.deadline(transport.timeout_s + self._reading_s)
        got = b""
        while END not in got:
            more = transport.receive_some(1, deadline)  # of more, a serial port would wait for all
            if not more and transport.link.now() >= deadline:
                came = "no answer" if not got else f"only {hex_of(got)}"
                raise NoReply(transport.name, f"{came} on {transport.link.where} within {transport.timeout_s:g} s", got)
            got += more + transport.discard()
            if len(got) > REPLY_BYTES_MAX:
                break
        line, _, extra = got.partition(END)
        extra += transport.discard()
        if extra or len(got) > REPLY_BYTES_MAX:
            raise BadReply(transport.name, f"{len(extra)} bytes too many came with the answer to {message!r}")
        try:
            return line.decode("ascii").strip()
        except UnicodeDecodeError:
            raise BadReply(transport.name, f"answered {hex_of(line)}, which is no text") from None

    def _prepare(self) -> None:
        """After an anomaly, or on a port just opened: wait until nothing old can be on its way."""
        transport = self.transport
        if self._opened != transport.opened:
            self._opened, self._suspect = transport.opened, True
        if self._suspect and not transport.drain(QUIET_s, QUIET_AT_MOST_s):
            raise BadReply(transport.name, "the line never falls silent; is something else connected to this port?")
        self._suspect = False

    # ------------------------------------------------------------ pymeasure's Adapter
    def _write(self, command: str, **_: object) -> None:
        """A query waits for its `_read`: both are one exchange."""
        if "?" in command:
            self._asked = command
            return
        with self.transport.owner():
            self._prepare()
            self.transport.send(command.encode("ascii") + END)

    def _read(self, **_: object) -> str:
        asked, self._asked = self._asked, ""
        if not asked:
            raise InstrumentError(self.transport.name, "was read without a question; please report it")
        return self.tagged(asked)

    def close(self) -> None:
        """The port is the transport's to close."""


def _repeat(query: str) -> str:
    """The same question again; empty where asking twice changes the answer."""
    if ERROR_QUERY.fullmatch(query):
        return ""
    return query.replace(":READ?", ":FETC?")


def _untagged(reply: str, tag: int, is_double: bool) -> str | None:
    body, separator, told = reply.rpartition(";")
    if not separator or told != str(tag):
        return None
    if not is_double:
        return body
    half = len(body) // 2
    return body[:half] if body[half : half + 1] == ";" and body[:half] == body[half + 1 :] else None
