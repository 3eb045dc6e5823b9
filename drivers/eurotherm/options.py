"""What a bench file may say about a Eurotherm controller."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.tables import parse
from drivers.eurotherm.models import FamilyName
from drivers.modbus import ModbusLine, RtuLine, TcpLine
from drivers.transport import LineSettings, PortOptions, SocketLink, Transport, host_and_port, link_for, make_link

LINE = LineSettings(baud=9600)
TCP = "modbus-tcp"
TCP_PORT = 502
GAP_CHARACTERS = 3.5
GAP_MIN_s = 0.00175  # the serial line guide's, above 19200 baud


class EurothermOptions(PortOptions):
    """`[instruments.NAME]`. `port` may also be `modbus-tcp://host` or, for RTU over TCP, `socket://host:port`."""

    unit: int = Field(default=1, ge=1, le=254)
    model: Literal["auto"] | FamilyName = "auto"
    ramp_units: Literal["auto", "K/s", "K/min", "K/h"] = "auto"
    ramp_max_K_per_min: float = Field(default=20.0, gt=0, le=500)
    max_output_percent: float | None = Field(default=None, gt=0, le=100)
    safe_state: Literal["off", "cool", "hold"] = "off"
    frame_gap_s: float | None = Field(default=None, ge=0, le=0.1)


def options_of(context: DriverContext) -> EurothermOptions:
    """Raises BadInput."""
    options = parse(EurothermOptions, context.options, context.place)
    if options.port.startswith(f"{TCP}:"):
        host_and_port(options.port, (TCP,), context.place, default=TCP_PORT)
    else:
        make_link(options.port, options.line(LINE), context.place)
    return options


class SharedLine:
    """The line that several controllers share; closed when the last of them has left."""

    def __init__(self, line: ModbusLine, settings: Any) -> None:
        self.line = line
        self.settings = settings
        self._users: set[str] = set()

    def enter(self, user: str) -> None:
        self._users.add(user)

    def leave(self, user: str) -> None:
        self._users.discard(user)
        if not self._users:
            self.line.close()

    def close(self) -> None:
        self.line.close()


def shared_line(context: DriverContext, options: EurothermOptions) -> SharedLine:
    """The line of this port, one for all units on it. Raises BadInput when they disagree about its settings."""
    settings = (options.line(LINE), options.timeout_s, options.frame_gap_s)
    shared = context.share(f"modbus {options.port}", lambda: SharedLine(_line(context, options), settings))
    if shared.settings != settings:
        raise BadInput(f"another instrument on {options.port} has other line settings", place=context.place)
    return shared


def _line(context: DriverContext, options: EurothermOptions) -> ModbusLine:
    if options.port.startswith(f"{TCP}:"):
        address = host_and_port(options.port, (TCP,), context.place, default=TCP_PORT)
        link = link_for(context, options.port, lambda: SocketLink(*address))
        return TcpLine(Transport(link, context.name, options.timeout_s))
    settings = options.line(LINE)
    link = link_for(context, options.port, lambda: make_link(options.port, settings, context.place))
    gap_s = options.frame_gap_s
    if gap_s is None:
        gap_s = 0.0 if "://" in options.port else max(GAP_MIN_s, GAP_CHARACTERS * settings.character_s)
    return RtuLine(Transport(link, context.name, options.timeout_s), gap_s)
