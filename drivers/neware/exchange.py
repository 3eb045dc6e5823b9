"""One request and its reply on the connection to BTS Client: pieces put together, never half a reply believed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, overload
from xml.sax.saxutils import escape

from daq.errors import InstrumentLost
from drivers.neware.messages import CLOSING, END_OF_REPLY, read_reply, request
from drivers.neware.xml_text import Element
from drivers.transport import BadReply, NoReply, PortGone, Transport

log = logging.getLogger(__name__)

REPLY_BYTES_MAX = 64_000_000
READ_BYTES = 1 << 18
TRIES = 3
DISCARDS = 64  # a late second copy of a reply is long
AGAIN_AFTER_s = 1.0
T = TypeVar("T")
Read = Callable[[bytes, tuple[str, ...]], T]  # of a reply's bytes, and the names its command may have
OTHER_SPELLINGS = {"download_resp": ("donwload_resp",), "downloadlog_resp": ("donwloadlog_resp",)}


class Exchange:
    """Raises NoReply, BadReply, PortGone. Logs in again after every opening of the connection."""

    def __init__(self, transport: Transport, username: str, password: str) -> None:
        self.transport = transport
        self._login = f"<username>{escape(username)}</username><password>{escape(password)}</password><type>bfgs</type>"
        self._greeted = 0

    @overload
    def ask(self, command: str, body: str = "") -> Element: ...
    @overload
    def ask(self, command: str, body: str, read: Read[T]) -> T: ...
    def ask(self, command: str, body: str = "", read: Read[Any] = read_reply) -> Any:
        """The reply to a request that may be repeated, as `read` gives it (which raises ValueError where it can't)."""
        for attempt in range(TRIES):
            try:
                return self._once(command, body, read)
            except PortGone as error:
                if attempt == TRIES - 1:
                    raise self._not_there(error) from error
            except (NoReply, BadReply):
                if attempt == TRIES - 1:
                    raise
            self.transport.link.sleep(AGAIN_AFTER_s)
        raise AssertionError("the loop returns or raises")

    def ask_once(self, command: str, body: str = "") -> Element:
        """The reply to a request that must not be repeated blindly. Nothing was sent when it raises PortGone first."""
        return self._once(command, body, read_reply)

    def _once(self, command: str, body: str, read: Read[T]) -> T:
        transport = self.transport
        with transport.owner():
            if self._greeted != transport.opened:
                self._greet()
            return self._pass(command, body, read)

    def _not_there(self, error: PortGone) -> PortGone:
        return PortGone(
            self.transport.name,
            "BTS Client does not answer; is it running, and in API mode (Help, Mode settings, then restart it)? "
            f"What the tester runs goes on by itself ({error})",
        )

    def _greet(self) -> None:
        opened = self.transport.opened
        said = self._pass("connect", self._login, read_reply).findtext("result", "").strip()
        if said != "ok":
            raise BadReply(
                self.transport.name, f"BTS Client refuses the login ({said!r}); check username and password in it"
            )
        self._greeted = opened

    def _pass(self, command: str, body: str, read: Read[T]) -> T:
        """A reply that came late, cut or foreign leaves the connection unusable: it is closed, and opened anew."""
        transport = self.transport
        for _ in range(DISCARDS):
            if not transport.discard():
                break
        transport.send(request(command, body))
        wanted = f"{command}_resp"
        try:
            return read(self._receive(), (wanted, *OTHER_SPELLINGS.get(wanted, ())))
        except ValueError as error:
            transport.close()
            text = f"a reply to {command!r} can't be used: {error}; is this the port of BTS Client?"
            raise transport.explained(BadReply(transport.name, text)) from error
        except InstrumentLost:
            transport.close()
            raise

    def _receive(self) -> bytes:
        transport = self.transport
        deadline = transport.deadline()
        got = bytearray()
        while True:
            piece = transport.receive_some(READ_BYTES, deadline)
            looked_at = max(0, len(got) - len(CLOSING))
            got += piece
            end = got.find(CLOSING, looked_at)
            if end >= 0 and got.find(END_OF_REPLY, end) >= 0:
                return bytes(got)
            if len(got) > REPLY_BYTES_MAX:
                raise ValueError("it never ends")
            if not piece and transport.link.now() >= deadline:
                came = f"only {len(got)} bytes of an answer" if got else "no answer"
                raise NoReply(
                    transport.name,
                    f"{came} from BTS Client at {transport.link.where} within {transport.timeout_s:g} s; "
                    "look whether it hangs, has run out of memory, or is something else (502 is Modbus's port too); "
                    "the tests on the tester go on",
                    bytes(got[:200]),
                )
