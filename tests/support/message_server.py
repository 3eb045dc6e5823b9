"""A web hook on this computer that takes messages, refuses them, or never answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """`received` are the messages; `status` is what it answers; while `held` it answers nothing."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self.held = threading.Event()
        self.let_go = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"json://somebody:secret-word@127.0.0.1:{self.port}/hook"

    @property
    def texts(self) -> list[str]:
        return [f"{one['title']}: {one['message']}" for one in self.received]


@contextmanager
def message_server() -> Iterator[Hook]:
    hook = Hook()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if hook.held.is_set():
                hook.let_go.wait(50)
            hook.received.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    hook.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        hook.let_go.set()
        server.shutdown()
        server.server_close()
