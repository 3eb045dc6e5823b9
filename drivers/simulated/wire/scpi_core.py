"""SCPI as an instrument reads it: lines, compound messages, short and long headers, an error queue. Strict.

IEEE 488.2: the answers to the queries of one message come in one line, separated by semicolons; a message that is
wrong somewhere is dropped from there on, and the error waits in the queue.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.simulated.wire.faults import Replies, WireFaults

LINE_BYTES_MAX = 4096
ERRORS_MAX = 100
TEXTS = {
    -102: "Syntax error",
    -109: "Missing parameter",
    -108: "Parameter not allowed",
    -113: "Undefined header",
    -200: "Execution error",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
}


class ScpiError(Exception):
    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(TEXTS[code])


@dataclass(frozen=True)
class Command:
    """`header` as manuals write it: `SOURce[1]:CURRent:VLIMit[:LEVel]`. None: it can't be asked, or not be set."""

    header: str
    ask: Callable[[Sequence[str]], str] | None = None
    put: Callable[[Sequence[str]], None] | None = None


class Device(Protocol):
    def commands(self) -> Sequence[Command]: ...
    def is_dead(self, now: float) -> bool: ...
    def begin(self) -> None:
        """A message is about to be obeyed: let the time pass in which things were as they were."""
        ...

    def latency_s(self, query: str) -> float: ...


class ScpiCore:
    """One instrument on one connection. Its error queue is the instrument's: `errors`."""

    def __init__(self, device: Device, faults: WireFaults | None = None) -> None:
        self.device = device
        self.faults = faults or WireFaults()
        self.errors: deque[int] = deque(maxlen=ERRORS_MAX)
        self.ese = 0
        own = (
            Command("*ESE", lambda _: str(self.ese), self._put_ese),
            Command("*CLS", None, lambda _: self.errors.clear()),
            Command("*OPC", lambda _: "1", lambda _: None),
            Command("*STB", lambda _: "4" if self.errors else "0"),
            Command("SYSTem:ERRor[:NEXT]", lambda _: self._next_error()),
            Command("SYSTem:ERRor:COUNt", lambda _: str(len(self.errors))),
        )
        self._commands = [(header_pattern(one.header), one) for one in (*own, *device.commands())]
        self._found: dict[str, Command | None] = {}
        self._buffer = b""

    def feed(self, data: bytes, now: float) -> Replies:
        """Bytes received at `now`; returns replies, each with its delay in seconds."""
        replies: Replies = [(0.0, data)] if self.faults.echoed else []
        if self.device.is_dead(now) or self.faults.mute:
            self._buffer = b""
            return replies
        self._buffer = (self._buffer + data)[-LINE_BYTES_MAX:]
        while b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            reply, delay_s = self._obey(line.decode("latin-1").strip())
            if reply:
                replies += self.faults.on_reply(reply.encode("ascii") + b"\n", delay_s)
        return replies

    def _obey(self, line: str) -> tuple[str, float]:
        self.device.begin()
        answers: list[str] = []
        delay_s, path = 0.0, ""
        if self.faults.strikes("refused"):
            self.errors.append(-200)
            return "", 0.0
        for part in _split(line, ";"):
            text = part.strip()
            if not text:
                continue
            try:
                header, answer = self._one(text, path)
            except ScpiError as error:
                self.errors.append(error.code)
                break
            if not header.startswith("*"):
                path = header.rpartition(":")[0]
            if answer is not None:
                answers.append(answer)
                delay_s += self.device.latency_s(header)
        return ";".join(answers), delay_s

    def _one(self, text: str, path: str) -> tuple[str, str | None]:
        """Header as it was found from the root, and the answer to a query."""
        header, _, rest = text.partition(" ")
        words = [one.strip() for one in _split(rest, ",")] if rest.strip() else []
        is_query = header.endswith("?")
        header = header.rstrip("?").upper()
        if not header.startswith((":", "*")):
            header = f"{path}:{header}" if path else header
        header = header.removeprefix(":")
        command = self._command(header)
        if command is not None and is_query and command.ask is not None:
            return header, command.ask(words)
        if command is not None and not is_query and command.put is not None:
            command.put(words)
            return header, None
        raise ScpiError(-113)

    def _command(self, header: str) -> Command | None:
        if header not in self._found:
            self._found[header] = next((one for pattern, one in self._commands if pattern.fullmatch(header)), None)
        return self._found[header]

    def _put_ese(self, words: Sequence[str]) -> None:
        self.ese = int(number(words, 0, 255))

    def _next_error(self) -> str:
        if not self.errors:
            return '0,"No error;0;0 0"'
        code = self.errors.popleft()
        return f'{code},"{TEXTS[code]};1;2026/01/01 00:00:00.000"'


def header_pattern(header: str) -> re.Pattern[str]:
    """Short form (its capitals) or long form of every word, and nothing in between."""

    def word(match: re.Match[str]) -> str:
        long = match[0]
        short = "".join(letter for letter in long if letter.isupper())
        return f"(?:{short}|{long.upper()})"

    text = re.sub(r"[A-Za-z]+", word, header.replace("*", r"\*").replace("[", "<").replace("]", ">"))
    return re.compile(text.replace("<", "(?:").replace(">", ")?"))


def number(words: Sequence[str], lowest: float, highest: float) -> float:
    """The one parameter as a number within its bounds. Raises ScpiError."""
    if not words:
        raise ScpiError(-109)
    if len(words) > 1:
        raise ScpiError(-108)
    try:
        value = float(words[0])
    except ValueError:
        raise ScpiError(-224) from None
    if not lowest <= value <= highest:
        raise ScpiError(-222)
    return value


def choice(words: Sequence[str], choices: Sequence[str]) -> str:
    """The one parameter as one of the words, in its short form; `choices` as manuals write them."""
    if not words:
        raise ScpiError(-109)
    if len(words) > 1:
        raise ScpiError(-108)
    given = words[0].strip("'\"").upper()
    for one in choices:
        if header_pattern(one).fullmatch(given):
            return "".join(letter for letter in one if not letter.islower())
    raise ScpiError(-224)


def _split(text: str, separator: str) -> list[str]:
    """At the separators that are not within quotes."""
    parts, quote = [""], ""
    for letter in text:
        if letter == separator and not quote:
            parts.append("")
            continue
        if letter in "\"'":
            quote = "" if letter == quote else quote or letter
        parts[-1] += letter
    return parts
