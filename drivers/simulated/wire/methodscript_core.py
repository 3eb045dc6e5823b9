"""A MethodSCRIPT instrument as its line protocol: commands, echoes, scripts that run by themselves, aborts.

A script runs on the world's clock whether or not anybody listens; what it sends while nobody reads is kept or lost.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from drivers.methodscript.models import Model
from drivers.simulated.wire.faults import Replies, WireFaults
from drivers.simulated.wire.methodscript_cell import CellBehind
from drivers.simulated.wire.methodscript_program import Program, ScriptError, parse_script
from drivers.simulated.wire.methodscript_run import Event, Interpreter, RunError
from drivers.simulated.world import World

REPLY_s = 0.002
LINE_BYTES_MAX = 4096
COMMUNICATION = "000000000000000000000000000000000000002F0000003FFFFF98FF00000002"
WITHOUT_GALVANOSTAT = ~(1 << 67 | 1 << 68 | 1 << 69 | 1 << 70)
SCRIPT_BITS = 0x3FFFFBFE8FFFFFFFFFFFFFFFFFFFBFFFFE
TINY_s = 1e-6
KEPT = 1000  # scripts, for whoever looks


class MethodScriptCore:
    """`pace`: seconds of the link in a second of the world. What a person does to it are methods."""

    def __init__(self, world: World, model: Model, faults: WireFaults | None = None, pace: float = 1.0) -> None:
        self.world = world
        self.model = model
        self.cell = CellBehind(world, model)
        self.faults = faults or WireFaults()
        self.pace = pace
        self.slow_abort_s = 0.0
        self.scripts: deque[list[str]] = deque(maxlen=KEPT)
        self.refused_scripts = 0
        self.is_in_bootloader = False
        self.overload_after_s: float | None = None  # a critical overload so long after a script's start
        self._buffer = b""
        self._script: list[str] | None = None
        self._is_loading = ""
        self._loaded: Program | None = None
        self._program: Program | None = None
        self._interpreter = Interpreter(self.cell)
        self._events: Iterator[Event] | None = None
        self._is_finishing = False
        self._is_halted = False
        self._resume_s = math.inf
        self._began_s = 0.0
        self._dead_until_s = -math.inf

    @property
    def is_running(self) -> bool:
        return self._events is not None

    # ------------------------------------------------------------ the line
    def feed(self, data: bytes, now: float) -> Replies:
        """Bytes received at `now`; returns replies, each with its delay in seconds."""
        replies: Replies = [(0.0, data)] if self.faults.echoed else []
        if self.faults.mute or self.world.now_s() < self._dead_until_s:
            self._buffer = b""
            return replies
        replies += self.spoken(now)
        self._buffer += data
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            for answer in self._line(line.decode("latin-1")):
                replies += self.faults.on_reply((answer + "\n").encode("latin-1"), REPLY_s)
            replies += self.spoken(now)
        self._buffer = self._buffer[-LINE_BYTES_MAX:]
        return replies

    def due_s(self, now: float) -> float:
        """When it has something to say unasked, in the link's time; inf: not before it is fed."""
        if self._events is None or self._is_halted:
            return math.inf
        return now + max(0.0, (self._resume_s - self.world.now_s()) * self.pace)

    def spoken(self, now: float) -> Replies:
        """What the running script has sent up to now."""
        replies: Replies = []
        while self._events is not None and not self._is_halted and self._resume_s <= self.world.now_s() + TINY_s:
            for line in self._advance():
                if not self.faults.mute:
                    replies += self.faults.on_reply((line + "\n").encode("latin-1"), REPLY_s)
        return replies

    # ------------------------------------------------------------ commands
    def _line(self, line: str) -> list[str]:
        if self._script is not None:
            if line:
                self._script.append(line)
                return []
            return self._whole_script()
        if line == "":
            return [""]
        if self.is_in_bootloader:
            return ["tespbl1000#x", "B*"] if line == "t" else [f"{line[0]}!0003"]
        if line in ("Z", "Y", "h", "H", "R"):
            return self._to_running(line)
        if self.is_running:
            return [f"{line[0]}!0006"]
        simple = {
            "t": [f"t{self.model.prefix}1500#Mar 12 2026 14:28:01", "R*"],
            "i": ["iSIM00B0008"],
            "v": ["v01.09.00"],
            "CC": ["C" + COMMUNICATION],
            "CM": [f"C{SCRIPT_BITS & (-1 if self.model.has_galvanostat else WITHOUT_GALVANOSTAT):064X}"],
        }
        if line in simple:
            return simple[line]
        if line in ("e", "l"):
            self._script, self._is_loading = [], line
            return []
        if line == "r":
            return self._started(self._loaded, "r") if self._loaded else ["r!000C"]
        if line[0] in "GS" and len(line) > 2:
            return [line[0]]
        return [f"{line[0]}!0003"]

    def _whole_script(self) -> list[str]:
        script, self._script = self._script or [], None
        self.scripts.append(script)
        try:
            program = parse_script(script, self.model.needs_prefix)
        except ScriptError as error:
            self.refused_scripts += 1
            return [f"{self._is_loading}!{error.code:04X}: Line {error.line}, Col {error.column}"]
        if self._is_loading == "l":
            self._loaded = program
            return ["l"]
        return self._started(program, "e")

    def _started(self, program: Program, echo: str) -> list[str]:
        self._program = program
        self._interpreter = Interpreter(self.cell)
        self._events = self._interpreter.run(program)
        self._is_finishing = self._is_halted = False
        self._began_s = self._resume_s = self.world.now_s()
        return [echo]

    def _to_running(self, line: str) -> list[str]:
        if not self.is_running:
            return [f"{line}!0006"]
        if line == "Z":
            self.cell.catch_up()
            self._finish()
            self._resume_s = self.world.now_s() + self.slow_abort_s
        elif line == "Y":
            self._interpreter.skip = True
        elif line in "hH":
            self._is_halted = line == "h"
            self._resume_s = max(self._resume_s, self.world.now_s())
        return [line]

    # ------------------------------------------------------------ the running script
    def _advance(self) -> Iterator[str]:
        """The next event: time that passes moves `_resume_s`, a line is told."""
        assert self._events is not None
        try:
            self._break_if_asked()
            event = next(self._events)
        except StopIteration:
            if self._is_finishing:
                self._end()
                yield ""
            else:
                self._finish()
        except RunError as error:
            self._finish()
            yield f"!{error.code:04X}: Line {error.line}, Col 1"
        else:
            if isinstance(event, str):
                yield event
            else:
                self._resume_s += event

    def _break_if_asked(self) -> None:
        after_s = self.overload_after_s
        if after_s is not None and self._resume_s - self._began_s >= after_s and not self._is_finishing:
            self.overload_after_s = None
            raise RunError(0x0032, 1)

    def _finish(self) -> None:
        """What stands after `on_finished:` runs, however the script came to its end."""
        assert self._program is not None
        self._is_finishing = True
        self._resume_s = min(self._resume_s, self.world.now_s())
        self._events = self._interpreter.finish(self._program)

    def _end(self) -> None:
        self._events = None
        self.world.cells.save()

    # ------------------------------------------------------------ what happens to it
    def told(self) -> str:
        """What it does, for the peer's `show`."""
        applied = self.cell.applied
        level = f"{applied.level:g} {'A' if self.cell.is_galvanostat else 'V'}" if applied.is_on else "off"
        return f"{self.model.name}, {'a script runs' if self.is_running else 'idle'}, cell {level}"

    def power_cycle(self, off_s: float = 5.0) -> None:
        """It loses power, is silent for `off_s`, and starts up with its cell off."""
        self.switch_off()
        self._dead_until_s = self.world.now_s() + off_s

    def switch_off(self) -> None:
        """What runs is gone, and the cell is off."""
        self.cell.catch_up()
        self.cell.applied.is_on = False
        self._events, self._script, self._buffer = None, None, b""
        self.world.cells.save()
