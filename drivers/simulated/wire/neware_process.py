"""Testers for a peer that is a process of its own: in the world it publishes, with the bench file's shared folder."""

from __future__ import annotations

from pathlib import Path

from daq.bench import BenchConfig, DriverContext, SharedParts
from daq.clock import Clock
from drivers.simulated.wire.neware_tester import UNIT, NewareTester
from drivers.simulated.world import World

CHANNELS = 8


def tester_of(config: BenchConfig | None, world: World, clock: Clock, folder: Path) -> NewareTester:
    """As many channels as the bench file's `channels` need, eight at least."""
    tables = [] if config is None else [one for one in config.model.instruments.values() if one.driver == "neware"]
    extra = (tables[0].model_extra or {}) if tables else {}
    files = {}
    if "step_folder" in extra and "step_folder_windows" in extra:
        here = config.source.parent if config is not None and config.source else Path()
        steps = here / Path(str(extra["step_folder"])).expanduser()
        steps.mkdir(parents=True, exist_ok=True)
        files[str(extra["step_folder_windows"])] = steps
    shared = SharedParts({"simulated world": world})
    context = DriverContext("neware", {}, {}, clock, folder, {}, "peer", shared)
    wanted = [_place(str(key)) for key in dict(extra.get("channels", {})).values()]
    return NewareTester(world, context, max([CHANNELS, *wanted]), files)


def _place(key: str) -> int:
    """`21-2-3` is the eleventh channel; what is no such key is refused by the driver."""
    parts = key.split("-")
    if len(parts) != 3 or not all(one.isdecimal() for one in parts):
        return 0
    return (int(parts[1]) - 1) * UNIT + int(parts[2])
