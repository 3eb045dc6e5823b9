"""`service.log`: what the service says of itself and what it was asked to do, beside the host's log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

log = logging.getLogger(__name__)
NAME = "service.log"
MOST_BYTES = 10**6  # then it becomes service.log.1, and the one before is gone


@contextmanager
def logged_to(folder: Path) -> Iterator[None]:
    """Within it warnings of everybody, and what `daq` tells besides, go into the file too; the console hears no more
    than before. A file that can't be written is no reason not to serve.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            folder / NAME, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        log.warning("no %s: %s", folder / NAME, error)
        yield
        return
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    everybody, ours = logging.getLogger(), logging.getLogger("daq")
    before = everybody.level, ours.level, [(one, one.level) for one in everybody.handlers]
    for one in everybody.handlers:
        one.setLevel(max(one.level, everybody.level))
    everybody.addHandler(file)
    everybody.setLevel(min(everybody.level, logging.WARNING))
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        everybody.removeHandler(file)
        file.close()
        everybody.setLevel(before[0])
        ours.setLevel(before[1])
        for one, level in before[2]:
            one.setLevel(level)
