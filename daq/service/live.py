"""A run as it grows, for many who watch: one thread looks at the file, each watcher gets what is new to it.

A watcher is at a cursor: the last id it has of each stream and of the events. What it is told carries the cursor that
is reached with it, so whoever comes back with that cursor misses nothing and gets nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from daq.errors import BadInput, CellrigError
from daq.runfile.reader import RunFile
from daq.service.answers import dumped

log = logging.getLogger(__name__)
LOOK_S = 0.01  # only while somebody watches: 2 % of a core, half of what it takes a row to get to a client
OUTCOME_LOOKS = 100  # the outcome is asked for once in so many looks
CHUNK = 2000  # rows of a stream that are told at once
WAITING = 200  # chunks that a slow watcher may be behind; then it reads the file itself
ALIVE_S = 10.0
EVENTS = "event"  # no stream has this name


@dataclass(frozen=True)
class Chunk:
    """Rows first to last of one stream. `text` is its data line, made once for all watchers."""

    stream: str
    first: int
    last: int
    text: str


def parse_cursor(text: str) -> dict[str, int]:
    """`temperature:120,event:3` as a mapping. Raises BadInput."""
    cursor: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.rpartition(":")
        if not name or not number.isdigit():
            raise BadInput(f"{part!r} is no cursor", place="after", allowed="stream:id, as in temperature:120,event:3")
        cursor[name] = int(number)
    return cursor


def cursor_text(cursor: dict[str, int]) -> str:
    return ",".join(f"{name}:{number}" for name, number in sorted(cursor.items()))


def read_chunks(run: RunFile, cursor: dict[str, int]) -> list[Chunk]:
    """What lies behind the cursor, at most CHUNK rows of each stream."""
    found: list[Chunk] = []
    for stream in run.streams():
        after = cursor.get(stream.name, 0)
        if stream.rows > after:
            rows = run.rows(stream.name, after, CHUNK)
            columns = ["id", "step", "attempt", "t_s", *stream.columns]
            text = dumped({"stream": stream.name, "columns": columns, "rows": rows})
            found.append(Chunk(stream.name, rows[0][0], rows[-1][0], text))
    events = run.events(cursor.get(EVENTS, 0))
    if events:
        text = dumped({"events": [vars(one) for one in events]})
        found.append(Chunk(EVENTS, events[0].id, events[-1].id, text))
    return found


@dataclass(eq=False)
class _Watcher:
    queue: asyncio.Queue[Chunk | str] = field(default_factory=lambda: asyncio.Queue(WAITING))
    behind: bool = False

    def put(self, what: Chunk | str) -> None:
        """In the loop's thread."""
        try:
            self.queue.put_nowait(what)
        except asyncio.QueueFull:
            self.behind = True  # it finds the rest in the file
            if isinstance(what, str):  # but not the end, which is said once
                self.queue.get_nowait()
                self.queue.put_nowait(what)


class Tail:
    """One run that is watched; its thread lives as long as somebody watches."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._watchers: set[_Watcher] = set()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    async def follow(self, cursor: dict[str, int]) -> AsyncIterator[str]:
        """Server-sent events from the cursor on, until the run has ended and all of it was told."""
        watcher = _Watcher()
        self._enter(watcher)
        try:
            async for text in self._caught_up(cursor):
                yield text
            while True:
                try:
                    what = await asyncio.wait_for(watcher.queue.get(), ALIVE_S)
                except TimeoutError:
                    yield ": alive\n\n"
                    continue
                if isinstance(what, str) or watcher.behind or _leaves_a_gap(what, cursor):
                    watcher.behind = False
                    async for text in self._caught_up(cursor):
                        yield text
                if isinstance(what, str):
                    yield _message("end", what, cursor)
                    return
                if what.first == cursor.get(what.stream, 0) + 1:
                    cursor[what.stream] = what.last
                    yield _message(_kind(what), what.text, cursor)
        finally:
            self._leave(watcher)

    async def _caught_up(self, cursor: dict[str, int]) -> AsyncIterator[str]:
        """From the file, chunk by chunk, until there is nothing more at this moment."""
        while True:
            chunks = await asyncio.to_thread(_read, self.path, dict(cursor))
            for chunk in chunks:
                cursor[chunk.stream] = chunk.last
                yield _message(_kind(chunk), chunk.text, cursor)
            if not any(chunk.last - chunk.first >= CHUNK - 1 for chunk in chunks):
                return

    def _enter(self, watcher: _Watcher) -> None:
        self._watchers.add(watcher)
        if self._thread is None or not self._thread.is_alive():
            self._stop = threading.Event()
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._look, args=(loop, self._stop), name="tail", daemon=True)
            self._thread.start()

    def _leave(self, watcher: _Watcher) -> None:
        self._watchers.discard(watcher)
        if not self._watchers:
            self._stop.set()
            self._thread = None

    @property
    def is_watched(self) -> bool:
        return bool(self._watchers)

    # ------------------------------------------------------------ the thread
    def _look(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        def tell(what: Chunk | str) -> None:
            for watcher in list(self._watchers):
                watcher.put(what)

        try:
            with RunFile.open(self.path) as run:
                cursor = {stream.name: stream.rows for stream in run.streams()}
                cursor[EVENTS] = max((one.id for one in run.events()), default=0)
                changes = -1
                for look in count():
                    now = run.changes()
                    if now != changes:
                        changes = now
                        for chunk in read_chunks(run, cursor):
                            cursor[chunk.stream] = chunk.last
                            loop.call_soon_threadsafe(tell, chunk)
                    if look % OUTCOME_LOOKS == 0 and run.outcome != "running":
                        loop.call_soon_threadsafe(tell, dumped({"outcome": run.outcome, "reason": run.reason}))
                        return
                    if stop.wait(LOOK_S):
                        return
        except CellrigError as error:
            log.warning("%s: %s", self.path, error)
            loop.call_soon_threadsafe(tell, dumped({"outcome": "unreadable", "reason": str(error)}))
        except RuntimeError:  # the loop is closed: the service ends
            log.debug("nobody listens any more", exc_info=True)


def _read(path: Path, cursor: dict[str, int]) -> list[Chunk]:
    with suppress(CellrigError), RunFile.open(path) as run:
        return read_chunks(run, cursor)
    return []


def _leaves_a_gap(chunk: Chunk, cursor: dict[str, int]) -> bool:
    return chunk.first > cursor.get(chunk.stream, 0) + 1 or (chunk.first <= cursor.get(chunk.stream, 0) < chunk.last)


def _kind(chunk: Chunk) -> str:
    return "events" if chunk.stream == EVENTS else "rows"


def _message(kind: str, text: str, cursor: dict[str, int]) -> str:
    return f"id: {cursor_text(cursor)}\nevent: {kind}\ndata: {text}\n\n"


class Tails:
    """One tail for each run that is watched."""

    def __init__(self) -> None:
        self._tails: dict[Path, Tail] = {}

    def of(self, path: Path) -> Tail:
        self._tails = {one: tail for one, tail in self._tails.items() if tail.is_watched or one == path}
        return self._tails.setdefault(path, Tail(path))
