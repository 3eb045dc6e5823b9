"""Files as they come out of a bad moment, 300 of each: what is taken is a beginning of the truth, or nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from land_files import CODE, SCHEDULE, cycled, export

from drivers.land.folder import Export
from drivers.land.taking import Taker
from drivers.land.tests_kept import KeptTest
from drivers.roles import HandOver

TIMES = 300
ROWS = cycled(1)


def cut(text: bytes, chance: random.Random) -> bytes:
    return text[: chance.randrange(1, len(text))]


def noise(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text))
    return text[:at] + chance.randbytes(chance.randrange(1, 40)) + text[at:]


def zeros(text: bytes, chance: random.Random) -> bytes:
    """A network share's favourite: blocks that were never written."""
    at = chance.randrange(len(text) // 2)
    length = chance.randrange(16, 400)
    return text[:at] + bytes(length) + text[at + length :]


def lines_lost(text: bytes, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(2, len(lines) - 2)
    return b"".join(lines[:at] + lines[at + chance.randrange(1, 20) :])


def lines_doubled(text: bytes, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(2, len(lines) - 2)
    return b"".join(lines[: at + 1] + lines[at:])


def joined(text: bytes, chance: random.Random) -> bytes:
    lines = text.splitlines(keepends=True)
    at = chance.randrange(2, len(lines) - 2)
    lines[at] = lines[at].rstrip()
    return b"".join(lines)


@pytest.mark.parametrize("fault", [cut, noise, zeros, lines_lost, lines_doubled, joined])
def test_what_is_taken_is_a_beginning_of_the_truth(
    fault: Callable[[bytes, random.Random], bytes], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(11)
    whole = export(tmp_path / "whole.txt", ROWS).read_bytes()
    taken = 0
    for number in range(TIMES):
        path = tmp_path / "a.txt"
        path.write_bytes(fault(whole, chance))
        taker = Taker(tmp_path, 3600.0)
        test = KeptTest("x-1", CODE, 1, "cell", SCHEDULE, HandOver(1, 0.0, "me"))
        test.hand_over = None  # its start is not told: the time is not what is tried here
        taker.take([Export(path, 1, number, 0.0)], [test])
        found = taker.attached.get("x-1")
        if found is None:
            assert test.account, "set aside without a word"
            continue
        taken += 1
        table = found.table
        for row in range(len(table)):
            time_s, volt, amps, step, _ = ROWS[row]
            got = (table.time_s[row], table.voltage_V[row], table.current_A[row], found.verdict.step[row])
            assert got == (pytest.approx(time_s), pytest.approx(volt, abs=1e-4), pytest.approx(amps, abs=1e-9), step)
    record_property("taken", taken)
    assert taken < TIMES
