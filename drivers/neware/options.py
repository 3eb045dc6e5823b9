"""What a bench file says about a Neware tester behind BTS Client."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field

from daq.bench import DriverContext
from daq.errors import BadInput
from daq.tables import StrictModel, parse
from drivers.transport import host_and_port

PORT = 502
_CHANNEL = re.compile(r"[0-9]+-[0-9]+-[0-9]+")


class NewareOptions(StrictModel):
    """`[instruments.NAME]`. `channels` maps the bench's numbers to `device-unit-channel`; empty: all, as listed.

    `step_folder` is the shared folder as this computer sees it, `step_folder_windows` as BTS Client's does.
    """

    port: str = Field(min_length=1)
    step_folder: str = Field(min_length=1)
    step_folder_windows: str = Field(min_length=1)
    backup_folder_windows: str = ""
    channels: dict[str, str] = Field(default_factory=dict)
    username: str = "admin"
    password: str = "neware"
    timeout_s: float = Field(default=30.0, ge=0.05, le=120)
    voltage_min_V: float = Field(default=0.0, ge=-20, le=20)
    voltage_max_V: float = Field(default=5.0, ge=-20, le=20)
    current_max_A: float = Field(gt=0, le=1000)
    record_min_s: float = Field(default=0.1, gt=0, le=60)
    patience_h: float = Field(default=24.0, gt=0, le=24 * 60)
    poll_s: float = Field(default=5.0, ge=5.0, le=600)


def address(options: NewareOptions, place: str) -> tuple[str, int]:
    """Host and TCP port. Raises BadInput."""
    return host_and_port(options.port, ("socket",), place, default=PORT)


def options_of(context: DriverContext) -> NewareOptions:
    """Raises BadInput."""
    options = parse(NewareOptions, context.options, context.place)
    if options.voltage_min_V >= options.voltage_max_V:
        raise BadInput("voltage_min_V is not below voltage_max_V", place=context.place)
    if len(set(options.channels.values())) != len(options.channels):
        raise BadInput("two numbers name the same channel", place=f"{context.place}, channels")
    for number in options.channels:
        if not (number.isdecimal() and int(number) > 0):
            raise BadInput(f"{number!r} is no channel", place=f"{context.place}, channels", allowed="1, 2, 3 ..")
    for number, channel in options.channels.items():
        if not _CHANNEL.fullmatch(channel):
            raise BadInput(
                f"{channel!r} is no channel of a tester",
                place=f"{context.place}, channels.{number}",
                allowed='device-unit-channel as in BTS Client, "21-1-3"',
            )
    for limit in context.limits:
        raise BadInput(
            "unknown limit", place=f"{context.place}.limits, {limit}", allowed="none; each schedule has its protection"
        )
    return options


def folder_of(options: NewareOptions, bench_folder: Path) -> Path:
    """Where step files are put, as this computer sees it; relative to the bench file."""
    return bench_folder / Path(options.step_folder).expanduser()
