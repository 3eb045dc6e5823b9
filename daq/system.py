"""The few things that are asked of the operating system itself: processes that outlive us, and files of one's own.

`System` is what host and guard are given; tests give them another one. Windows and POSIX differ here and nowhere else.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from daq.clock import wall_monotonic, wall_sleep

log = logging.getLogger(__name__)
SAME_START_S = 1.0  # two ways of asking for the start of one process agree within this
_OWN_GROUP, _NO_CONSOLE, _OUT_OF_JOB = 0x00000200, 0x08000000, 0x01000000  # Windows; a group of its own gets no Ctrl-C
_BELOW_NORMAL = 0x00004000
NICE = 10
LAUNCH_S = 30.0
REPLACE_S = 2.0
_LAUNCH = "import subprocess, sys; subprocess.Popen(sys.argv[2:], cwd=sys.argv[1], stdin=subprocess.DEVNULL)"


@dataclass(frozen=True)
class ProcessId:
    """A process that can't be mistaken for a later one with the same number. `started_unix` as the system tells it."""

    pid: int
    started_unix: float


class System:
    """The calls, as they are on `platform`, a value of `sys.platform`. `start` is what starts a process there."""

    def __init__(self, platform: str = sys.platform, start: Callable[..., Any] = subprocess.Popen) -> None:
        self._platform = platform
        self._start = start

    def this_process(self) -> ProcessId:
        return ProcessId(os.getpid(), psutil.Process().create_time())

    def is_alive(self, process: ProcessId) -> bool:
        return _find(process) is not None

    def is_gone(self, pid: int) -> bool:
        """Whether no process has this number, or only one that has ended and was not cleared away yet."""
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False

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
        launch = [sys.executable, "-P", "-S", "-c", _LAUNCH, os.getcwd(), sys.executable, "-P", *words]
        with said.open("ab") as output:
            launcher = self._launched(launch, {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output})
            try:
                status = launcher.wait(timeout=LAUNCH_S)
            except subprocess.TimeoutExpired:
                raise OSError(f"could not be started within {LAUNCH_S:.0f} s; see {said}") from None
        if status != 0:
            raise OSError(f"could not be started; see {said}")

    def start_aside(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Start Python with these words as a child that gives way to all others; what it prints is for the caller.

        On Windows without a console: a host has none, and one would open on the screen. Raises OSError.
        """
        files: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        if self._platform == "win32":
            files["creationflags"] = _NO_CONSOLE | _BELOW_NORMAL
        child = self._start([sys.executable, "-P", *words], **files, encoding="utf-8", errors="replace")
        if self._platform != "win32":
            with suppress(psutil.Error):  # it has ended already
                psutil.Process(child.pid).nice(NICE)
        return child

    def _launched(self, words: Sequence[str], files: dict[str, Any]) -> Any:
        """The launcher, out of reach of whatever ends us. On Windows a job that lets nobody out refuses the flag
        that asks for it (the job of a venv's own python.exe lets every child out unasked), so that it is left out then.
        """
        if self._platform != "win32":
            return self._start(words, **files, start_new_session=True)
        flags = _OWN_GROUP | _NO_CONSOLE
        try:
            return self._start(words, **files, creationflags=flags | _OUT_OF_JOB)
        except PermissionError:
            log.warning("this process may not leave its job: what it starts may end when the job does")
            return self._start(words, **files, creationflags=flags)


def write_private(path: Path, text: str) -> None:
    """A file that only its user can read, in place at once and whole. Raises OSError.

    On Windows the user's own profile folder, where these files lie, is closed to others by its inherited rights; and
    there a file that somebody reads at this moment can't be replaced, which is tried again for a while.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    until_s = wall_monotonic() + REPLACE_S
    while True:
        try:
            return os.replace(temporary, path)
        except PermissionError:
            if wall_monotonic() > until_s:
                raise
        wall_sleep(0.02)


def _find(process: ProcessId) -> psutil.Process | None:
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started_unix) < SAME_START_S
        return found if same and found.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None
