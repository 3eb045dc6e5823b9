"""The last bytes on a line, with times: what an error shows, and what a test replays."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daq.errors import BadInput

Way = Literal["sent", "got", "note"]
ENTRIES_MAX = 200
ENTRY_BYTES_MAX = 256
TOLD = 40


@dataclass(frozen=True)
class Passage:
    """Bytes that passed at `t_s` (the link's own time), or a note ("opened", "lost")."""

    t_s: float
    way: Way
    data: bytes = b""
    text: str = ""

    def __str__(self) -> str:
        shown = self.text if self.way == "note" else hex_of(self.data)
        return f"{self.t_s:.4f} {self.way} {shown}"


class ByteTrace:
    """The last passages of one line, bounded in number and in size whatever a peer sends."""

    def __init__(self, entries_max: int = ENTRIES_MAX) -> None:
        self._passages: deque[Passage] = deque(maxlen=entries_max)

    def add(self, t_s: float, way: Way, data: bytes = b"", text: str = "") -> None:
        self._passages.append(Passage(t_s, way, bytes(data[:ENTRY_BYTES_MAX]), text))

    def passages(self) -> list[Passage]:
        return list(self._passages)

    def text(self, last: int = 20) -> str:
        return "\n".join(str(passage) for passage in self.passages()[-last:])

    def told(self) -> str:
        """For a run's log: what passed lately, line by line."""
        return f"the last bytes on the line:\n{self.text(TOLD)}"

    def brief(self, last: int = 4) -> str:
        """The last passages in one line, for an error's text: `> 01 03 00 7A < nothing`."""
        signs = {"sent": ">", "got": "<"}
        passed = [one for one in self.passages() if one.way != "note"][-last:]
        return " ".join(f"{signs[one.way]} {hex_of(one.data, 12)}" for one in passed)

    def save(self, path: Path) -> None:
        """One JSON object a line: `t_s`, `way`, and `hex` or `text`."""
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for one in self.passages():
                entry = {"t_s": round(one.t_s, 6), "way": one.way, "hex": one.data.hex(), "text": one.text}
                file.write(json.dumps(entry) + "\n")


def load_trace(path: Path) -> list[Passage]:
    """A trace that `ByteTrace.save` wrote. Raises BadInput for anything else."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_passage(json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"is not a recorded byte trace: {error}", place=str(path)) from error


def _passage(entry: dict[str, object]) -> Passage:
    way = entry["way"]
    if way not in ("sent", "got", "note"):
        raise ValueError(f"{way!r} is no way for bytes to go")
    return Passage(float(str(entry["t_s"])), way, bytes.fromhex(str(entry["hex"])), str(entry["text"]))


def hex_of(data: bytes | Iterable[int], at_most: int = 40) -> str:
    """`01 03 00 7A`, shortened with the number of bytes when long; 'nothing' when empty."""
    data = bytes(data)
    if not data:
        return "nothing"
    shown = " ".join(f"{byte:02X}" for byte in data[:at_most])
    return shown if len(data) <= at_most else f"{shown} ... ({len(data)} bytes)"
