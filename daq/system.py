"""The few things that are asked of the operating system itself: processes that outlive us, and files of one's own.

`System` is what host and guard are given; tests give them another one. Windows and POSIX differ here and nowhere else.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

log = logging.getLogger(__name__)
SAME_START_S = 1.0  # two ways of asking for the start of one process agree within this
_WINDOWS_FLAGS = 0x00000200 | 0x08000000 | 0x01000000  # own group (no Ctrl-C), no console, out of the parent's job
_LAUNCH = "import subprocess, sys; subprocess.Popen(sys.argv[2:], cwd=sys.argv[1], stdin=subprocess.DEVNULL)"


@dataclass(frozen=True)
class ProcessId:
    """A process that can't be mistaken for a later one with the same number. `started_unix` as the system tells it."""

    pid: int
    started_unix: float


class System:
    """The calls, as they are. Stateless."""

    def this_process(self) -> ProcessId:
        return ProcessId(os.getpid(), psutil.Process().create_time())

    def is_alive(self, process: ProcessId) -> bool:
        return _find(process) is not None

    def children(self, process: ProcessId) -> list[ProcessId]:
        """Its children and theirs, now."""
        found = _find(process)
        if found is None:
            return []
        with suppress(psutil.Error):
            return [ProcessId(child.pid, child.create_time()) for child in found.children(recursive=True)]
        return []

    def end(self, processes: Iterable[ProcessId], patience_s: float = 0.0) -> list[ProcessId]:
        """Kill these processes and all theirs, after they had `patience_s` to end by themselves.

        Returns those that are there nevertheless.
        """
        asked = {process for one in processes for process in (one, *self.children(one))}
        found = [process for process in map(_find, asked) if process is not None]
        _, left = psutil.wait_procs(found, timeout=patience_s)
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        _, left = psutil.wait_procs(left, timeout=5.0)
        return [one for one in asked if any(one.pid == process.pid for process in left)]

    def end_at_once(self, status: int = 70) -> None:
        """End this process without another word to any of its threads: some hang."""
        os._exit(status)

    def start_detached(self, words: Sequence[str], said: Path) -> None:
        """Start Python with these words as a process outside our own tree, what it prints appended to `said`.

        A launcher starts it and ends, so that neither a terminal's hang-up nor a kill of our tree reaches it.
        Raises OSError.
        """
        said.parent.mkdir(parents=True, exist_ok=True)
        with said.open("ab") as output:
            options: dict[str, object] = (
                {"creationflags": _WINDOWS_FLAGS} if sys.platform == "win32" else {"start_new_session": True}
            )
            launcher = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", _LAUNCH, os.getcwd(), sys.executable, "-P", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **options,  # pyright: ignore[reportCallIssue, reportArgumentType]  one dict of two known shapes
            )
            if launcher.wait(timeout=30) != 0:
                raise OSError(f"could not be started; see {said}")


def write_private(path: Path, text: str) -> None:
    """A file that only its user can read, in place at once and whole. Raises OSError.

    On Windows the user's own profile folder, where these files lie, is closed to others by its inherited rights.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def _find(process: ProcessId) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started_unix) < SAME_START_S
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None
