"""A strict parser of MethodSCRIPT: what an instrument would refuse is refused, with its code, line and column.

Strict where instruments differ: lower case, integers with a prefix, no point, no plus sign, no exponent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from drivers.methodscript.package import read_literal

SCRIPT_BYTES_MAX = 16_384
WORD = re.compile(r"\S+")
NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
VARTYPE = re.compile(r"[a-j][a-z]", re.ASCII)
COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")

# what each argument is: v variable, n number (literal or variable), p potential or current, t variable type, s text
COMMANDS = {
    "var": "d", "set_pgstat_chan": "n", "set_pgstat_mode": "n", "set_max_bandwidth": "n", "set_range": "tn",
    "set_autoranging": "tnn", "set_range_minmax": "tpp", "set_e": "p", "set_i": "p", "cell_on": "", "cell_off": "",
    "timer_start": "", "timer_get": "v", "store_var": "vnt", "copy_var": "vv", "add_var": "vn", "sub_var": "vn",
    "mul_var": "vn", "div_var": "vn", "pck_start": "", "pck_add": "v", "pck_end": "", "breakloop": "",
    "send_string": "s", "wait": "n", "abort": "",
}  # fmt: skip
MEASURING = {
    "meas_loop_eis": "vvvpnnnp", "meas_loop_geis": "vvvpnnnp", "meas_loop_lsv": "vvpppp", "meas_loop_cv": "vvpppppo",
    "meas_loop_lsp": "vvpppp", "meas_loop_ca": "vvpnn", "meas_loop_cp": "vvpnn", "meas_loop_ocp": "vnn",
}  # fmt: skip
UNKNOWN, CHARACTER, TOO_LARGE, NESTED, EARLY, ORDER = 0x4001, 0x4004, 0x4005, 0x400B, 0x4018, 0x401B
EXISTS, BOUNDS, TYPE, UNDECLARED = 0x4026, 0x4205, 0x4207, 0x420B


class ScriptError(ValueError):
    """`code`, and the `line` and `column` from 1."""

    def __init__(self, code: int, line: int, column: int = 1) -> None:
        super().__init__(f"error {code:04X} in line {line}")
        self.code, self.line, self.column = code, line, column


@dataclass(frozen=True)
class Comparison:
    left: str
    sign: str
    right: str


@dataclass
class Statement:
    """A command with its words; `body` of a loop or measurement; `branches` of an if (None: else)."""

    name: str
    words: Sequence[str] = ()
    line: int = 0
    body: list[Statement] = field(default_factory=list)
    branches: list[tuple[Comparison | None, list[Statement]]] = field(default_factory=list)


@dataclass
class Program:
    main: list[Statement]
    on_finished: list[Statement]


def parse_script(lines: Sequence[str], needs_prefix: bool = False) -> Program:
    """Raises ScriptError. `needs_prefix`: potentials and currents without a prefix are refused, as by a Pico."""
    if sum(len(line) + 1 for line in lines) > SCRIPT_BYTES_MAX:
        raise ScriptError(TOO_LARGE, len(lines))
    return _Parser(lines, needs_prefix).program()


class _Parser:
    def __init__(self, lines: Sequence[str], needs_prefix: bool) -> None:
        self._lines = lines
        self._needs_prefix = needs_prefix
        self._at = 0
        self._variables: set[str] = set()
        self._packing = 0  # 0 outside, 1 between pck_start and pck_end
        self._measuring = False
        self._depth = 0  # of loops

    def program(self) -> Program:
        main, end = self._block(("on_finished:",), may_end=True)
        finish = self._block((), may_end=True)[0] if end else []
        return Program(main, finish)

    def _block(self, ends: Sequence[str], *, may_end: bool = False) -> tuple[list[Statement], Sequence[str]]:
        """Statements up to a line that begins with one of `ends`: its words."""
        statements: list[Statement] = []
        while self._at < len(self._lines):
            text = self._lines[self._at].split("#", 1)[0]
            words = [match.group() for match in WORD.finditer(text)]
            self._at += 1
            if not words:
                continue
            if words[0] in ends:
                return statements, words
            self._characters(text)
            statements.append(self._statement(words))
        if not may_end:
            raise ScriptError(EARLY, len(self._lines))
        return statements, ()

    def _characters(self, text: str) -> None:
        if text.lstrip().startswith("send_string"):
            return
        match = re.search(r"[^a-z0-9_ \-<>=!aafpnumkMGTPEi:x]", text)
        if match is not None:
            raise ScriptError(CHARACTER, self._at, match.start() + 1)

    def _statement(self, words: list[str]) -> Statement:
        name, line = words[0], self._at
        if self._packing and name not in ("pck_add", "pck_end"):
            raise ScriptError(ORDER, line)
        if name in MEASURING:
            return self._measurement(words)
        if name == "loop":
            statement = Statement(name, words[1:], line, branches=[(self._comparison(words[1:]), [])])
            statement.body = self._looped()
            return statement
        if name == "if":
            return self._choice(words)
        if name not in COMMANDS:
            raise ScriptError(UNKNOWN, line)
        self._arguments(words, COMMANDS[name])
        if name == "breakloop" and not self._depth:
            raise ScriptError(ORDER, line)
        if name in ("pck_start", "pck_end", "pck_add"):
            if (name == "pck_start") == bool(self._packing):
                raise ScriptError(ORDER, line)
            self._packing = int(name != "pck_end")
        return Statement(name, words[1:], line)

    def _measurement(self, words: list[str]) -> Statement:
        if self._measuring:
            raise ScriptError(NESTED, self._at)
        self._arguments(words, MEASURING[words[0]])
        statement = Statement(words[0], words[1:], self._at)
        self._measuring = True
        statement.body = self._looped()
        self._measuring = False
        return statement

    def _looped(self) -> list[Statement]:
        self._depth += 1
        body, _ = self._block(("endloop",))
        self._depth -= 1
        return body

    def _choice(self, words: list[str]) -> Statement:
        statement = Statement("if", line=self._at)
        condition: Comparison | None = self._comparison(words[1:])
        while True:
            body, end = self._block(("elseif", "else", "endif"))
            statement.branches.append((condition, body))
            if end[0] == "endif":
                return statement
            condition = self._comparison(list(end[1:])) if end[0] == "elseif" else None

    def _comparison(self, words: Sequence[str]) -> Comparison:
        if len(words) != 3 or words[1] not in COMPARISONS:
            raise ScriptError(TYPE, self._at)
        for word in (words[0], words[2]):
            self._number(word, 0, is_level=False)
        return Comparison(*words)

    def _arguments(self, words: list[str], kinds: str) -> None:
        if kinds == "s":
            return
        required = kinds.rstrip("o")
        if not len(required) <= len(words) - 1 <= len(kinds):
            raise ScriptError(TYPE, self._at)
        for place, (word, kind) in enumerate(zip(words[1:], kinds, strict=False)):
            if kind == "d":
                self._declare(word)
            elif kind == "v":
                self._needs_variable(word, place)
            elif kind == "t":
                if not VARTYPE.fullmatch(word):
                    raise ScriptError(TYPE, self._at, place + 1)
            elif kind == "o":
                if re.fullmatch(r"nscans\(\d+i?\)", word) is None:
                    raise ScriptError(TYPE, self._at, place + 1)
            else:
                self._number(word, place, is_level=kind == "p")

    def _declare(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise ScriptError(CHARACTER, self._at)
        if name in self._variables:
            raise ScriptError(EXISTS, self._at)
        self._variables.add(name)

    def _needs_variable(self, word: str, place: int) -> None:
        if not NAME.fullmatch(word):
            raise ScriptError(TYPE, self._at, place + 1)
        if word not in self._variables:
            raise ScriptError(UNDECLARED, self._at, place + 1)

    def _number(self, word: str, place: int, *, is_level: bool) -> None:
        if NAME.fullmatch(word):
            self._needs_variable(word, place)
            return
        try:
            read_literal(word)
        except ValueError:
            raise ScriptError(CHARACTER, self._at, place + 1) from None
        if is_level and self._needs_prefix and word[-1].isdigit():
            raise ScriptError(BOUNDS, self._at, place + 1)
