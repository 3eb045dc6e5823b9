"""What a bench file says about a port, as a link: `COM4`, `usb:A50285BI`, `socket://192.168.0.7:4001`, `visa:...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.tables import StrictModel
from drivers.transport.links import LineSettings, Link, SerialLink, SocketLink
from drivers.transport.transport import TIMEOUT_s

SCHEMES = "COM4, usb:SERIALNUMBER, socket://host:port, visa:RESOURCE, or the path of a serial port"


class PortOptions(StrictModel):
    """The keys of `[instruments.NAME]` that say how an instrument is reached. None: the driver's own default."""

    port: str = Field(min_length=1)
    baud: int | None = Field(default=None, gt=0)
    data_bits: Literal[7, 8] | None = None
    parity: Literal["none", "even", "odd"] | None = None
    stop_bits: Literal[1, 2] | None = None
    hardware_handshake: bool | None = None
    timeout_s: float = Field(default=TIMEOUT_s, ge=0.05, le=60)

    def line(self, usual: LineSettings) -> LineSettings:
        """The line settings: `usual` with what the bench file overrides."""
        return LineSettings(
            baud=self.baud or usual.baud,
            data_bits=self.data_bits or usual.data_bits,
            parity=self.parity or usual.parity,
            stop_bits=self.stop_bits or usual.stop_bits,
            hardware_handshake=(
                usual.hardware_handshake if self.hardware_handshake is None else self.hardware_handshake
            ),
        )


def make_link(port: str, settings: LineSettings, place: str = "") -> Link:
    """The link for `port`; nothing is opened. Raises BadInput for a port that can't be one."""
    if port.startswith("visa:"):
        from drivers.transport.visa import VisaLink  # slow to import, and rarely needed

        return VisaLink(port.removeprefix("visa:"), settings)
    if "://" not in port:
        return SerialLink(port, settings)
    return SocketLink(*host_and_port(port, ("socket",), place))


def host_and_port(port: str, schemes: tuple[str, ...], place: str, default: int | None = None) -> tuple[str, int]:
    """The address in `scheme://host:port`. Raises BadInput."""
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port or default
    except ValueError:
        parts, host, number = None, None, None
    if parts is None or parts.scheme not in schemes or not host or not number:
        raise BadInput(f"{port!r} is no port", place=f"{place}, port" if place else "port", allowed=SCHEMES)
    return host, number


def link_for(context: DriverContext, port: str, build: Callable[[], Link]) -> Link:
    """The link that a driver is to use: the one that was laid for this port inside this process, if one was.

    Simulated benches lay links in memory under `laid:<port>` (see `lay`); everybody else gets `build()`.
    """
    laid: Link | None = context.shared.parts.get(f"laid:{port}")
    return laid if laid is not None else build()


def lay(context: DriverContext, port: str, link: Link) -> None:
    """From now on `port` means this link, on this bench."""
    context.shared.parts[f"laid:{port}"] = link
