"""The command line of a MethodSCRIPT instrument: one command at a time, an echo, lines that end in LF.

There is no check sum. What a crash, an unplugged cable or a fault left behind is cleared by `resync`: whatever runs
is aborted, read to its end, and the cell switched off.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from daq.errors import InstrumentError
from drivers.methodscript.codes import IDLE, RUNS, error_in, told
from drivers.methodscript.script import OFF
from drivers.transport import BadReply, NoReply, Refused, Transport

log = logging.getLogger(__name__)

SETTLE_s = 0.1  # after an error, and after a resync (more than 50 ms)
STEP_s = 0.2
ABORT_s = 2.0
TRIES = 3
LINE_BYTES_MAX = 4096


class Exchange:
    """Lines in and out, under the transport's lock. Raises NoReply, BadReply, PortGone, Refused."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.damaged_lines = 0
        self._buffer = b""
        self._opened = 0

    # ------------------------------------------------------------ lines
    def line(self, within_s: float) -> str | None:
        """The next whole line without its end; None when none came within `within_s` of the link's time."""
        transport = self.transport
        with transport.owner():
            deadline = transport.deadline(within_s)
            while b"\n" not in self._buffer:
                got = transport.receive_some(4096, deadline)
                if not got and transport.link.now() >= deadline:
                    return None
                self._buffer = (self._buffer + got)[-LINE_BYTES_MAX:]
            line, _, self._buffer = self._buffer.partition(b"\n")
            return line.decode("latin-1").rstrip("\r")

    def send(self, *lines: str) -> None:
        with self.transport.owner():
            self.transport.send("".join(line + "\n" for line in lines).encode("ascii"))

    # ------------------------------------------------------------ commands
    def ask(self, command: str, until: str = "") -> str:
        """The reply to a short command, without its echo; lines up to the one that ends with `until`."""
        with self.transport.owner():
            self._fresh()
            problem: NoReply | BadReply | None = None
            for _ in range(TRIES):
                try:
                    self._discard()
                    self.send(command)
                    return self._reply(command, until)
                except (NoReply, BadReply) as error:
                    problem = error
                    self._quiet()
            assert problem is not None
            raise self.transport.explained(problem) from None

    def _reply(self, command: str, until: str) -> str:
        text = ""
        for _ in range(4):
            line = self._needed(self.transport.timeout_s, f"to {command!r}")
            self._refuse(line, f"{command!r}")
            text += line
            if line.endswith(until):
                break
        else:
            raise BadReply(self.transport.name, f"its answer to {command!r} does not end")
        if not text.startswith(command[0]):
            raise BadReply(self.transport.name, f"answered {text[:40]!r} to {command!r}")
        return text[1:]

    def start(self, script: Sequence[str]) -> None:
        """Send a script to be run. Raises Refused with the place of the error in it. The output is read by `line`.

        Where its echo did not come, or came damaged, the script may run nevertheless, and one before it where a blank
        line was taken for its end: what runs is aborted and the script sent again, the cell is off for a moment.
        """
        with self.transport.owner():
            self._fresh()
            problem: InstrumentError | None = None
            for _ in range(TRIES):
                try:
                    return self._started(script)
                except (NoReply, BadReply, Refused) as error:
                    if isinstance(error, Refused) and error.code != RUNS:
                        raise
                    problem = error
                    self._quiet()
                    self.resync()
            assert problem is not None
            raise NoReply(self.transport.name, str(self.transport.explained(problem)).partition(": ")[2])

    def _started(self, script: Sequence[str]) -> None:
        self._discard()
        self.send("e", *script, "")
        line = self._needed(self.transport.timeout_s + len(script) * 0.01, "to a script")
        error = error_in(line)
        if error is not None:
            self._quiet()
            place = _line_of(error[1], script)
            raise Refused(self.transport.name, f"refused a script: {told(*error)}{place}", error[0])
        if line != "e":
            raise BadReply(self.transport.name, f"answered {line[:40]!r} to a script")

    def run(self, script: Sequence[str], within_s: float = ABORT_s) -> list[str]:
        """Run a short script to its end: its lines of output. Raises Refused for an error on the way."""
        with self.transport.owner():
            self.start(script)
            return self._to_its_end(within_s)

    def _to_its_end(self, within_s: float) -> list[str]:
        lines = []
        while line := self._needed(within_s, "from a short script"):
            self._refuse(line, "a short script")
            lines.append(line)
        return lines

    # ------------------------------------------------------------ order
    def resync(self, is_kept_on: bool = False) -> bool:
        """Abort what runs, if anything does, and switch the cell off (unless `is_kept_on`). Whether something ran."""
        transport = self.transport
        with transport.owner():
            problem: NoReply | BadReply | None = None
            for _ in range(TRIES):
                try:
                    ran = self._aborted()
                    self._opened = transport.opened
                    if not is_kept_on:
                        self._started(OFF)
                        self._to_its_end(ABORT_s)
                    return ran
                except (NoReply, BadReply) as error:
                    problem = error
                    self._quiet()
            assert problem is not None
            raise transport.explained(problem) from None

    def _aborted(self) -> bool:
        """LF, then Z: answered by an error when nothing runs; else what ran is read to its blank line."""
        transport = self.transport
        self._buffer = b""
        self._discard()
        self.send("", "Z")
        end = transport.deadline(ABORT_s)
        while transport.link.now() < end:
            line = self.line(STEP_s)
            if line is None or not line.startswith("Z"):
                continue
            error = error_in(line)
            if error is not None and error[0] == IDLE:
                transport.link.sleep(SETTLE_s)
                self._discard()
                return False
            if line != "Z":
                raise BadReply(transport.name, f"answered {line[:40]!r} to the abort of a script")
            self._to_blank_line()
            return True
        raise NoReply(transport.name, f"does not answer the abort of a script within {ABORT_s:g} s")

    def _to_blank_line(self) -> None:
        end = self.transport.deadline(ABORT_s)
        while self.transport.link.now() < end:
            if self.line(STEP_s) == "":
                self.transport.link.sleep(SETTLE_s)
                self._discard()
                return
        raise NoReply(self.transport.name, f"goes on for more than {ABORT_s:g} s after its script was aborted")

    def _fresh(self) -> None:
        """On a port just opened something may run, or half a line lie: put in order first."""
        if self._opened != self.transport.opened:
            log.info("%s: the port was opened; clearing what may run", self.transport.name)
            self.resync()

    # ------------------------------------------------------------ inside
    def _needed(self, within_s: float, what: str) -> str:
        line = self.line(within_s)
        if line is None:
            raise NoReply(self.transport.name, f"no answer {what} on {self.transport.link.where}")
        return line

    def _refuse(self, line: str, what: str) -> None:
        error = error_in(line)
        if error is not None:
            self._quiet()
            raise Refused(self.transport.name, f"refused {what}: {told(*error)}", error[0])

    def _discard(self) -> None:
        self._buffer = b""
        self.transport.discard()

    def _quiet(self) -> None:
        self.transport.drain(SETTLE_s, ABORT_s)
        self._buffer = b""


def _line_of(where: str, script: Sequence[str]) -> str:
    """The line of the script that an error points at."""
    words = where.replace(",", " ").split()
    if len(words) > 1 and words[0] == "Line" and words[1].isdigit() and 0 < int(words[1]) <= len(script):
        return f": {script[int(words[1]) - 1]!r}"
    return ""
