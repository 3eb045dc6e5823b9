"""What a run that is to come would do, in a sentence: steps, duration, when it ends, disk space, what watches it."""

from __future__ import annotations

from datetime import datetime, timedelta

from daq.clock import wall_unix
from gui.model.drafts import Checked
from gui.words import span

LITTLE_DISK = 0.5  # of what is free


def summary_of(checked: Checked, disk_free_bytes: int | None, speed: float) -> str:
    """For a draft that is good. `speed` of the bench against the wall's clock."""
    assert checked.run is not None
    steps = len(list(checked.run.procedure.steps()))
    parts = [f"{steps} step{'s' if steps > 1 else ''}", f"about {span(checked.seconds)}"]
    parts.append(f"begun now it ends {ends_text(checked.seconds / max(speed, 1e-9))}")
    size = f"{checked.disk_bytes / 1e6:.1f} MB"
    parts.append(size if disk_free_bytes is None else f"{size} of {disk_free_bytes / 1e9:.1f} GB free")
    return " · ".join(parts)


def warnings_of(checked: Checked, disk_free_bytes: int | None) -> list[str]:
    found = list(checked.run.warnings) if checked.run is not None else []
    if disk_free_bytes is not None and checked.disk_bytes > LITTLE_DISK * disk_free_bytes:
        found.append("the disk would be more than half full with it: make room first")
    return found


def watched_text(checked: Checked, own: int) -> str:
    """What is watched besides the form's `own` interlocks, which come last."""
    if checked.run is None:
        return ""
    others = [one.name for one in checked.run.interlocks[: len(checked.run.interlocks) - own]]
    return f"Watched in any case: {', '.join(others)}" if others else ""


def ends_text(seconds: float) -> str:
    """`at 14:05`, `on Tue 3 Dec at 14:05`, by the clock on the wall."""
    now = datetime.fromtimestamp(wall_unix())
    end = now + timedelta(seconds=seconds)
    if end.date() == now.date():
        return f"at {end:%H:%M}"
    return f"on {end:%a} {end.day} {end:%b} at {end:%H:%M}"
