"""What a running script sends, line by line, as packages in their loop. No column is ever shifted: a line that does
not parse, or has other types than its loop's, is dropped and counted."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from daq.errors import InstrumentError
from drivers.methodscript.codes import error_in, told
from drivers.methodscript.package import PackageError, Value, read_package
from drivers.methodscript.script import LoopPlan, Script

log = logging.getLogger(__name__)

SAME_FREQUENCY = 0.01


@dataclass(frozen=True, slots=True)
class Package:
    """The values of one point, one per column of its loop, and the point's place in the loop from 0."""

    values: tuple[Value, ...]
    loop: LoopPlan
    number: int


def is_same(one_Hz: float, other_Hz: float) -> bool:
    """Whether an instrument means this frequency, which it sets as near as it can."""
    return math.isclose(one_Hz, other_Hz, rel_tol=SAME_FREQUENCY)


Output: TypeAlias = Package | Literal["loop ended", "finished", ""]


class OutputReader:
    """Fed with every line of a run, in their order."""

    def __init__(self, name: str, script: Script, repeats: int) -> None:
        self.damaged = 0
        self.loop = script.loops[0]
        self._name = name
        self._loops = list(script.loops)
        self._number = 0
        self._is_in_loop = False
        self._repeats = repeats

    def take(self, line: str) -> Output:
        """Raises InstrumentError for a run-time error of the instrument."""
        if line == "":
            return "finished"
        error = error_in(line)
        if error is not None:
            raise InstrumentError(self._name, f"ended the measurement: {told(*error)}")
        if line[0] == "M" and len(line) == 5:
            return self._begun()
        if line == "*":
            self._is_in_loop = False
            return "loop ended"
        if line[0] == "P":
            return self._package(line)
        if line[0] not in "L+C-T":
            self._drop(line, "it is of no known kind")
        return ""

    def _begun(self) -> Output:
        if self._loops:
            self.loop = self._loops.pop(0)
        self._number, self._is_in_loop = 0, True
        return ""

    def _package(self, line: str) -> Output:
        try:
            values = self._once(read_package(line))
        except PackageError as error:
            return self._drop(line, str(error))
        types = [value.type for value in values]
        if len(values) != len(self.loop.columns) or any(
            one not in allowed for one, allowed in zip(types, self.loop.columns, strict=True)
        ):
            return self._drop(line, f"its types are {', '.join(types)}")
        if any(math.isnan(value.value) for value in values):
            return self._drop(line, "a value in it is not a number")
        if self.loop.frequencies_Hz and not self._find_frequency(values[0].value):
            return self._drop(line, f"nothing was asked at {values[0].value:g} Hz")
        self._number += 1
        return Package(values, self.loop, self._number - 1)

    def _once(self, values: tuple[Value, ...]) -> tuple[Value, ...]:
        """Each value once. Raises PackageError where its copies differ."""
        if self._repeats == 1:
            return values
        firsts = values[:: self._repeats]
        for place, value in enumerate(values):
            if value.value != firsts[place // self._repeats].value or value.type != firsts[place // self._repeats].type:
                raise PackageError("the copies of a value differ")
        return firsts

    def _find_frequency(self, frequency_Hz: float) -> bool:
        """Whether it is one of those that are still to come; the points before it are lost."""
        for number in range(self._number, len(self.loop.frequencies_Hz)):
            if is_same(frequency_Hz, self.loop.frequencies_Hz[number]):
                self._number = number
                return True
        return False

    def _drop(self, line: str, why: str) -> Output:
        self.damaged += 1
        log.warning("%s: a damaged line was dropped (%s): %r", self._name, why, line[:80])
        return ""
