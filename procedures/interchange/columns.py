"""What the columns of an impedance table mean: names, signs and units as headers spell them.

The sign and the unit come from the header or the format, never from the numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from procedures.interchange.text import SourceText

Meaning = Literal["frequency", "real", "imag", "modulus", "phase", "loop", "temperature"]

_NAMES: dict[Meaning, frozenset[str]] = {
    "frequency": frozenset({"f", "freq", "frequency"}),
    "real": frozenset({"z'", "zre", "zreal", "re", "re(z)", "rez", "real", "realz", "realimpedance", "real(z)"}),
    "imag": frozenset(
        {"z''", "zim", "zimag", "im", "im(z)", "imz", "imag", "imagz", "imaginary", "imag(z)",
         "imaginaryimpedance", "zimaginary"}
    ),
    "modulus": frozenset(
        {"|z|", "z", "zmod", "mod", "modulus", "abs(z)", "mod(z)", "modz", "absz", "magnitude", "absoluteimpedance",
         "impedance"}
    ),
    "phase": frozenset({"phase", "phase(z)", "zphz", "phz", "theta", "phi", "phaseangle", "arg(z)"}),
    "loop": frozenset({"loopindex", "loop", "cyclenumber", "cycle", "zcycle", "spectrum", "cyclecount", "stepcount"}),
    "temperature": frozenset({"temperature", "temp", "temperaturet1"}),
}  # fmt: skip
_PREFIX = {"": 1.0, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "µ": 1e-6, "u": 1e-6}
_OHM = re.compile(r"([kKMGmµu]?)(?:[oO]hms?|OHMS?|Ω)")
_HERTZ = re.compile(r"([kMGmµu]?)Hz|(k?)(?:hz|HZ|hertz|Hertz)")  # mhz: milli or mega?
_DEGREE = frozenset({"deg", "°", "degree", "degrees"})
_RADIAN = frozenset({"rad", "radian", "radians"})
_CELSIUS = frozenset({"degc", "°c", "c", "celsius"})
_AREA = re.compile(r"[cm]?m\^?[2²]|\bsq")
_UNIT_SPOT = re.compile(
    r"^(?P<name>.*?\S)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\]|/\s*(?P<slash>[^/()]+))$"
)
_UNIT_TAIL = re.compile(r"^(?P<name>.+?)[_ ](?P<unit>[^_ ]+)$")


@dataclass(frozen=True)
class Quantity:
    """A column: where it is, and the factor that makes it Hz, ohm, rad or degC."""

    index: int
    factor: float = 1.0
    header: str = ""


@dataclass(frozen=True)
class Columns:
    """Either `real` and `imag`, or `modulus` and `phase`, are there."""

    frequency: Quantity
    real: Quantity | None = None
    imag: Quantity | None = None
    modulus: Quantity | None = None
    phase: Quantity | None = None
    loops: tuple[Quantity, ...] = ()
    temperature: Quantity | None = None
    unitless: bool = False

    @property
    def needed(self) -> tuple[Quantity, ...]:
        """The columns whose cells make the points."""
        if self.real and self.imag:
            return (self.frequency, self.real, self.imag)
        assert self.modulus
        assert self.phase
        return (self.frequency, self.modulus, self.phase)

    @property
    def sign_header(self) -> str:
        """The header that fixed the sign of Im."""
        return self.needed[2].header


@dataclass(frozen=True)
class Heading:
    """One header cell, understood."""

    meaning: Meaning
    negated: bool
    unit: str


def plain(text: str) -> str:
    """One spelling for primes, minus signs, micro and ohm signs."""
    for found, written in (("’", "'"), ("′", "'"), ("‘", "'"), ("″", "''"), ("”", "''"), ('"', "''"), ("−", "-"),
                           ("–", "-"), ("\u2126", "Ω"), ("μ", "µ"), ("\u00a0", " ")):  # fmt: skip
        text = text.replace(found, written)
    return text.strip()


def understand(header: str) -> Heading | None:
    """What a header cell says, or None when it is none of ours."""
    text = plain(header).strip("#").strip()
    bare = _named(text, "")  # first, because Re(Z) has no unit named Z
    if bare:
        return bare
    if spot := _UNIT_SPOT.match(text):
        unit = next(group for group in spot.group("round", "square", "slash") if group is not None)
        if found := _named(spot.group("name"), unit.strip()):
            return found
    tail = _UNIT_TAIL.match(text)
    return _named(tail.group("name"), tail.group("unit")) if tail else None


def _named(name: str, unit: str) -> Heading | None:
    negated = name.startswith("-")
    key = re.sub(r"[\s_.:]", "", name.lstrip("-")).lower().replace("[", "(").replace("]", ")")
    for meaning, names in _NAMES.items():
        if key in names:
            return Heading(meaning, negated, unit)
    return None


def unit_factor(heading: Heading, header: str, source: SourceText, line: int) -> float:
    """The factor to Hz, ohm, rad or degC, with the sign of the header.

    Raises BadInput for a unit that is unknown or asks for something we don't have, such as an area.
    """
    unit = heading.unit
    sign = -1.0 if heading.negated else 1.0
    if heading.meaning == "frequency" and (match := _HERTZ.fullmatch(unit)):
        return _PREFIX[match.group(1) or match.group(2) or ""]
    if heading.meaning in ("real", "imag", "modulus"):
        if match := _OHM.fullmatch(unit):
            return sign * _PREFIX[match.group(1)]
        if _AREA.search(unit):
            raise source.refuse(
                f"the column {header!r} is an impedance times an area; give the impedance itself in ohm, "
                "and the area when you analyse",
                line,
            )
    if heading.meaning == "phase" and unit.lower() in _DEGREE:
        return sign * math.pi / 180.0
    if heading.meaning == "phase" and unit.lower() in _RADIAN:
        return sign
    if heading.meaning == "temperature" and unit.lower() in _CELSIUS:
        return 1.0
    allowed = {"frequency": "Hz, kHz, MHz, mHz", "phase": "deg, rad", "temperature": "degC"}
    raise source.refuse(
        f"the unit of the column {header!r} is " + (f"not known: {unit!r}" if unit else "missing"),
        line,
        allowed.get(heading.meaning, "ohm, kOhm, MOhm, mOhm"),
    )


def columns_from_header(names: Sequence[str], source: SourceText, line: int) -> Columns:
    """Find frequency and impedance among header cells.

    A header without any unit is the plain dialect of impedance programs: Hz and ohm, said in a note. A header
    that gives some units but not all, or a phase without one, is refused. Raises BadInput.
    """
    found: dict[str, tuple[int, Heading]] = {}
    loops: list[Quantity] = []
    for index, name in enumerate(names):
        heading = understand(name)
        if heading and heading.meaning == "loop":
            loops.append(Quantity(index, 1.0, name))
        elif heading and heading.meaning not in found:
            found[heading.meaning] = (index, heading)
    pair = ("real", "imag") if {"real", "imag"} <= found.keys() else ("modulus", "phase")
    missing = [key for key in ("frequency", *pair) if key not in found]
    if missing:
        raise source.refuse(
            f"no spectrum: the columns are {', '.join(repr(name) for name in names if name)}",
            line,
            "frequency with Z' and Z'' (or -Z''), or frequency with |Z| and phase, e.g. "
            "\"Frequency (Hz),Z' (Ohm),-Z'' (Ohm)\"",
        )
    wanted = {key: found[key] for key in ("frequency", *pair)}
    unitless = pair == ("real", "imag") and not any(heading.unit for _, heading in wanted.values())
    quantities: dict[str, Quantity] = {}
    for key, (index, heading) in wanted.items():
        factor = unit_factor(heading, names[index], source, line) if not unitless else -1.0 if heading.negated else 1.0
        quantities[key] = Quantity(index, factor, names[index].strip())
    if "temperature" in found and found["temperature"][1].unit:
        index, heading = found["temperature"]
        quantities["temperature"] = Quantity(index, unit_factor(heading, names[index], source, line), names[index])
    return Columns(**quantities, loops=tuple(loops), unitless=unitless)


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line looks like the header of a spectrum: it names a frequency and a part of an impedance."""
    meanings = {heading.meaning for heading in map(understand, cells) if heading}
    return "frequency" in meanings and bool(meanings & {"real", "imag", "modulus", "phase"})
