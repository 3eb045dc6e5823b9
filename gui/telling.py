"""What the window tells a person, and where: the log, the banner, the bar of what has tripped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daq.catalog import RunSummary
from gui.model.bench_status import BenchStatus
from gui.model.run_view import RunView
from gui.panels.log import LEVELS

if TYPE_CHECKING:
    from gui.window import BenchWindow


class Telling:
    def __init__(self, window: BenchWindow) -> None:
        self._window = window
        self._offered: Path | None = None
        self._told_events: dict[str, int] = {}
        self._alerts: tuple[str, ...] = ()

    def answered(self, level: str, text: str) -> None:
        self._window.log.say(level, text)
        if level in ("warning", "error"):
            self._window.banner.tell(text, "bad-box" if level == "error" else "warn-box")

    def alerts(self, status: BenchStatus) -> None:
        """An interlock that trips stands there until it has cleared. While the bench does not answer nobody knows."""
        if not status.is_there:
            return
        known, self._alerts = self._alerts, status.run.alerts if status.run is not None else ()
        self._window.alerts.show_alerts(self._alerts)
        for one in self._alerts:
            if one not in known:
                self._window.log.say("warning", f"tripped: {one}")
        if known and not self._alerts and status.run is not None:
            self._window.banner.tell(f"Cleared: {'; '.join(known)}", "good-box")

    def offer_to_resume(self, status: BenchStatus, runs: Sequence[RunSummary]) -> None:
        """The last run, if it was broken off, is offered once, when the bench has said that it is idle."""
        last = runs[-1] if runs else None
        if last is None or last.outcome != "interrupted" or status.state != "idle" or last.path == self._offered:
            return
        self._offered = last.path
        window = self._window
        window.banner.tell(f"{last.id} was interrupted; nothing of it is lost.", "warn-box", "Resume")
        window.banner.on_action = lambda: window.link.ask("resume", path=last.path)

    def events(self, view: RunView) -> None:
        """What the run itself has said since it was last asked, by the clock on the wall."""
        speed = max(self._window.status.speed, 1e-9)
        told = self._told_events.get(view.head.id, 0)
        for event in view.events:
            if event.id > told:
                level = event.level if event.level in LEVELS else "info"
                self._window.log.say(level, f"{event.source}: {event.text}", view.head.started_unix + event.t_s / speed)
        self._told_events[view.head.id] = view.events[-1].id if view.events else told
