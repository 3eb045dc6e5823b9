"""Where a core meets bytes: a pseudo-terminal (not on Windows) or a TCP port. One thread per mount, wall time."""

from __future__ import annotations

import heapq
import logging
import math
import os
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from daq.clock import wall_monotonic
from daq.errors import BadInput
from drivers.transport import Core, SpeakingCore

log = logging.getLogger(__name__)

TICK_s = 0.05
READ_BYTES = 4096


class _Stream:
    """One end that bytes come from: a master side of a pseudo-terminal, or a connection."""

    def __init__(self, core: Core, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
        self.core = core
        self._speaking = core if isinstance(core, SpeakingCore) else None
        self.read = read
        self._write = write
        self._due: list[tuple[float, int, bytes]] = []
        self._number = 0

    def take(self, data: bytes) -> None:
        now = wall_monotonic()
        self._expect(self.core.feed(data, now), now)

    def _expect(self, replies: Sequence[tuple[float, bytes]], now: float) -> None:
        for delay_s, reply in replies:
            if reply and delay_s <= 0 and not self._due:
                self._put(reply)
            elif reply:
                self._number += 1
                heapq.heappush(self._due, (now + delay_s, self._number, reply))

    def flush(self) -> float | None:
        """Send what is due; the time of the next, None when nothing waits."""
        now = wall_monotonic()
        if self._speaking is not None:
            self._expect(self._speaking.spoken(now), now)
        while self._due and self._due[0][0] <= wall_monotonic():
            self._put(heapq.heappop(self._due)[2])
        due_s = self._due[0][0] if self._due else math.inf
        if self._speaking is not None:
            due_s = min(due_s, self._speaking.due_s(now))
        return due_s if due_s < math.inf else None

    def _put(self, data: bytes) -> None:
        with suppress(OSError):  # nobody reads: the bytes are lost, as on a line
            self._write(data)


class Mount:
    """The loop that both kinds share. `close` ends it; `unplug` and `plug` are a cable pulled and put back."""

    port: str

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._streams: dict[Any, _Stream] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _add(self, source: Any, stream: _Stream) -> None:
        self._streams[source] = stream
        self._selector.register(source, selectors.EVENT_READ)

    def _remove(self, source: Any) -> None:
        self._streams.pop(source, None)
        with suppress(KeyError, ValueError, OSError):
            self._selector.unregister(source)

    def _run(self) -> None:
        wait_s = TICK_s
        while not self._closing.is_set():
            ready = self._selector.select(wait_s) if self._selector.get_map() else self._idle()
            with self._lock:
                for key, _ in ready:
                    self._ready(key.fileobj)
                due = [next_s for stream in self._streams.values() if (next_s := stream.flush()) is not None]
            wait_s = min(TICK_s, max(0.0, min(due) - wall_monotonic())) if due else TICK_s

    def _idle(self) -> list[Any]:
        self._closing.wait(TICK_s)
        return []

    def _ready(self, source: Any) -> None:
        stream = self._streams.get(source)
        if stream is None:
            return
        try:
            data = stream.read()
        except OSError:
            data = b""
        if data:
            stream.take(data)
        else:
            self._hung_up(source)

    def _hung_up(self, source: Any) -> None:
        """The other end is gone."""

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        self.unplug()
        self._selector.close()

    def unplug(self) -> None:
        """The cable is pulled."""

    def plug(self) -> None:
        """And put back."""


class PtyMount(Mount):
    """A pseudo-terminal under a stable name, `link`. Linux and macOS."""

    def __init__(self, core: Core, link: Path) -> None:
        super().__init__(f"peer on {link}")
        self.link = link
        self.port = str(link)
        self._core = core
        self._ends: tuple[int, int] | None = None
        self.plug()
        self._thread.start()

    def plug(self) -> None:
        try:
            import pty
            import tty
        except ImportError as error:
            raise BadInput("this system has no pseudo-terminals", allowed="a TCP port: --tcp") from error
        with self._lock:
            if self._ends is not None:
                return
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._ends = (master, slave)  # the slave side stays open: else the master fails whenever a client leaves
            temporary = self.link.with_name(self.link.name + ".new")
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(os.ttyname(slave))
            os.replace(temporary, self.link)
            self._add(master, _Stream(self._core, lambda: os.read(master, READ_BYTES), lambda b: os.write(master, b)))

    def unplug(self) -> None:
        with self._lock:
            if self._ends is None:
                return
            self._remove(self._ends[0])
            self.link.unlink(missing_ok=True)
            for end in self._ends:
                os.close(end)
            self._ends = None


class TcpMount(Mount):
    """A TCP port on loopback; `make_core` gives each connection its own framing."""

    def __init__(self, make_core: Callable[[], Core], port: int = 0, scheme: str = "socket") -> None:
        super().__init__(f"peer on TCP port {port}")
        self._make_core = make_core
        self._server: socket.socket | None = None
        self._number = port
        self.plug()
        self.port = f"{scheme}://127.0.0.1:{self._number}"
        self._thread.start()

    def plug(self) -> None:
        with self._lock:
            if self._server is not None:
                return
            try:
                server = socket.create_server(("127.0.0.1", self._number))
            except OSError as error:
                raise BadInput(f"the TCP port {self._number} can't be had: {error}", place="--tcp") from error
            self._number = server.getsockname()[1]
            self._server = server
            self._selector.register(server, selectors.EVENT_READ)

    def _ready(self, source: Any) -> None:
        if source is not self._server:
            super()._ready(source)
            return
        with suppress(OSError):
            connection, _ = source.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._add(connection, _Stream(self._make_core(), lambda: connection.recv(READ_BYTES), connection.sendall))

    def _hung_up(self, source: Any) -> None:
        self._remove(source)
        source.close()

    def unplug(self) -> None:
        with self._lock:
            for connection in list(self._streams):
                self._hung_up(connection)
            if self._server is not None:
                self._selector.unregister(self._server)
                self._server.close()
                self._server = None
