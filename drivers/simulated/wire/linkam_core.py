"""A Linkam T95 as its serial protocol, with the simulated furnace behind it. Facts from public driver code."""

from __future__ import annotations

import re

from drivers.linkam import protocol
from drivers.linkam.protocol import Status, status_bytes
from drivers.simulated.wire.faults import Replies, WireFaults
from drivers.simulated.wire.physics import Physics

TOO_FAST_s = 0.2
REPLY_s = 0.01
AT_LIMIT_K = 0.5
LINE_BYTES_MAX = 64
OPEN_C = 600.0


class LinkamCore:
    """The controller. `error_bits` are those of its second status byte; what a person does to it are methods."""

    def __init__(self, physics: Physics, faults: WireFaults | None = None, baud: int = 0) -> None:
        self.physics = physics
        self.faults = faults or WireFaults()
        self.baud = baud
        self.too_fast_s = TOO_FAST_s
        self.error_bits = 0
        self.is_awake = False  # deaf to everything until the first T
        self.limit_C = 25.0
        self.rate_K_per_min = 10.0
        self.lost_commands = 0
        self._state = protocol.STOPPED
        self._buffer = b""
        self._last_s = -1.0
        self._dead_for_s = 0.0
        self._dead_until_s: float | None = None

    def feed(self, data: bytes, now: float) -> Replies:
        """Bytes received at `now`; returns replies, each with its delay in seconds."""
        replies: Replies = [(0.0, data)] if self.faults.echoed else []
        if self._is_dead(now) or self.faults.mute:
            self._buffer = b""
            return replies
        self._buffer = (self._buffer + data)[-LINE_BYTES_MAX:]
        while protocol.END in self._buffer:
            line, _, self._buffer = self._buffer.partition(protocol.END)
            if now - self._last_s < self.too_fast_s:
                self.lost_commands += 1
                continue
            self._last_s = now
            reply = self._answer(line)
            if reply:
                pace_s = 10 * (len(line) + 1 + len(reply)) / self.baud if self.baud else 0.0
                replies += self.faults.on_reply(reply, REPLY_s + pace_s)
        return replies

    def _answer(self, line: bytes) -> bytes:
        if line == b"T":
            self.is_awake = True
            return status_bytes(self.status())
        if not self.is_awake:
            return b""
        match = re.fullmatch(rb"([RL])1(-?\d{1,5})", line)
        if match:
            number = int(match[2])
            if match[1] == b"R" and 1 <= number <= 15000:
                self.rate_K_per_min = number / 100
            elif match[1] == b"L" and -2000 <= number <= 6000:
                self.limit_C = number / 10
        elif line == b"S":
            self._start()
        elif line == b"E":
            self._state = protocol.STOPPED
            self.physics.heater_off()
        elif line == b"O":
            self._state = protocol.HOLDING
            self.physics.set_target(self._temperature_C(), None)
        return protocol.END

    def _start(self) -> None:
        self._state = protocol.HEATING if self.limit_C > self._temperature_C() else protocol.COOLING
        self.physics.set_target(self.limit_C, self.rate_K_per_min / 60)

    def _temperature_C(self) -> float:
        return OPEN_C if self.error_bits & 2 else self.physics.furnace().temperature_C

    def status(self) -> Status:
        temperature_C = self._temperature_C()
        view = self.physics.furnace()
        ramping = self._state in (protocol.HEATING, protocol.COOLING)
        if ramping and view.working_setpoint_C == self.limit_C and abs(temperature_C - self.limit_C) < AT_LIMIT_K:
            self._state = protocol.AT_LIMIT
        pump = 10 if self._state == protocol.COOLING else 0
        return Status(self._state, self.error_bits, pump, temperature_C)

    def _is_dead(self, now: float) -> bool:
        if self._dead_for_s:
            self._dead_until_s, self._dead_for_s = now + self._dead_for_s, 0.0
        if self._dead_until_s is not None and now >= self._dead_until_s:
            self._dead_until_s, self.is_awake, self._state = None, False, protocol.STOPPED
        return self._dead_until_s is not None

    # ------------------------------------------------------------ what happens to it
    def power_cycle(self, off_s: float = 5.0) -> None:
        """It loses power, is silent for `off_s`, and starts up stopped."""
        self._dead_for_s = off_s
        self.physics.heater_off()

    def sensor_break(self, on: bool) -> None:
        """The circuit of its sensor opens: it says so, and stops."""
        self.error_bits = self.error_bits | 2 if on else self.error_bits & ~2
        if on:
            self._state = protocol.STOPPED
            self.physics.heater_off()

    def panel_stop(self) -> None:
        """A person stops it."""
        self._state = protocol.STOPPED
        self.physics.heater_off()
