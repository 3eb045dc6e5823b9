"""The temperature of a spectrum, as headers and file names spell it; degC. Never guessed: no unit, no number."""

from __future__ import annotations

import re

from daq.errors import BadInput
from procedures.interchange.text import SourceText

_NUMBER = r"([+-]?\d+(?:[.,]\d+)?)"
_IN_HEADER = (
    re.compile(
        rf"\btemperature(?:[ _](?:degC|C|°C)\b|\s*[\[(](?:°C|degC|C)[\])])\s*[:=,;\t]\s*{_NUMBER}", re.IGNORECASE
    ),
    re.compile(rf"\btemperature\s*[:=]\s*{_NUMBER}\s*(?:°\s?C|degC|C)\b", re.IGNORECASE),
    re.compile(r"^TEMPERATURE\tQUANT\t([+-]?[\d.]+(?:[eE][+-]?\d+)?)\t.*degC"),
)
_IN_NAME = re.compile(
    r"(?<![A-Za-z0-9.])(?:T=?)?(?P<number>[+-]?\d+(?:[.p]\d+)?)[ _]?(?P<unit>°C|degC|deg|C|K)(?![A-Za-z0-9])"
)
_HYPHENATED = re.compile(r"[A-Za-z0-9.]-$")
_COLDEST_C, _HOTTEST_C = -273.15, 2000.0


def from_header(source: SourceText, last_line: int) -> float | None:
    """The temperature that a header states with its unit, in the first `last_line` lines; None without."""
    for number, line in enumerate(source.lines[:last_line], start=1):
        for pattern in _IN_HEADER:
            if match := pattern.search(line):
                return _plausible(float(match.group(1).replace(",", ".")), f"{source.path}, line {number}")
    return None


def from_name(stem: str) -> float | None:
    """The temperature in a file name: `..._-25C`, `25degC`, `60.5 °C`, `298K`.

    None when there is none, when two differ, and where the spelling has two meanings: `cell-25C` (hyphen or
    minus), `LFP_2C` (a temperature or a C-rate).
    """
    found: set[float] = set()
    for match in _IN_NAME.finditer(stem):
        number = float(match.group("number").replace("p", "."))
        if match.group("unit") == "K":
            number -= 273.15
        elif _HYPHENATED.search(stem[: match.start()]) or (match.group("unit") == "C" and 0 < number <= 10):
            return None
        found.add(round(number, 6))
    return _plausible(found.pop(), stem) if len(found) == 1 else None


def from_pattern(stem: str, pattern: str) -> float | None:
    """The temperature where `pattern` has `{T}`: '{T}C', 'cell3_T{T}_*'. `*` stands for anything.

    The pattern may match anywhere in the name. Raises BadInput when it has no {T}.
    """
    if pattern.count("{T}") != 1:
        raise BadInput(
            f"the pattern {pattern!r} must have {{T}} once, where the temperature stands",
            place="temperature pattern",
            allowed="'{T}C', '*_T{T}'",
        )
    before, after = (re.escape(part).replace(r"\*", ".*?") for part in pattern.split("{T}"))
    guard = "" if before else r"(?<![\d.])"
    match = re.search(rf"{guard}{before}([+-]?\d+(?:\.\d+)?){after}", stem)
    return _plausible(float(match.group(1)), stem) if match else None


def _plausible(temperature_C: float, place: str) -> float:
    if not _COLDEST_C <= temperature_C <= _HOTTEST_C:
        raise BadInput(f"{temperature_C:g} °C is no temperature", place=place)
    return temperature_C
