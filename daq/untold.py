"""Messages that got to nobody: kept beside the queue, so that they show wherever the bench is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daq.bench import BenchConfig
from daq.bench_lock import bench_folder
from daq.clock import iso_time
from daq.host_note import QUEUE
from daq.run_queue import RunQueue


def keep(config: BenchConfig, problems: Sequence[str]) -> None:
    """What became of a message (`Notifier.on_sent`), from whichever process sent it, also after a run's end.

    Raises StorageError, BadInput where the queue's file won't take it.
    """
    queue = RunQueue(bench_folder(config) / QUEUE)
    try:
        queue.keep_untold(problems)
    finally:
        queue.close()


def in_words(untold: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each, with when it was, to the minute of this computer's time."""
    return [f"{iso_time(one['unix'])[:16].replace('T', ' ')}: {one['text']}" for one in untold]
