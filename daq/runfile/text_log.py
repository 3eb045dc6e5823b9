"""`run.log`: what happened in a run as plain text, for whoever has nothing but an editor.

It is written beside `run.db` while the run goes on, and says nothing that the run file does not hold, except how steps
ended in words. A disk that refuses it does not disturb the run: the same text can be made from the run file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from daq.runfile.reader import RunFile

log = logging.getLogger(__name__)
RUN_LOG = "run.log"
COLUMNS = "UTC, local time with its offset from UTC, time since the start, level, source, what happened"


class TextLog:
    """The log of one run in `folder`. Safe to use from many threads: each line is one write."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / RUN_LOG
        self._anchor = (0.0, 0.0)
        self._file: TextIO | None = None
        try:
            self._file = self._place.open("a", encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            log.warning("no %s: %s", self._place, error)

    def head(self, head: Mapping[str, Any]) -> None:
        """The lines on top: what runs where, and what made the numbers."""
        self._write(head_text(head))

    def anchor(self, t_s: float, unix: float) -> None:
        """From here on the calendar is counted from this tie of bench time `t_s` to `unix`."""
        self._anchor = (t_s, unix)

    def line(self, t_s: float, level: str, source: str, text: str) -> None:
        self._write(line_text(self._anchor[1] + t_s - self._anchor[0], t_s, level, source, text))

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except (OSError, ValueError) as error:  # ValueError: another thread closed it
            log.warning("%s ends here: %s", self._place, error)
            self.close()


def head_text(head: Mapping[str, Any]) -> str:
    """The first lines of a log, from the facts of table `run`."""
    versions = head.get("versions") or {}
    sample = head.get("sample") or {}
    bench = (head.get("bench") or {}).get("bench") or {}
    machine = f"{head.get('host', '')} ({versions.get('platform', 'unknown system')}), process {head.get('pid', '')}"
    lines = {
        "run": head.get("id", ""),
        "procedure": head.get("procedure", ""),
        "parameters": json.dumps(head.get("parameters") or {}, ensure_ascii=False, default=str),
        "sample": sample.get("name") or ", ".join(str(one.get("name", "")) for one in sample.get("samples", [])),
        "bench": bench.get("name", ""),
        "started": head.get("started", ""),
        "machine": machine,
        "versions": ", ".join(f"{name} {one}" for name, one in versions.items() if name != "platform"),
        "columns": COLUMNS,
    }
    return "".join(f"# {key:<11}{' '.join(str(value).split())}\n" for key, value in lines.items())


def line_text(unix: float, t_s: float, level: str, source: str, text: str) -> str:
    """One entry; the lines of a text after the first are indented below it."""
    moment = datetime.fromtimestamp(max(0.0, unix), UTC)
    utc = moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    local = moment.astimezone().strftime("%H:%M:%S%z")
    first, *rest = text.rstrip().splitlines() or [""]
    below = "".join(f"    {one}\n" for one in rest)
    return f"{utc} {local} {_since(t_s)} {level:<7} {source:<14} {first}\n{below}"


def log_text(run: RunFile) -> str:
    """The log of a run made from its file: events, and between them how its steps began and ended."""
    entries = [(one.t_s, 1, one.level, one.source, one.text) for one in run.events()]
    for one in run.attempts():
        if one.started_t_s is not None:
            entries.append((one.started_t_s, 0, "info", "step", f"{one.key}: begun (attempt {one.attempt})"))
        if one.ended_t_s is not None:
            entries.append((one.ended_t_s, 2, "info", "step", f"{one.key}: {one.state} (attempt {one.attempt})"))
    entries.sort(key=lambda entry: entry[:2])
    lines = [line_text(run.unix_of(t_s), t_s, level, source, text) for t_s, _, level, source, text in entries]
    end = f"# {'outcome':<11}{run.outcome}: {' '.join(run.reason.split())}\n"
    return head_text(run.head) + "".join(lines) + end


def _since(t_s: float) -> str:
    minutes, seconds = divmod(max(0.0, t_s), 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return f"+{hours:03d}:{minutes:02d}:{min(seconds, 59.9):04.1f}"
