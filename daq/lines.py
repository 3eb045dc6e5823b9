"""JSON lines on loopback between the bench's own processes: one question, one answer, as often as wanted.

A question is `{"token": …, "ask": …, "details": {…}}`, an answer `{"ok": …}` or `{"error": {…}}`. Whoever does not know
the token is hung up on. Errors of `daq.errors` arrive at the asker as what they were.
"""

from __future__ import annotations

import hmac
import json
import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from daq.errors import BadInput, BenchBusy, CellrigError

log = logging.getLogger(__name__)
LONGEST = 4 * 2**20  # bytes of a line; a plan with its tables is some kilobytes
QUIET_S = 3600.0  # a connection that asks nothing for so long is let go

Answer = Callable[[str, Mapping[str, Any]], Any]


class Unreachable(CellrigError):
    """The other process is gone, or does not answer within the deadline."""


class LineServer:
    """Answers questions on a port of its own choice, each connection in a thread. `answer` may be called by many."""

    def __init__(self, token: str, answer: Answer) -> None:
        self._server = _Server(token, answer)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="lines", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, token: str, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.token = token
        self.answer = answer

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a connection broke: %r", sys.exc_info()[1])


class _Connection(socketserver.StreamRequestHandler):
    timeout = QUIET_S
    disable_nagle_algorithm = True

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        while True:
            line = self.rfile.readline(LONGEST + 1)
            if not line.endswith(b"\n"):
                return
            try:
                asked = json.loads(line)
                known = hmac.compare_digest(str(asked["token"]), server.token)
                what, details = str(asked["ask"]), dict(asked.get("details") or {})
            except (ValueError, KeyError, TypeError):
                return
            if not known:
                return
            self.wfile.write(json.dumps(_answered(server.answer, what, details)).encode() + b"\n")


def _answered(answer: Answer, what: str, details: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": answer(what, details)}
    except CellrigError as error:
        return {"error": error_table(error)}
    except Exception as error:  # a bug in one answer must not take the host's ears away
        log.exception("the question %s failed", what)
        return {"error": {"kind": "bug", "message": f"a bug in cellrig: {error!r}"}}


def error_table(error: CellrigError) -> dict[str, str]:
    """An error as JSON: kind, message, and for bad input its problem, place and what is allowed."""
    table = {"kind": type(error).__name__, "message": str(error)}
    if isinstance(error, BadInput):
        table |= {"problem": error.problem, "place": error.place, "allowed": error.allowed}
    return table


def error_of(table: Mapping[str, str]) -> CellrigError:
    """The error that `error_table` wrote down."""
    kind = table.get("kind", "")
    if "problem" in table:
        made = BenchBusy if kind == "BenchBusy" else BadInput
        return made(table["problem"], place=table.get("place", ""), allowed=table.get("allowed", ""))
    return CellrigError(table.get("message", "it failed without a word"))


class LineClient:
    """One connection to a `LineServer`; opened when first needed, shared by threads one question at a time."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self._mutex = threading.Lock()
        self._socket: socket.socket | None = None
        self._buffer = b""

    def ask(self, what: str, timeout_s: float = 10.0, **details: Any) -> Any:
        """The answer. Raises Unreachable, or the error the other process raised."""
        question = json.dumps({"token": self._token, "ask": what, "details": details}).encode() + b"\n"
        with self._mutex:
            try:
                answered = json.loads(self._exchange(question, timeout_s))
            except (OSError, ValueError) as error:
                self._hang_up()
                raise Unreachable(f"the bench host does not answer: {error}") from error
        if "error" in answered:
            raise error_of(answered["error"])
        return answered.get("ok")

    def close(self) -> None:
        with self._mutex:
            self._hang_up()

    def _exchange(self, question: bytes, timeout_s: float) -> bytes:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=min(timeout_s, 5.0))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._buffer = b""
        self._socket.settimeout(timeout_s)
        self._socket.sendall(question)
        while b"\n" not in self._buffer:
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError("it hung up")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
