"""One command and its reply, on a line without check sums: shape, silence and plausibility stand in for them.

A reply that could be old is not possible after 0.6 s of silence; a temperature that jumped, or a state that
changed, is believed only when a second status says the same.
"""

from __future__ import annotations

import logging

from drivers.linkam import protocol
from drivers.linkam.protocol import Status, StatusError
from drivers.transport import BadReply, NoReply, Transport, hex_of

log = logging.getLogger(__name__)

QUIET_s = 0.6
QUIET_AT_MOST_s = 3.0
TRIES = 4
JUMP_K = 0.5
JUMP_AT_MOST_K = 1.0  # however long ago: a second question costs little, and one wrong hex digit more
AGREE_K = 0.7


class Exchange:
    """Raises NoReply, BadReply, PortGone. `fastest_K_per_min` bounds how far a temperature can have moved.

    Commands are sent `spacing_s` apart: those that follow faster than 0.2 s are lost.
    """

    def __init__(self, transport: Transport, fastest_K_per_min: float, spacing_s: float) -> None:
        self.transport = transport
        self._spacing_s = spacing_s
        self._fastest_K_per_s = fastest_K_per_min / 60
        self._suspect = True
        self._opened = 0
        self._last_sent_s = -spacing_s
        self._believed: tuple[float, Status] | None = None

    def command(self, command: bytes) -> None:
        """Send a command that is answered by CR alone. It may be sent again: all of them may be repeated."""
        for attempt in range(TRIES):
            try:
                with self.transport.owner():
                    self._prepare()
                    reply = self._ask(command, 1)
                    if reply != protocol.END:
                        raise BadReply(self.transport.name, f"answered {hex_of(reply)} to {command!r}")
                    self._suspect = False
                    return
            except (NoReply, BadReply) as error:
                if attempt == TRIES - 1:
                    raise self.transport.explained(error) from None

    def status(self) -> Status:
        """The status, believed: of the right shape, and no jump or change that a second one does not confirm."""
        with self.transport.owner():
            status = self._one_status()
            for _ in range(TRIES):
                if self._is_believable(status):
                    break
                again = self._one_status()
                if _agree(status, again):
                    break
                status = again
            else:
                raise BadReply(self.transport.name, "tells another temperature at each asking; check the cable")
            self._believed = (self.transport.link.now(), status)
            return status

    def _one_status(self) -> Status:
        for attempt in range(TRIES):
            try:
                self._prepare()
                status = protocol.read_status(self._ask(protocol.ASK_STATUS, protocol.STATUS_BYTES))
                self._suspect = False
                return status
            except StatusError as error:
                if attempt == TRIES - 1:
                    problem = BadReply(self.transport.name, f"a reply is no status: {error}")
                    raise self.transport.explained(problem) from error
            except (NoReply, BadReply) as error:
                if attempt == TRIES - 1:
                    raise self.transport.explained(error) from None
        raise AssertionError("the loop returns or raises")

    def _prepare(self) -> None:
        """After an anomaly, or on a port just opened: wait until nothing old can be on its way."""
        transport = self.transport
        if self._opened != transport.opened:
            self._opened, self._suspect = transport.opened, True
        if self._suspect and not transport.drain(QUIET_s, QUIET_AT_MOST_s):
            raise BadReply(transport.name, "the line never falls silent; check the line settings")

    def _ask(self, command: bytes, length: int) -> bytes:
        """Exactly `length` bytes; suspect until the caller has looked at them."""
        transport = self.transport
        transport.link.sleep(max(0.0, self._last_sent_s + self._spacing_s - transport.link.now()))
        transport.discard()
        self._suspect = True
        transport.send(command)
        self._last_sent_s = transport.link.now()
        reply = transport.receive(length, transport.deadline())
        extra = transport.discard()
        if extra:
            raise BadReply(transport.name, f"{hex_of(extra)} came after the answer to {command!r}")
        return reply

    def _is_believable(self, status: Status) -> bool:
        if self._believed is None:
            return False
        then_s, before = self._believed
        passed_s = self.transport.link.now() - then_s
        most_K = min(JUMP_K + self._fastest_K_per_s * passed_s, JUMP_AT_MOST_K)
        same = (status.state, status.errors) == (before.state, before.errors)
        return same and abs(status.temperature_C - before.temperature_C) <= most_K


def _agree(one: Status, other: Status) -> bool:
    near = abs(one.temperature_C - other.temperature_C) <= AGREE_K
    return near and (one.state, one.errors) == (other.state, other.errors)
