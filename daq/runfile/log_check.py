"""SQLite's write-ahead log read by itself: its frames carry checksums, and a log that breaks off has lost rows.

The format is that of https://www.sqlite.org/fileformat2.html, section 4. SQLite itself says nothing: it takes the
frames up to the first bad one and forgets the rest.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

_HEADER, _FRAME = 32, 24
_MAGIC = {0x377F0682: "little", 0x377F0683: "big"}
_MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class LogState:
    """`whole` frames in a row from the start, `committed` of them up to the last commit; `unreadable` that follow and
    belong to the same log (an older log's frames, which are written over bit by bit, are not counted)."""

    whole: int
    committed: int
    unreadable: int
    foreign: bool = False


def read_log(path: Path) -> LogState | None:
    """The state of a `run.db-wal`; None when there is none or it is empty. Raises OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if not data:
        return None
    if len(data) < _HEADER or int.from_bytes(data[:4], "big") not in _MAGIC:
        return LogState(0, 0, 0, foreign=True)
    order = _MAGIC[int.from_bytes(data[:4], "big")]
    page_bytes = int.from_bytes(data[8:12], "big")
    salts = data[16:24]
    sums = _checksum(data[:24], order, (0, 0))
    if sums != struct.unpack(">II", data[24:32]) or page_bytes < 512:
        return LogState(0, 0, 0, foreign=True)
    size = _FRAME + page_bytes
    whole = committed = 0
    frames = range(_HEADER, len(data) - size + 1, size)
    for start in frames:
        head, page = data[start : start + _FRAME], data[start + _FRAME : start + size]
        sums = _checksum(page, order, _checksum(head[:8], order, sums))
        if head[8:16] != salts or sums != struct.unpack(">II", head[16:24]):
            break
        whole += 1
        if head[4:8] != b"\0\0\0\0":
            committed = whole
    rest = [start for start in frames[whole:] if data[start + 8 : start + 16] == salts]
    return LogState(whole, committed, len(rest))


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    words = array("I", data)
    if order != _own_order():
        words.byteswap()
    one, two = sums
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two


def _own_order() -> str:
    return "little" if struct.pack("=I", 1)[0] else "big"
