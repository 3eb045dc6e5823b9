"""What the error codes of a MethodSCRIPT instrument mean, and what to do. From PalmSens' public documentation."""

from __future__ import annotations

import re

CODES = {
    0x0003: "it does not know the command",
    0x0004: "it does not know the register",
    0x0006: "the command does not fit its present mode",
    0x0007: "an argument is wrong",
    0x0008: "the command is too long",
    0x0009: "the command timed out",
    0x000C: "no script is loaded",
    0x000F: "the potential is out of its reach",
    0x0010: "a variable became infinite or not a number",
    0x0011: "the frequency is out of its reach",
    0x0012: "the amplitude is out of its reach",
    0x0014: "the open-circuit potential can't be measured with the cell on",
    0x001B: "this model can't do that",
    0x001C: "the step is smaller than its converter's",
    0x001F: "this technique is not licensed on it",
    0x0020: "the mode of the potentiostat does not allow it",
    0x0021: "the mode of the potentiostat does not allow it",
    0x0022: "the mode of the potentiostat does not allow it",
    0x0023: "the mode of the potentiostat does not allow it",
    0x0032: "the cell was critically overloaded, and the measurement ended; look for a short",
    0x003E: "something inside it timed out",
    0x005A: "the timing that was asked for is not possible; take a longer interval or a slower scan",
    0x007B: "the temperature can't be measured during impedance above 8 kHz",
    0x0080: "the counter electrode oscillates; look at the connections",
    0x4001: "it does not know a command of the script",
    0x4004: "a character in the script is not expected",
    0x4005: "the script is too large",
    0x400B: "measurement loops are nested",
    0x4018: "the script ends too early",
    0x401B: "the commands of a package are out of order",
    0x4026: "a variable is declared twice",
    0x4027: "the cell has to be on for this",
    0x4028: "the cell has to be off for this",
    0x4032: "the potential can't be set inside this loop",
    0x4033: "the current can't be set inside this loop",
    0x4200: "an argument has the wrong sign or is zero",
    0x4201: "an argument has the wrong sign or is zero",
    0x4202: "an argument has the wrong sign or is zero",
    0x4203: "an argument has the wrong sign or is zero",
    0x4204: "an argument has the wrong sign or is zero",
    0x4205: "an argument is out of bounds",
    0x4207: "an argument is of the wrong type",
    0x420B: "a variable is not declared",
    0x7FFF: "a fatal error; switch it off and on",
}
IDLE = 0x0006  # the answer to Z when no script runs
RUNS = 0x0006  # and to a script when one does
CRITICAL_OVERLOAD = 0x0032
ERROR = re.compile(r"[^!]*!([0-9A-Fa-f]{4})(?:: ?(.*))?", re.ASCII)


def error_in(line: str) -> tuple[int, str] | None:
    """The code and the place (`Line 3, Col 1`) of a line that reports an error; None for any other line."""
    match = ERROR.fullmatch(line)
    return (int(match[1], 16), match[2] or "") if match else None


def told(code: int, where: str = "") -> str:
    """For a person: the meaning, the code, and the place in the script."""
    meaning = CODES.get(code, "an error that cellrig does not know")
    place = f", {where}" if where else ""
    return f"{meaning} (error {code:04X}{place})"
