"""A Keithley 2450 through pymeasure's own class: every setting read back, and off means a relay that is open.

Of that class two things are never used: `shutdown()`, which brings a voltage source to 0 V with the cell on it, and
`reset()`, after which "output off" is a 0 V source (the reference manual's "normal" output-off state).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from pymeasure.instruments.keithley import Keithley2450

from daq.errors import InstrumentError
from drivers.keithley2450.door import ScpiDoor
from drivers.keithley2450.drive import Drive
from drivers.keithley2450.options import Keithley2450Options, protection_V
from drivers.transport import BadReply, Refused, Transport

TRIES = 3
NEAR = 2e-4  # a setting that is read back has its six digits
READING = re.compile(r"([-+.\dE]+),\s*([-+.\dE]+);([01])")
OVERFLOW = 1e30  # 9.9E37 is its "no reading"
SMODE_LOST = (
    "its output-off state is {found}, not HIMP: with its output off it may put 0 V on the cell; was it switched off, "
    "or set at its panel? Take the cell off before the next power-up, or save HIMP as its power-up setup"
)


@dataclass(frozen=True)
class Reading:
    voltage_V: float
    current_A: float


@dataclass(frozen=True)
class Greeting:
    """Who it is: the four parts of `*IDN?`, its command language and terminals, and whether its output was on."""

    maker: str
    model: str
    serial: str
    firmware: str
    terminals: str
    was_on: bool


class Source:
    """One at a time through the transport's lock. Raises InstrumentError and what the door raises."""

    def __init__(self, transport: Transport, name: str, options: Keithley2450Options, most_V: float) -> None:
        self.transport = transport
        self.name = name
        self._options = options
        self._most_V = most_V
        self._door = ScpiDoor(transport, options.reading_s)
        self._smu = Keithley2450(self._door, name)
        self._drive: Drive | None = None  # what its output, which is on, does

    # ------------------------------------------------------------ who and how it is
    def greet(self) -> Greeting:
        """Raises InstrumentError for another instrument, another command language, other terminals."""
        with self.transport.owner():
            idn = self._door.plain("*IDN?")
            parts = [one.strip() for one in idn.split(",")]
            if len(parts) != 4 or "2450" not in parts[1]:
                raise InstrumentError(self.name, f"at {self.transport.link.where} there is {idn!r}, no Keithley 2450")
            language = self._door.plain("*LANG?").strip('"').upper()
            if language != "SCPI":
                raise InstrumentError(
                    self.name,
                    f"speaks {language or 'nothing'}, not SCPI; set MENU > System > Settings > Command Set to SCPI "
                    "at its panel and switch it off and on",
                )
            terminals = "rear" if self._ask(":ROUT:TERM?").upper().startswith("REAR") else "front"
            was_on = self.is_on()
        if terminals != self._options.terminals:
            raise InstrumentError(
                self.name,
                f"uses its {terminals} terminals, the bench file says {self._options.terminals}; look where the cell "
                "is, then press FRONT/REAR at its panel or change `terminals`",
            )
        return Greeting(parts[0], parts[1].removeprefix("MODEL ").strip(), parts[2], parts[3], terminals, was_on)

    def prepare(self) -> str:
        """Off, high impedance, over-voltage protection, sense and read-back; returns a warning, or nothing."""
        with self.transport.owner():
            found = self.off_state()
            self.off()
            protection = f"PROT{protection_V(self._most_V)}"
            self._keep(":SOUR:VOLT:PROT", protection)
            for function in ("VOLT", "CURR"):
                self._keep(f":SENS:{function}:RSEN", str(int(self._options.four_wire)))
                self._keep(f":SOUR:{function}:READ:BACK", "1")
        return "" if found == "HIMP" else SMODE_LOST.format(found=found)

    def off_state(self) -> str:
        """`HIMP`, or what the first of the two functions has that differs."""
        with self.transport.owner():
            states = (str(self._smu.voltage_output_off_state), str(self._smu.current_output_off_state))
        return next((one for one in states if one != "HIMP"), "HIMP")

    def is_on(self) -> bool:
        with self.transport.owner():
            told = self._ask(":OUTP?")
        if told not in ("0", "1"):
            raise BadReply(self.name, f"says {told!r} when it is asked whether its output is on")
        return told == "1"

    # ------------------------------------------------------------ the output
    def off(self) -> None:
        """The relay open, both read back. Raises InstrumentError with the last problem."""
        problem = InstrumentError(self.name, "its output stays on")
        self._drive = None
        for _ in range(TRIES):
            self.transport.forgive()
            try:
                with self.transport.owner():
                    # high impedance first: the state is taken at the moment the output goes off; said unasked, for
                    # an instrument that hears may be mute
                    self._smu.voltage_output_off_state = "HIMP"
                    self._smu.current_output_off_state = "HIMP"
                    self._smu.disable_source()
                    if self.is_on():
                        continue
                    found = self.off_state()
                    if found == "HIMP":
                        return
                    problem = InstrumentError(self.name, SMODE_LOST.format(found=found))
            except InstrumentError as error:
                problem = error
        raise problem

    def let_go(self) -> None:
        """Say off, and wait for nothing."""
        self._drive = None
        if self.transport.is_open:
            with self.transport.owner():
                self.transport.send(b":OUTP:VOLT:SMOD HIMP\n:OUTP:CURR:SMOD HIMP\nOUTPUT OFF\n")

    def apply(self, drive: Drive, may_switch_on: Callable[[], None]) -> None:
        """From now on the output, on, does this. `may_switch_on` raises where it must stay off.

        A change of the function goes through off. Raises Refused when a setting does not read back.
        """
        with self.transport.owner():
            if self._drive is None or self._drive.function != drive.function:
                self.off()
                self._retried(lambda: self._configure(drive))
                may_switch_on()
                self._smu.enable_source()
                if not self.is_on():
                    self._smu.enable_source()
                    if not self.is_on():
                        raise Refused(self.name, f"its output does not go on {self._complaint()}; interlock?")
                self._check_sense()
            else:
                may_switch_on()
                self._retried(lambda: self._configure(drive))
            self._drive = drive

    def read(self) -> Reading:
        """Potential and current at the same moment. Raises InstrumentError when its output went off by itself."""
        with self.transport.owner():
            drive = self._drive
            told = self._smu.ask(':READ? "defbuffer1",SOUR,READ;:OUTP?').strip()
        found = READING.fullmatch(told)
        try:
            source, sensed = (float(found[1]), float(found[2])) if found else (math.nan, math.nan)
        except ValueError:
            source = sensed = math.nan
        if found is None or not (abs(source) < OVERFLOW and abs(sensed) < OVERFLOW):
            raise BadReply(self.name, f"gave {told[:60]!r}, which is no reading")
        if found[3] != "1" or drive is None:
            self._drive = None
            raise InstrumentError(
                self.name, "its output went off by itself: at the panel, by the interlock, or it lost its power"
            )
        return Reading(sensed, source) if drive.function == "current" else Reading(source, sensed)

    # ------------------------------------------------------------ settings
    def _configure(self, drive: Drive) -> None:
        """Limit before level, so that no level is there without its limit; all read back."""
        smu = self._smu
        if drive.function == "current":
            if self._drive is None:
                smu.apply_current(compliance_voltage=drive.limit)
                smu.measure_voltage()
                smu.voltage_nplc = self._options.nplc
            smu.compliance_voltage = drive.limit
            smu.source_current = drive.level
            told = (smu.source_mode, smu.compliance_voltage, smu.source_current)
        else:
            if self._drive is None:
                smu.apply_voltage(compliance_current=drive.limit)
                smu.measure_current()
                smu.current_nplc = self._options.nplc
            smu.compliance_current = drive.limit
            smu.source_voltage = drive.level
            told = (smu.source_mode, smu.compliance_current, smu.source_voltage)
        if told[0] != drive.function or not (_near(told[1], drive.limit) and _near(told[2], drive.level)):
            raise Refused(self.name, f"was set to {drive.told}, and says {told} {self._complaint()}")

    def _retried(self, settings: Callable[[], None]) -> None:
        for attempt in range(TRIES):
            try:
                return settings()
            except (Refused, BadReply, ValueError, TypeError, KeyError) as error:
                if attempt < TRIES - 1:
                    continue
                self._drive_off()
                if isinstance(error, InstrumentError):
                    raise
                raise BadReply(self.name, f"gave an answer that is no setting: {error}") from error

    def _drive_off(self) -> None:
        """A setting was not taken under an output that is on: better off than unknown."""
        if self._drive is not None:
            self.off()

    def _keep(self, header: str, value: str) -> None:
        """Set and read back a word. Raises Refused."""
        told = ""
        for _ in range(TRIES):
            self._smu.write(f"{header} {value}")
            told = self._ask(f"{header}?")
            if told.upper() == value:
                return
        raise Refused(self.name, f"does not take {header} {value}: says {told!r} {self._complaint()}")

    def _check_sense(self) -> None:
        """Its output-off state makes it 2-wire: whether the sense leads are in use is asked when it is on."""
        function = "VOLT" if self._smu.source_mode == "current" else "CURR"
        wanted = str(int(self._options.four_wire))
        if self._ask(f":SENS:{function}:RSEN?") != wanted:
            self.off()
            raise Refused(self.name, f"does not use {'4' if self._options.four_wire else '2'}-wire sense as asked")

    def _complaint(self) -> str:
        self._smu.check_errors()
        told = self._door.take_errors()
        return f"(it says: {told})" if told else "(it says nothing of an error)"

    def _ask(self, query: str) -> str:
        return self._smu.ask(query).strip()


def _near(told: object, wanted: float) -> bool:
    return isinstance(told, float) and math.isclose(told, wanted, rel_tol=NEAR, abs_tol=1e-12)
