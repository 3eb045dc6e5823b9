"""A bench's service that knows one word, its status, and may be away, come back, and change its token."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from daq.service.note import NAME
from daq.service.tokens import FULL
from daq.system import System

IDLE = {"state": "idle", "bench": "stub", "run": None, "instruments": [], "queue": [], "held": False, "problem": ""}


class StubService:
    """`folder`: where the bench's clients look for note and token. On one port all its life."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.token = ""

    def start(self, token: str) -> None:
        stub, self.token = self, token

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers["authorization"] == f"Bearer {stub.token}"
                told = IDLE if known else {"error": {"message": "a token is needed"}}
                body = json.dumps(told).encode()
                self.send_response(200 if known else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Answers)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._folder.mkdir(parents=True, exist_ok=True)
        note = {"process": asdict(System().this_process()), "port": self._port}
        (self._folder / NAME).write_text(json.dumps(note), encoding="utf-8")
        self.write_token()

    def write_token(self) -> None:
        (self._folder / FULL).write_text(self.token, encoding="utf-8")

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
