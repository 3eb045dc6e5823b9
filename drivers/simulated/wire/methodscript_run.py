"""Runs a parsed MethodSCRIPT on the cell behind: a generator of lines that are sent and of seconds that pass."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from drivers.methodscript.package import Value, read_literal, write_package
from drivers.simulated.wire.methodscript_cell import CellBehind
from drivers.simulated.wire.methodscript_program import Comparison, Program, Statement

Event: TypeAlias = str | float
COMPARE = {
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
STEP_MIN_V = 1e-4
INTERVAL_MIN_s = 0.0005
AMPLITUDE_MAX_V = 0.25


class RunError(Exception):
    """A run-time error with its `code`; told as `!HHHH: Line n, Col m`."""

    def __init__(self, code: int, line: int) -> None:
        super().__init__(f"{code:04X}")
        self.code, self.line = code, line


class _Break(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Held:
    """A variable: its type, number, and the status and range of its measurement."""

    type: str
    value: float
    status: int = 0
    range_index: int | None = None


class Interpreter:
    """`skip` set: the measurement loop that runs is left (`Y`)."""

    def __init__(self, cell: CellBehind) -> None:
        self.cell = cell
        self.skip = False
        self._held: dict[str, Held] = {}
        self._package: list[Value] | None = None
        self._timer_s = 0.0
        self._now_s = 0.0

    def run(self, program: Program) -> Iterator[Event]:
        """Raises RunError; what stands after `on_finished:` is run by `finish`, however this ended."""
        self.cell.catch_up()
        self._now_s = self.cell.world.now_s()
        yield from self._block(program.main)

    def finish(self, program: Program) -> Iterator[Event]:
        yield from self._block(program.on_finished)

    def _block(self, statements: Sequence[Statement]) -> Iterator[Event]:
        for statement in statements:
            if statement.name in ("if", "loop", "wait", "send_string") or statement.name.startswith("meas_loop_"):
                yield from self._passing(statement)
            elif statement.name == "breakloop":
                raise _Break
            elif statement.name == "pck_end":
                assert self._package is not None
                yield write_package(tuple(self._package))
                self._package = None
            else:
                self._at_once(statement)

    def _passing(self, statement: Statement) -> Iterator[Event]:
        if statement.name == "if":
            for condition, body in statement.branches:
                if condition is None or self._holds(condition):
                    yield from self._block(body)
                    return
        elif statement.name == "loop":
            yield from self._loop(statement)
        elif statement.name == "wait":
            seconds = self._number(statement.words[0])
            yield seconds
            self._now_s += seconds
            self.cell.pass_time(seconds)
        elif statement.name == "send_string":
            yield "T" + " ".join(statement.words).strip('"')
        else:
            yield from self._measurement(statement)

    def _loop(self, statement: Statement) -> Iterator[Event]:
        condition = statement.branches[0][0]
        assert condition is not None
        yield "L"
        try:
            while self._holds(condition):
                yield from self._block(statement.body)
        except _Break:
            pass
        yield "+"

    # ------------------------------------------------------------ commands that take no time
    def _at_once(self, statement: Statement) -> None:
        name, words, applied = statement.name, statement.words, self.cell.applied
        numbers = [self._number(word) for word in words if word in self._held or word[0] in "-0123456789"]
        if name == "var":
            self._held[words[0]] = Held("aa", 0.0)
        elif name in ("store_var", "copy_var", "add_var", "sub_var", "mul_var", "div_var"):
            self._arithmetic(name, words)
        elif name == "timer_start":
            self._timer_s = self._now_s
        elif name == "timer_get":
            self._held[words[0]] = Held("eb", self._now_s - self._timer_s)
        elif name == "pck_start":
            self._package = []
        elif name == "pck_add":
            one = self._held[words[0]]
            assert self._package is not None
            self._package.append(Value(one.type, one.value, one.status, one.range_index))
        elif name == "cell_on":
            applied.is_on = True
        elif name == "cell_off":
            applied.is_on = False
        elif name in ("set_e", "set_i"):
            self._set_level(name, numbers[0], statement.line)
        elif name == "set_pgstat_mode":
            self._set_mode(int(numbers[0]), statement.line)
        elif name == "set_autoranging" and words[0] in ("ba", "db"):
            applied.range_A = (numbers[0], numbers[1])

    def _arithmetic(self, name: str, words: Sequence[str]) -> None:
        target, value = words[0], self._number(words[1])
        if name == "store_var":
            self._held[target] = Held(words[2], value)
            return
        before = self._held[target]
        if name == "copy_var":  # copy_var from to
            self._held[words[1]] = before
            return
        results = {
            "add_var": before.value + value,
            "sub_var": before.value - value,
            "mul_var": before.value * value,
            "div_var": before.value / value if value else math.nan,
        }
        self._held[target] = Held(before.type, results[name])

    def _set_mode(self, mode: int, line: int) -> None:
        if self.cell.applied.is_on:
            raise RunError(0x4028, line)
        if mode == 6 and not self.cell.model.has_galvanostat:
            raise RunError(0x001B, line)
        self.cell.applied.mode = mode

    def _set_level(self, name: str, level: float, line: int) -> None:
        if (name == "set_i") != self.cell.is_galvanostat:
            raise RunError(0x0020, line)
        self._check_level(level, line)
        self.cell.applied.level = level

    def _check_level(self, level: float, line: int) -> None:
        most = self.cell.model.ranges_A[0] if self.cell.is_galvanostat else self.cell.model.voltage_max_V
        if abs(level) > most * (1 + 1e-9):
            raise RunError(0x4205 if self.cell.is_galvanostat else 0x000F, line)

    # ------------------------------------------------------------ measurement loops
    def _measurement(self, statement: Statement) -> Iterator[Event]:
        kind = statement.name.removeprefix("meas_loop_")
        self._check_mode(kind, statement.line)
        yield "M0000"
        self.skip = False
        try:
            steps = self._spectrum(statement) if kind in ("eis", "geis") else self._levels(kind, statement)
            for event in steps:
                if event is not None:
                    yield event
                    continue
                yield from self._block(statement.body)
                if self.skip:
                    break
        except _Break:
            pass
        yield "*"

    def _check_mode(self, kind: str, line: int) -> None:
        if kind == "ocp":
            if self.cell.applied.is_on:
                raise RunError(0x0014, line)
            return
        if (kind in ("cp", "lsp", "geis")) != self.cell.is_galvanostat:
            raise RunError(0x0021, line)
        if not self.cell.applied.is_on:
            raise RunError(0x4027, line)

    def _spectrum(self, statement: Statement) -> Iterator[Event | None]:
        frequency, real, imaginary, *rest = statement.words
        amplitude, first_Hz, last_Hz, count, bias = (self._number(word) for word in rest)
        model = self.cell.model
        if max(first_Hz, last_Hz) > model.frequency_max_Hz * (1 + 1e-9) or min(first_Hz, last_Hz) <= 0:
            raise RunError(0x0011, statement.line)
        if amplitude <= 0 or (not self.cell.is_galvanostat and amplitude > AMPLITUDE_MAX_V):
            raise RunError(0x0012, statement.line)
        self._check_level(bias, statement.line)
        self.cell.applied.level = bias
        for number in range(int(count)):
            part = number / (count - 1) if count > 1 else 0.0
            value_Hz = first_Hz * (last_Hz / first_Hz) ** part
            seconds = self.cell.impedance_s(value_Hz)
            yield seconds
            self._now_s += seconds
            self.cell.pass_time(seconds)
            impedance_ohm, status, range_index = self.cell.impedance(value_Hz, amplitude)
            self._held[frequency] = Held("dc", value_Hz)
            self._held[real] = Held("cc", impedance_ohm.real, status, range_index)
            self._held[imaginary] = Held("cd", impedance_ohm.imag, status, 6)
            yield None

    def _levels(self, kind: str, statement: Statement) -> Iterator[Event | None]:
        names = statement.words[: 1 if kind == "ocp" else 2]
        numbers = [self._number(word) for word in statement.words[len(names) :] if not word.startswith("nscans")]
        for level, seconds in self._stairs(kind, numbers, statement):
            if level is not None:
                self.cell.applied.level = level
            yield seconds
            self._now_s += seconds
            volts, amperes, status, range_index = self.cell.read(seconds)
            self._held[names[0]] = Held("ab", volts)
            if len(names) > 1:
                self._held[names[1]] = Held("ba", amperes, status, range_index)
            yield None

    def _stairs(
        self, kind: str, numbers: Sequence[float], statement: Statement
    ) -> Iterator[tuple[float | None, float]]:
        if kind in ("ocp", "ca", "cp"):
            interval_s, duration_s = numbers[-2:]
            self._check_interval(interval_s, statement.line)
            level = None if kind == "ocp" else numbers[0]
            if level is not None:
                self._check_level(level, statement.line)
            for _ in range(max(1, round(duration_s / interval_s))):
                yield level, interval_s
            return
        *turns, step, rate = numbers
        if kind == "cv":
            scans = _scans(statement.words[-1])
            begin, first, second = turns
            turns = [begin, *[level for _ in range(scans) for level in (first, second, begin)]]
        for level in turns:
            self._check_level(level, statement.line)
        if step < STEP_MIN_V * (1 - 1e-9) and not self.cell.is_galvanostat:
            raise RunError(0x001C, statement.line)
        seconds = step / rate
        self._check_interval(seconds, statement.line)
        yield turns[0], seconds
        for before, after in pairwise(turns):
            count = max(1, round(abs(after - before) / step)) if after != before else 0
            for number in range(1, count + 1):
                yield before + (after - before) * number / count, seconds

    def _check_interval(self, seconds: float, line: int) -> None:
        if seconds < INTERVAL_MIN_s:
            raise RunError(0x005A, line)

    # ------------------------------------------------------------ numbers
    def _number(self, word: str) -> float:
        held = self._held.get(word)
        return held.value if held is not None else read_literal(word)

    def _holds(self, condition: Comparison) -> bool:
        return COMPARE[condition.sign](self._number(condition.left), self._number(condition.right))


def _scans(word: str) -> int:
    """Of `nscans(3)`; 1 where there is no such word."""
    return int("".join(one for one in word if one.isdigit())) if word.startswith("nscans") else 1
