"""Modbus TCP: each frame carries its question's number, so a late reply is told and thrown away."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from drivers.modbus import frames
from drivers.modbus.line import REPEATS, refusal
from drivers.transport import BadReply, NoReply, Transport


class TcpLine:
    """Modbus TCP: the transaction number tells every reply's question."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._transaction = int.from_bytes(os.urandom(2), "big")

    def owner(self) -> AbstractContextManager[None]:
        return self.transport.owner()

    def close(self) -> None:
        self.transport.close()

    def meet(self, unit: int) -> None:
        """Nothing to find out."""

    def query(self, unit: int, pdu: bytes, repeats: int = REPEATS) -> bytes:
        with self.owner():
            for attempt in range(1 + repeats):
                try:
                    return self._ask(unit, pdu)
                except (NoReply, BadReply) as error:
                    if attempt == repeats:
                        raise self.transport.explained(error) from None
        raise AssertionError("the loop returns or raises")

    def _ask(self, unit: int, pdu: bytes) -> bytes:
        transport = self.transport
        self._transaction = (self._transaction + 1) & 0xFFFF
        transport.send(frames.tcp_frame(self._transaction, unit, pdu))
        deadline = transport.deadline()
        try:
            while True:
                header = transport.receive(7, deadline)
                transaction, from_unit, length = frames.open_tcp_header(header)
                reply = transport.receive(length, deadline, after=header)
                if transaction == self._transaction:
                    break
            if from_unit != unit:
                raise frames.FrameError(f"it came from unit {from_unit}")
            code = frames.exception_code(pdu, reply)
            data = b"" if code is not None else frames.check_reply(pdu, reply)
        except frames.FrameError as error:
            self._start_anew()
            raise BadReply(transport.name, f"a reply can't be the answer: {error}") from error
        except NoReply as error:
            if error.got:
                self._start_anew()
            raise
        if code is not None:
            raise refusal(transport.name, code)
        return data

    def _start_anew(self) -> None:
        """Where the next frame starts is not known: only a new connection tells."""
        self.transport.close()
        self.transport.forgive()
        self.transport.open()
