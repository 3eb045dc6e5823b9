"""What a run shows while it runs: a bar that stays in place on a terminal, plain lines elsewhere.

The engine's thread only puts its news into a queue; drawing happens in the thread of the command, so that a
slow or broken terminal never holds up a measurement.
"""

from __future__ import annotations

from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from daq.clock import wall_monotonic
from daq.engine import Progress as News
from procedures.cli.console import say
from procedures.cli.text import duration

PLAIN_EVERY_S = 30.0


class Display(Protocol):
    """Shows the news of one run."""

    def show(self, news: News) -> None: ...
    def say(self, line: str) -> None: ...
    def close(self) -> None: ...


class Pace:
    """How fast bench time passes on the wall, since this command began to watch a run: for the time that is left."""

    def __init__(self) -> None:
        self._began_wall_s = wall_monotonic()
        self._began_bench_s: float | None = None
        self._last_bench_s = 0.0

    def wall_left_s(self, news: News) -> float | None:
        next_run = news.bench_s < self._last_bench_s  # of the same plan: its bench time begins anew
        self._last_bench_s = news.bench_s
        if next_run:
            self._began_wall_s = wall_monotonic()
        if self._began_bench_s is None or next_run:
            self._began_bench_s = news.bench_s
        wall_s = wall_monotonic() - self._began_wall_s
        bench_s = news.bench_s - self._began_bench_s
        if news.remaining_s is None or bench_s <= 0 or wall_s < 0.5:
            return None
        return news.remaining_s * wall_s / bench_s


def remaining(news: News, pace: Pace) -> str:
    """`3 h 20 min left`, and how long that is on the wall where bench time runs differently."""
    if news.remaining_s is None:
        return ""
    wall_s = pace.wall_left_s(news)
    left = f"{duration(news.remaining_s)} left"
    if wall_s is None or abs(wall_s - news.remaining_s) < 0.1 * news.remaining_s + 1:
        return left
    return f"{left} on the bench, {duration(wall_s)} here"


class PlainDisplay:
    """A line when a step begins, and now and then within a long one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace = Pace()
        self._step = 0
        self._printed_s = wall_monotonic()

    def show(self, news: News) -> None:
        now = wall_monotonic()
        if news.step == self._step and (not news.text or now - self._printed_s < PLAIN_EVERY_S):
            return
        left = remaining(news, self._pace)
        again = news.text if news.step == self._step else news.title
        self._step, self._printed_s = news.step, now
        self.say(f"[{news.step}/{news.steps}] {again}" + (f", {left}" if left else ""))

    def say(self, line: str) -> None:
        say(self._console, line)

    def close(self) -> None:
        pass


class LiveDisplay:
    """A bar with what happens now, what comes next and how long it takes, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._pace = Pace()
        self._bar = Progress(
            TextColumn("{task.fields[where]}"), BarColumn(), TextColumn("{task.fields[left]}"), console=console
        )
        self._task = self._bar.add_task("", total=None, where="starting", left="")
        self._live = Live(self._picture("", ""), console=console, refresh_per_second=8)
        self._live.start()

    def _picture(self, now: str, following: str) -> Table:
        grid = Table.grid()
        grid.add_row(self._bar)
        grid.add_row(f"now   {escape(now)}")
        grid.add_row(f"next  {escape(following)}")
        return grid

    def show(self, news: News) -> None:
        total = None if news.remaining_s is None else news.bench_s + news.remaining_s
        self._bar.update(
            self._task,
            total=total,
            completed=news.bench_s,
            where=f"step {news.step} of {news.steps}",
            left=remaining(news, self._pace),
        )
        now = f"{news.title}: {news.text}" if news.text else news.title
        self._live.update(self._picture(now, news.following))

    def say(self, line: str) -> None:
        say(self._live.console, line)

    def close(self) -> None:
        self._live.stop()


def display_for(console: Console) -> Display:
    return LiveDisplay(console) if console.is_terminal and not console.is_dumb_terminal else PlainDisplay(console)
