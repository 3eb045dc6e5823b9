"""The parent's side of the pipe: one child process with hard deadlines; past one it is killed, and that is said."""

from __future__ import annotations

import itertools
import json
import logging
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NoReturn, Protocol

from daq.clock import wall_monotonic
from daq.errors import InstrumentError, InstrumentLost
from drivers.autolab.halting import Why

log = logging.getLogger(__name__)
Message = dict[str, Any]
LIVE = "the cell may still be on: switch the instrument off, or unplug the cell"
STDERR_LINES = 40


class Link(Protocol):
    """To a `Service`. `stream` yields messages up to the last one; `within_s` is allowed between two of them."""

    def open(self) -> None: ...
    def stream(self, request: Message, within_s: float) -> Iterator[Message]: ...
    def halt(self, why: Why) -> None: ...
    def close(self) -> None: ...
    def kill(self) -> None: ...
    @property
    def is_open(self) -> bool: ...


class ProcessLink:
    """Raises InstrumentLost when the child is gone or was killed at a deadline; `start` is its first line."""

    def __init__(self, name: str, start: Mapping[str, Any], on_killed: Callable[[str], None] | None = None) -> None:
        self._name = name
        self._start = dict(start)
        self._process: subprocess.Popen[str] | None = None
        self._answers: dict[int, queue.Queue[Message | None]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._errors: deque[str] = deque(maxlen=STDERR_LINES)
        self._on_killed = on_killed
        self._readers: list[threading.Thread] = []

    @property
    def is_open(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def open(self) -> None:
        self.close()
        self._process = process = subprocess.Popen(
            [sys.executable, "-P", "-m", "drivers.autolab.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._errors.clear()
        self._readers = [
            threading.Thread(target=target, args=(process,), daemon=True, name=f"{self._name} pipe")
            for target in (self._read_answers, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()
        self._send(self._start)

    # ------------------------------------------------------------ talking
    def stream(self, request: Message, within_s: float) -> Iterator[Message]:
        number = next(self._numbers)
        answers: queue.Queue[Message | None] = queue.Queue()
        with self._lock:
            self._answers[number] = answers
        try:
            self._send({"id": number, **request})
            while True:
                message = self._next(answers, request["do"], within_s)
                yield message
                if message.keys() & {"done", "left", "error"}:
                    return
        finally:
            with self._lock:
                self._answers.pop(number, None)

    def halt(self, why: Why) -> None:
        self._send({"do": "halt", "why": why})

    def _next(self, answers: queue.Queue[Message | None], do: str, within_s: float) -> Message:
        process = self._process
        try:
            message = answers.get(timeout=within_s)
        except queue.Empty:
            self._killed(process, f"{do}: the SDK did not come back within {within_s:.1f} s, and was killed; {LIVE}")
        if message is None:
            detail = f" ({self._errors[-1]})" if self._errors else ""
            self._killed(process, f"{do}: the SDK's process has ended by itself{detail}; {LIVE}")
        return message

    def _killed(self, process: subprocess.Popen[str] | None, text: str) -> NoReturn:
        if process is not None and process is self._process:
            self.kill()
        log.error("%s: %s", self._name, text)
        if self._on_killed:
            self._on_killed(text)
        raise InstrumentLost(self._name, text)

    def _send(self, message: Message) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise InstrumentError(self._name, "is not connected; connect the bench first")
        try:
            with self._lock:
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
        except (OSError, ValueError) as error:
            raise InstrumentLost(self._name, f"the SDK's process is gone; {LIVE}") from error

    # ------------------------------------------------------------ reader threads
    def _read_answers(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                message: Message = json.loads(line)
            except ValueError:
                log.warning("%s: not an answer: %.200s", self._name, line)
                continue
            with self._lock:
                waiting = self._answers.get(message.pop("id", 0))
            if waiting is not None:
                waiting.put(message)
        with self._lock:
            if process is self._process:
                for waiting in self._answers.values():
                    waiting.put(None)

    def _read_errors(self, process: subprocess.Popen[str]) -> None:
        """A lost USB floods it: only the last lines are kept, and nothing is ever waited for."""
        assert process.stderr is not None
        for line in process.stderr:
            self._errors.append(line.strip()[:300])

    # ------------------------------------------------------------ ends
    def kill(self) -> None:
        """The process is gone when this returns; the cell is as it was."""
        process = self._process
        if process is not None:
            process.kill()
            self._reap(process)

    def _reap(self, process: subprocess.Popen[str]) -> None:
        """Nothing of it is left: no zombie, no pipe, no thread."""
        process.wait()
        for reader in self._readers:
            if reader is not threading.current_thread():
                reader.join(5.0)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def close(self, within_s: float = 10.0) -> None:
        """The pipe is closed, at which the child goes safe and ends; killed if it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        began_s = wall_monotonic()
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            log.error("%s: the SDK's process hung for %.0f s; %s", self._name, wall_monotonic() - began_s, LIVE)
        self._reap(process)
