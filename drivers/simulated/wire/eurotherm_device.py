"""A Eurotherm temperature controller as its registers, with the simulated furnace behind it.

Facts from the maker's handbook of the 2000 series (HA026230): integer view and IEEE view of the same numbers,
what is refused, what is silently discarded, status bits. The 3200's rate units are from public driver code.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from drivers.modbus import frames
from drivers.simulated.faults import OPEN_THERMOCOUPLE_C
from drivers.simulated.furnace_views import FurnaceView
from drivers.simulated.wire.modbus_core import IllegalAddress, IllegalValue
from drivers.simulated.wire.physics import Physics

Family = Literal["2200", "2400", "3200", "3500"]
IDENTITY: dict[Family, int] = {"2200": 0x2280, "2400": 0x2480, "3200": 0xE321, "3500": 0xE350}  # the last two made up
SECONDS_PER_RATE_UNIT: dict[Family, tuple[int, int, int]] = {
    "2200": (60, 60, 60),
    "2400": (1, 60, 3600),
    "3200": (60, 3600, 1),
    "3500": (60, 3600, 1),
}
WORDS_MAX: dict[Family, int] = {"2200": 32, "2400": 125, "3200": 125, "3500": 125}
IEEE = 0x8000
START_UP_s = 5.0
WRITTEN_KEPT = 1000
MANUAL_K = 1.0  # a heater that is off so far below its set-point was left in manual


@dataclass
class Register:
    """One parameter. `put` None: read only. `kind` f: float; i: enumeration or integer."""

    kind: Literal["f", "i"]
    get: Callable[[], float]
    put: Callable[[float], None] | None = None


class EurothermDevice:
    """One controller. What a person does at its panel are methods: `panel_*`, `sensor_break`, `power_cycle`."""

    def __init__(self, physics: Physics, family: Family = "2400", *, latency: bool = False) -> None:
        self.physics = physics
        self.family: Family = family
        self.identity = IDENTITY[family]
        self.eeprom_writes = 0
        self.written: deque[tuple[int, float]] = deque(maxlen=WRITTEN_KEPT)  # register, value: its own log
        self.wiped = False  # somebody wrote a mode that erases the memory
        self.loopback = True
        self.mode = 0
        kept = physics.furnace()  # a controller keeps its set-point, and manual or automatic, while it has no power
        self.manual = not kept.heater_on and kept.setpoint_C > kept.temperature_C + MANUAL_K
        self.manual_output_percent = kept.output_percent if self.manual else 0.0
        self.target_C = kept.setpoint_C
        self.rate = 0.0  # per unit of register 531; 0: no ramp
        self.rate_unit = 0 if family == "3200" else 1
        self.is_broken = False
        self.power_failed = False
        self.settings: dict[int, float] = {
            11: -200.0, 12: 1372.0, 13: 1000.0, 15: 0, 30: 100.0, 31: 0.0, 34: 15.0, 78: 0,
            111: 500.0, 112: 0.0, 220: 0, 516: 0, 525: 1, 12550: 0,
        }  # fmt: skip
        self._slow = latency
        self._dead_until_s: float | None = None
        self._dead_for_s = 0.0
        self._registers = self._map()

    # ------------------------------------------------------------ what the framing asks
    def is_dead(self, now: float) -> bool:
        if self._dead_for_s:
            self._dead_until_s, self._dead_for_s = now + self._dead_for_s, 0.0
        if self._dead_until_s is None:
            return False
        if now < self._dead_until_s:
            return True
        self._dead_until_s = None
        self.power_failed = True
        self._resume()
        return False

    def has_loopback(self) -> bool:
        return self.loopback

    def latency_s(self, function: int) -> float:
        """The handbook's: 2-10 ms for single words, up to 500 ms for blocks; here near the low end."""
        if not self._slow:
            return 0.0
        return 0.02 if function in (frames.READ_WORDS, frames.WRITE_WORDS) else 0.005

    def fast_status(self) -> int:
        return self.status() & 0xFF

    def status(self) -> int:
        view = self.physics.furnace()
        return (
            (1 if self.temperature_C(view) > self.settings[13] else 0)
            | (1 << 4 if self.manual else 0)
            | (1 << 5 if self.is_broken else 0)
            | (1 << 9 if view.working_setpoint_C == self.target_C else 0)
            | (1 << 10 if self.is_broken else 0)
        )

    def temperature_C(self, view: FurnaceView) -> float:
        return OPEN_THERMOCOUPLE_C if self.is_broken else view.temperature_C

    # ------------------------------------------------------------ registers on the wire
    def read(self, address: int, count: int) -> list[int]:
        if not 1 <= count <= WORDS_MAX[self.family]:
            raise IllegalValue
        return [self._word(number) for number in range(address, address + count)]

    def _word(self, address: int) -> int:
        if address < IEEE:
            register = self._registers.get(address)
            if register is None:
                return 0x5555  # handbook: undefined, no error
            value = register.get()
            scale = 10 ** self.settings[525] if register.kind == "f" and not self.settings[12550] else 1
            return round(max(-32767, min(32767, value * scale))) & 0xFFFF
        number, half = divmod(address - IEEE, 2)
        register = self._registers.get(number)
        if register is None:
            return 0x5555
        if register.kind == "f":
            return struct.unpack(">HH", struct.pack(">f", register.get()))[half]
        return 0x8000 if half else round(register.get()) & 0xFFFF

    def write(self, address: int, words: list[int], single: bool) -> None:
        if address >= IEEE:
            self._write_ieee(address, words, single)
            return
        for number, word in enumerate(words, start=address):
            register = self._registers.get(number)
            if register is None:
                if single:
                    raise IllegalValue
                continue  # handbook: acknowledged and discarded
            if register.put is None:
                raise IllegalValue
            scale = 10 ** self.settings[525] if register.kind == "f" and not self.settings[12550] else 1
            register.put(frames.signed(word) / scale)
            self.written.append((number, frames.signed(word) / scale))

    def _write_ieee(self, address: int, words: list[int], single: bool) -> None:
        if address % 2:
            raise IllegalAddress
        if single or len(words) % 2:
            raise IllegalValue
        for place in range(0, len(words), 2):
            register = self._registers.get((address - IEEE + place) // 2)
            if register is None:
                continue
            if register.put is None:
                raise IllegalValue
            value = struct.unpack(">f", struct.pack(">HH", *words[place : place + 2]))[0]
            register.put(value if register.kind == "f" else words[place])
            self.written.append(((address - IEEE + place) // 2, value if register.kind == "f" else words[place]))

    # ------------------------------------------------------------ the map
    def _map(self) -> dict[int, Register]:
        view, seven = self.physics.furnace, self.family in ("2200", "2400")
        registers = {
            1: Register("f", lambda: self.temperature_C(view())),
            2: Register("f", lambda: self.target_C, self._put_target),
            3: Register("f", self._output, self._put_output),
            5: Register("f", lambda: view().working_setpoint_C if view().heater_on else self.target_C),
            24: Register("f", lambda: self.target_C, self._put_target),
            35: Register("f", lambda: self.rate, self._put_rate),
            39: Register("f", lambda: view().temperature_C - self.target_C),
            75: Register("i", self.status),
            107: Register("i", lambda: 0x0461),
            122: Register("i", lambda: self.identity),
            131: Register("i", lambda: 1),
            199: Register("i", lambda: self.mode, self._put_mode),
            258: Register("i", lambda: int(self.is_broken)),
            273: Register("i", lambda: int(self.manual), self._put_manual),
        }
        if self.family != "2200":
            registers[4] = Register("f", self._output)
            registers[531] = Register("i", lambda: self.rate_unit, self._put_rate_unit)
            registers[259] = Register("i", lambda: int(self.power_failed), self._put_power_failed)
        skipped = set() if seven else {220}
        for number in self.settings.keys() - skipped:
            kind: Literal["f", "i"] = "i" if number in (15, 78, 220, 516, 525, 12550) else "f"
            registers[number] = Register(kind, lambda n=number: self.settings[n], lambda v, n=number: self._put(n, v))
        return registers

    def _output(self) -> float:
        return self.physics.furnace().output_percent

    def _put(self, number: int, value: float) -> None:
        if number in (30, 31, 34) and not 0 <= value <= 100:
            raise IllegalValue
        if number in (111, 112) and not self.settings[11] <= value <= self.settings[12]:
            raise IllegalValue
        if number in (11, 12):
            raise IllegalValue
        self._count(self.settings[number], value)
        self.settings[number] = value

    def _count(self, old: float, new: float) -> None:
        """The 2200 saves every write to its EEPROM, the others only changes."""
        if old != new or self.family == "2200":
            self.eeprom_writes += 1

    def _put_target(self, value: float) -> None:
        if not self.settings[112] <= value <= self.settings[111]:
            raise IllegalValue
        self._count(self.target_C, value)
        self.target_C = value
        self._resume()

    def _put_rate(self, value: float) -> None:
        if not 0 <= value <= 9999:
            raise IllegalValue
        self._count(self.rate, value)
        self.rate = value
        view = self.physics.furnace()
        if view.heater_on and view.working_setpoint_C != view.setpoint_C:
            self._resume()

    def _put_rate_unit(self, value: float) -> None:
        if value not in (0, 1, 2):
            raise IllegalValue
        self.rate_unit = int(value)

    def _put_manual(self, value: float) -> None:
        if value not in (0, 1):
            raise IllegalValue
        if bool(value) == self.manual:
            return
        self.manual = bool(value)
        self.manual_output_percent = self._output()  # bumpless: the output stays where it was
        self._resume()

    def _put_output(self, value: float) -> None:
        if not self.manual or not self.settings[31] <= value <= self.settings[30]:
            raise IllegalValue
        self.manual_output_percent = value
        self._resume()

    def _put_mode(self, value: float) -> None:
        if value not in (0, 2):
            self.wiped = True
        self.mode = int(value)
        self._resume()

    def _put_power_failed(self, value: float) -> None:
        self.power_failed = bool(value)

    def _resume(self) -> None:
        """Let the furnace do what the settings say now."""
        if self.mode or self._dead_for_s or self._dead_until_s is not None:
            self.physics.heater_off()
        elif self.is_broken:
            self.physics.fix_output(self.settings[34])
        elif self.manual:
            self.physics.fix_output(self.manual_output_percent)
        else:
            seconds = SECONDS_PER_RATE_UNIT[self.family][self.rate_unit]
            self.physics.set_target(self.target_C, self.rate / seconds if self.rate and not self.settings[78] else None)

    # ------------------------------------------------------------ what happens to it
    def panel_target(self, temperature_C: float) -> None:
        """A person turns the set-point."""
        self.target_C = temperature_C
        self._resume()

    def panel_manual(self, on: bool, output_percent: float = 0.0) -> None:
        """A person puts it in manual, with that output; or back."""
        self.manual, self.manual_output_percent = on, output_percent
        self._resume()

    def sensor_break(self, on: bool) -> None:
        """The thermocouple breaks, or is mended."""
        self.is_broken = on
        self._resume()

    def power_cycle(self, off_s: float = START_UP_s) -> None:
        """It loses power and is silent for `off_s`; settings are kept, the power failure is latched."""
        self._dead_for_s = off_s
        self.physics.heater_off()
