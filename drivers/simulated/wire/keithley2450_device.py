"""A Keithley 2450 in its SCPI command set, with a simulated cell at its terminals.

Facts from the maker's reference manual (2450-901-01) where not said otherwise: headers, defaults, output-off states,
limits as magnitudes. What it reads with its output off, and its answer to a switch under current, are made up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from drivers.simulated.regulated import Regulation
from drivers.simulated.wire.keithley2450_cell import CellAtSource
from drivers.simulated.wire.scpi_core import Command, ScpiError, choice, number
from drivers.simulated.world import World

IDENTITY = "KEITHLEY INSTRUMENTS,MODEL 2450,01234567,1.7.12b"
RANGES_A = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
RANGES_V = (0.02, 0.2, 2.0, 20.0, 200.0)
ON_OFF = ("ON", "OFF", "1", "0")
OFF_STATES = ("NORMal", "HIMPedance", "ZERO", "GUARd")
STEPS_V = (2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180)
START_UP_s = 5.0
LEAST_SHARE = 0.106  # of a fixed measure range, that a limit must have


class Keithley2450Device:
    """What its settings are; what a person does to it are methods. `language` is SCPI, TSP or SCPI2400.

    `power_up` is the output-off state that its owner saved as its power-up setup; NORM where nobody did.
    """

    def __init__(self, world: World, *, latency: bool = False, channel: int = 1, power_up: str = "HIMP") -> None:
        self.cell = CellAtSource(world, channel)
        self.identity = IDENTITY
        self.language = "SCPI"
        self.output = False
        self.switched = 0  # how often its output was switched
        self._slow = latency
        self._dead_until_s: float | None = None
        self._dead_for_s = 0.0
        self._stored: dict[str, str] | None = None
        self.power_up = power_up
        self._reset()
        self._power_up()

    def _reset(self) -> None:
        """As `*RST` leaves it: off, and off is 0 V (output-off state "normal")."""
        self.function = "VOLT"
        self.sense = "CURR"
        self.level = {"VOLT": 0.0, "CURR": 0.0}
        self.limit = {"VOLT": 105e-6, "CURR": 21.0}  # of a voltage source A, of a current source V
        self.off_state = {"VOLT": "NORM", "CURR": "NORM"}
        self.protection = "NONE"
        self.settings: dict[str, Any] = {"terminals": "FRON"}
        for function in ("VOLT", "CURR"):
            self.settings |= {f"{function} sense auto": "1", f"{function} source auto": "1", f"{function} back": "1"}
            self.settings |= {f"{function} rsen": "0", f"{function} nplc": 1.0}
            ranges = RANGES_V if function == "VOLT" else RANGES_A
            self.settings |= {f"{function} sense range": ranges[-2], f"{function} source range": ranges[-2]}
        self.switch(False)

    def _power_up(self) -> None:
        self.off_state = {"VOLT": self.power_up, "CURR": self.power_up}
        self._follow()

    # ------------------------------------------------------------ what the framing asks
    def is_dead(self, now: float) -> bool:
        if self._dead_for_s:
            self._dead_until_s, self._dead_for_s = now + self._dead_for_s, 0.0
        if self._dead_until_s is not None and now >= self._dead_until_s:
            self._dead_until_s = None
            self._reset()
            self._power_up()
        return self._dead_until_s is not None

    def begin(self) -> None:
        self.cell.pass_time()

    def latency_s(self, query: str) -> float:
        if not self._slow:
            return 0.0
        return 4 * self.settings[f"{self.sense} nplc"] / 50 if query.startswith("READ") else 0.002

    def commands(self) -> Sequence[Command]:
        common = (
            Command("*IDN", lambda _: self.identity),
            Command("*LANG", lambda _: self.language),
            Command("*RST", None, lambda _: self._reset()),
            Command("ABORt", None, lambda _: None),
            Command("OUTPut[1][:STATe]", lambda _: str(int(self.output)), self._put_output),
            Command("ROUTe:TERMinals", lambda _: self.settings["terminals"], self._put_terminals),
            Command("READ", self._read),
            Command("FETCh", self._fetch),
            Command("SOURce[1]:FUNCtion[:MODE]", lambda _: self.function, self._put_function),
            Command("SENSe[1]:FUNCtion[:ON]", lambda _: f'"{self.sense}:DC"', self._put_sense),
            Command("SOURce[1]:VOLTage:PROTection[:LEVel]", lambda _: self.protection, self._put_protection),
        )
        if self.language == "TSP":
            return common[:2]
        return (*common, *self._of("VOLTage", "ILIMit", 210.0), *self._of("CURRent", "VLIMit", 1.05))

    def _of(self, function: str, limit: str, most: float) -> tuple[Command, ...]:
        f = function[:4].upper()
        source, sense = f"SOURce[1]:{function}", f"SENSe[1]:{function}[:DC]"
        lowest, highest = (1e-9, 1.05) if f == "VOLT" else (0.02, 210.0)
        return (
            Command(f"{source}[:LEVel][:IMMediate][:AMPLitude]", lambda _: _told(self.level[f]),
                    lambda words: self._put_level(f, number(words, -most, most))),
            Command(f"{source}:{limit}[:LEVel]", lambda _: _told(self.limit[f]),
                    lambda words: self._put_limit(f, number(words, lowest, highest))),
            Command(f"{source}:{limit}[:LEVel]:TRIPped", lambda _: str(int(self._is_limited(f)))),
            Command(f"OUTPut[1]:{function}:SMODe", lambda _: self.off_state[f],
                    lambda words: self._put_off_state(f, choice(words, OFF_STATES))),
            *self._range(f"{source}:RANGe", f"{f} source", most),
            *self._range(f"{sense}:RANGe", f"{f} sense", most),
            self._switch(f"{source}:READ:BACK", f"{f} back"),
            self._switch(f"{sense}:RSENse", f"{f} rsen"),
            Command(f"{sense}:NPLCycles", lambda _: _told(self.settings[f"{f} nplc"]),
                    lambda words: self._set(f"{f} nplc", number(words, 0.01, 10))),
        )  # fmt: skip

    def _range(self, header: str, name: str, most: float) -> tuple[Command, Command]:
        def put(words: Sequence[str]) -> None:
            value = abs(number(words, -most, most))
            ranges = RANGES_V if name.startswith("VOLT") else RANGES_A
            self._set(f"{name} range", next((one for one in ranges if 1.05 * one >= value), ranges[-1]))
            self._set(f"{name} auto", "0")

        return (
            Command(f"{header}[:UPPer]", lambda _: _told(self.settings[f"{name} range"]), put),
            self._switch(f"{header}:AUTO", f"{name} auto"),
        )

    def _switch(self, header: str, name: str) -> Command:
        return Command(
            header,
            lambda _: self.settings[name],
            lambda words: self._set(name, str(int(choice(words, ON_OFF) in ("ON", "1")))),
        )

    # ------------------------------------------------------------ settings
    def _set(self, name: str, value: Any) -> None:
        self.settings[name] = value

    def _put_output(self, words: Sequence[str]) -> None:
        self.switch(choice(words, ON_OFF) in ("ON", "1"))

    def _put_function(self, words: Sequence[str]) -> None:
        """Another function switches the output off."""
        wanted = choice(words, ("VOLTage", "CURRent"))
        if wanted != self.function and self.output:
            self.switch(False)
        self.function = wanted
        self._follow()

    def _put_sense(self, words: Sequence[str]) -> None:
        self.sense = choice(words, ("VOLTage[:DC]", "CURRent[:DC]", "RESistance"))[:4].rstrip("[:")

    def _put_terminals(self, words: Sequence[str]) -> None:
        self.settings["terminals"] = choice(words, ("FRONt", "REAR"))
        self.switch(False)

    def _put_off_state(self, function: str, state: str) -> None:
        self.off_state[function] = state
        self._follow()

    def _put_protection(self, words: Sequence[str]) -> None:
        given = words[0].upper() if words else ""
        if given not in ("NONE", *(f"PROT{step}" for step in STEPS_V)):
            raise ScpiError(-224 if words else -109)
        self.protection = given
        self._follow()

    def _put_level(self, function: str, value: float) -> None:
        most = math.inf
        if self.settings[f"{function} source auto"] == "0":
            most = 1.05 * self.settings[f"{function} source range"]
        if abs(value) > most:
            raise ScpiError(-221)
        level, limit = {**self.level, function: value}, self.limit
        self._check_power(function, level[function], limit[function])
        self.level = level
        self._follow()

    def _put_limit(self, function: str, value: float) -> None:
        measured = "CURR" if function == "VOLT" else "VOLT"
        is_fixed = self.settings[f"{measured} sense auto"] == "0"
        if is_fixed and value < LEAST_SHARE * self.settings[f"{measured} sense range"]:
            raise ScpiError(-221)
        if measured == "VOLT" and value > self._most_V():
            raise ScpiError(-221)
        self._check_power(function, self.level[function], value)
        self.limit[function] = value
        self._follow()

    def _check_power(self, function: str, level: float, limit: float) -> None:
        """1 A up to 20 V, 0.1 A up to 200 V."""
        volts, amperes = (abs(level), limit) if function == "VOLT" else (limit, abs(level))
        if volts > 21 and amperes > 0.105:
            raise ScpiError(-221)

    # ------------------------------------------------------------ the output
    def switch(self, on: bool) -> None:
        """Its OUTPUT key, and the command."""
        self.switched += on != self.output
        self.output = on
        self._follow()
        if not on:
            self.cell.keep()

    def _most_V(self) -> float:
        return math.inf if self.protection == "NONE" else float(self.protection.removeprefix("PROT"))

    def _follow(self) -> None:
        """Let the cell feel what the settings say now."""
        if not self.output:
            state = self.off_state[self.function]
            range_A = self._range_A()
            self.cell.how = {
                "HIMP": None,
                "GUAR": None,
                "NORM": Regulation(0.0, 0.1 * range_A),
                "ZERO": Regulation(0.0, range_A),
            }[state]
        elif self.function == "VOLT":
            volts = math.copysign(min(abs(self.level["VOLT"]), self._most_V()), self.level["VOLT"])
            self.cell.how = Regulation(volts, self.limit["VOLT"])
        else:
            amperes, volts = self.level["CURR"], min(self.limit["CURR"], self._most_V())
            self.cell.how = Regulation(math.copysign(volts, amperes), abs(amperes))

    def _range_A(self) -> float:
        """Autoranged: the lowest that has what is set."""
        name = f"CURR {'source' if self.function == 'CURR' else 'sense'}"
        if self.settings[f"{name} auto"] == "0":
            return self.settings[f"{name} range"]
        wanted = abs(self.level["CURR"]) if self.function == "CURR" else self.limit["VOLT"]
        return next((one for one in RANGES_A if 1.05 * one >= wanted), RANGES_A[-1])

    def _is_limited(self, function: str) -> bool:
        if not self.output or function != self.function or self.cell.how is None:
            return False
        _, amperes = self.cell.pass_time()
        if function == "VOLT":
            return abs(amperes) >= self.limit["VOLT"] * (1 - 1e-9)
        return abs(amperes - self.level["CURR"]) > 1e-9 * abs(self.level["CURR"])

    # ------------------------------------------------------------ readings
    def _read(self, words: Sequence[str]) -> str:
        is_fixed = self.function == "CURR" or self.settings["CURR sense auto"] == "0"
        voltage_V, current_A = self.cell.read([self._range_A()] if is_fixed else RANGES_A)
        sensed, source = (voltage_V, current_A) if self.sense == "VOLT" else (current_A, voltage_V)
        if self.sense == self.function:
            source = sensed
        elif self.settings[f"{self.function} back"] == "0":
            source = self.level[self.function]
        if self.sense.startswith("RES"):
            sensed = voltage_V / current_A if current_A else 9.9e37
        self._stored = {"READ": _told(sensed), "SOUR": _told(source), "REL": "0.0", "STAT": "0"}
        return self._fetch(words)

    def _fetch(self, words: Sequence[str]) -> str:
        if self._stored is None:
            raise ScpiError(-230)
        elements = [word for word in words if not word.startswith(('"', "'"))] or ["READ"]
        known = ("READing", "SOURce", "RELative", "STATus")
        return ",".join(self._stored[choice([one], known)] for one in elements)

    # ------------------------------------------------------------ what happens to it
    def power_cycle(self, off_s: float = START_UP_s) -> None:
        """It loses power, is silent for `off_s`, and starts up with its defaults; its relay is open meanwhile."""
        self.cell.pass_time()
        self.output = False
        self.cell.how = None
        self._dead_for_s = off_s

    def sensor_break(self, on: bool) -> None:
        """A lead falls off the cell, or is put back."""
        self.cell.pass_time()
        self.cell.is_open = on

    def person(self, does: Callable[[], None]) -> None:
        """Something done at its panel, at this moment."""
        self.cell.pass_time()
        does()
        self._follow()


def _told(value: float) -> str:
    return f"{value:.6E}"
