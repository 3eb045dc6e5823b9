"""Files as they come out of a bad moment, 300 of each: what is taken is a beginning of the truth, or nothing."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from land_files import CODE, SCHEDULE, cycled, export

from drivers.land.folder import Export
from drivers.land.taking import Attached, Taker
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


FAULTS = [cut, noise, zeros, lines_lost, lines_doubled, joined]
Fault = Callable[[bytes, random.Random], bytes]


def study(fault: Fault, folder: Path) -> tuple[int, int, int]:
    """Of TIMES files: taken to where it was whole, set aside with a word, and those with a wrong row or no word."""
    chance = random.Random(11)
    whole = export(folder / "whole.txt", ROWS).read_bytes()
    taken = aside = wrong = 0
    for number in range(TIMES):
        path = folder / "a.txt"
        path.write_bytes(fault(whole, chance))
        taker = Taker(folder, 3600.0, time.time)
        test = KeptTest("x-1", CODE, 1, "cell", SCHEDULE, HandOver(1, 0.0, "me"))
        test.hand_over = None  # its start is not told: the time is not what is tried here
        taker.take([Export(path, 1, number, 0.0)], [test])
        found = taker.attached.get("x-1")
        if found is None:
            aside, wrong = (aside + 1, wrong) if test.account else (aside, wrong + 1)
        elif is_beginning(found):
            taken += 1
        else:
            wrong += 1
    return taken, aside, wrong


def is_beginning(found: Attached) -> bool:
    """Whether each row that was taken is the row that was written there."""
    table = found.table
    for row in range(len(table)):
        time_s, volt, amps, step, _ = ROWS[row]
        got = (table.time_s[row], table.voltage_V[row], table.current_A[row], found.verdict.step[row])
        if got != (pytest.approx(time_s), pytest.approx(volt, abs=1e-4), pytest.approx(amps, abs=1e-9), step):
            return False
    return True


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_taken_is_a_beginning_of_the_truth(fault: Fault, tmp_path: Path) -> None:
    taken, _, wrong = study(fault, tmp_path)
    assert wrong == 0
    assert taken < TIMES


def main() -> int:
    """The table, for `make bench-wire`."""
    print(f"LAND exports, {TIMES} of each fault\n| fault | taken | set aside | wrong |\n|---|---|---|---|")
    all_wrong = 0
    for fault in FAULTS:
        with TemporaryDirectory() as folder:
            taken, aside, wrong = study(fault, Path(folder))
        all_wrong += wrong
        print(f"| {fault.__name__.replace('_', ' ')} | {taken} | {aside} | {wrong} |", flush=True)
    return 1 if all_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
