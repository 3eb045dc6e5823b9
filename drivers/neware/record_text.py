"""The reply to `download`, read quickly: millions of records come back after a break, a thousand in a reply.

Rows that are all written alike are taken apart at their quotes, as the first of them says. Whatever is written
otherwise goes through the XML parser, and comes out the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from drivers.neware.messages import read_reply
from drivers.neware.xml_text import Element

NAMES = ("seqid", "stepid", "cycleid", "steptype", "testtime", "volt", "curr", "cap")
END_OF_ROWS = b"</list>"
NAME = re.compile(r'([\w.:-]+)="')


class RawRecords(NamedTuple):
    """Records as the server has them, by columns. `step_s` counts within the step, `capacity_Ah` too, as magnitudes."""

    number: list[int]
    step: list[int]
    cycle: list[int]
    kind: Sequence[str]
    step_s: list[float]
    voltage_V: list[float]
    current_A: list[float]
    capacity_Ah: list[float]


class Download(NamedTuple):
    """`header`: which test and channel the records are of."""

    header: Element
    records: RawRecords


def read_download(data: bytes, commands: tuple[str, ...]) -> Download:
    """Raises ValueError for anything else than the reply to `download`, with records that lack no number."""
    begin = data.find(b"<data")
    end = data.find(END_OF_ROWS, begin)
    if 0 <= begin < end:
        columns = _columns_of(data[begin:end].decode())
        if columns is not None:
            return Download(_header(read_reply(data[:begin] + data[end:], commands)), _records(columns))
    root = read_reply(data, commands)
    rows = list(root.iterfind("list/data"))
    try:
        columns = {name: [one.attrib[name] for one in rows] for name in NAMES}
    except KeyError as error:
        raise ValueError(f"a record lacks {error}") from None
    return Download(_header(root), _records(columns))


def _columns_of(text: str) -> Mapping[str, Sequence[str]] | None:
    """The values of NAMES; None where the rows are not all written as the first."""
    found = NAME.findall(text[: text.find(">")])
    if sorted(name for name in found if name in NAMES) != sorted(NAMES):
        return None
    cells = text.split('"')  # what stands between the values, and the values, in turn
    width = 2 * len(found)
    count, rest = divmod(len(cells) - 1, width)
    if rest or text.count("<") != count or "&" in text:
        return None  # a value would be more than it says
    inner = [rf"\s+{re.escape(name)}=" for name in found[1:]]
    first = rf"<data\s+{re.escape(found[0])}="
    if not (re.fullmatch(first, cells[0]) and re.fullmatch(r"\s*/>\s*", cells[-1])):
        return None
    if not _are_all(rf"\s*/>\s*{first}", cells[width:-1:width]):
        return None
    if not all(_are_all(pattern, cells[2 * n : -1 : width]) for n, pattern in enumerate(inner, start=1)):
        return None
    return {name: cells[2 * n + 1 :: width] for n, name in enumerate(found) if name in NAMES}


def _are_all(pattern: str, texts: Sequence[str]) -> bool:
    """Whether these are one text again and again, and of this form."""
    return not texts or (texts.count(texts[0]) == len(texts) and re.fullmatch(pattern, texts[0]) is not None)


def _records(columns: Mapping[str, Sequence[str]]) -> RawRecords:
    number, step, cycle = (list(map(int, columns[name])) for name in ("seqid", "stepid", "cycleid"))
    volt, current, capacity = (list(map(float, columns[name])) for name in ("volt", "curr", "cap"))
    step_s = [float(one) / 1e3 for one in columns["testtime"]]
    return RawRecords(number, step, cycle, columns["steptype"], step_s, volt, current, capacity)


def _header(root: Element) -> Element:
    header = root.find("download")
    if header is None:
        raise ValueError("it does not say of which test its records are")
    return header
