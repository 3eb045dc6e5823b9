"""What can go wrong between this computer and an instrument, as errors of the one tree (`BadReply` is there too)."""

from __future__ import annotations

from daq.errors import InstrumentError, InstrumentLost


class NoReply(InstrumentLost):
    """The port is there, the answer did not come whole within its deadline; `got` is what did."""

    def __init__(self, instrument: str, problem: str, got: bytes = b"") -> None:
        super().__init__(instrument, problem)
        self.got = got


class PortGone(InstrumentLost):
    """The port itself is not there: cable out, adapter gone, peer closed. It is opened again by itself."""


class Refused(InstrumentError):
    """The instrument understood and said no. `code` is the protocol's own."""

    def __init__(self, instrument: str, problem: str, code: int = 0) -> None:
        super().__init__(instrument, problem)
        self.code = code
