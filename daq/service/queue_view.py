"""The part of the status that lies in the queue's file, made anew only when that file has changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from daq import untold
from daq.run_queue import RunQueue
from daq.service.answers import dumped


@dataclass(frozen=True)
class QueueSeen:
    """`text` is JSON of the entries that run or are ahead; `notes`: messages that got to nobody, in words."""

    version: tuple[int, int]
    text: str
    held: str
    notes: list[str]


class QueueView:
    """May be asked by many threads: a status with hundreds of plans in the queue costs what an empty one does."""

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self._mutex = threading.Lock()
        self._seen: QueueSeen | None = None

    def look(self) -> QueueSeen:
        with self._mutex:
            version = self._queue.version()  # first: what comes after it is seen at the next look
            if self._seen is None or self._seen.version != version:
                ahead: list[dict[str, Any]] = self._queue.tables(("waiting", "held", "running"))
                notes = untold.in_words(self._queue.untold)
                self._seen = QueueSeen(version, dumped(ahead), self._queue.held, notes)
            return self._seen
