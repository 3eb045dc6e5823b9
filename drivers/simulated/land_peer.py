"""`cellrig simulate land`: a LAND tester with its operator's chair free. It speaks to nobody; it fills a folder.

Whoever sits there types the printed sheet in, starts and stops channels and exports, as at LAND's own program; the
exports are written into the folder that the bench file names, by a timer too, growing until the test is over.
"""

from __future__ import annotations

import csv
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import get_args

from daq.bench import BenchConfig, DriverContext, SharedParts, load_bench
from daq.bench_lock import bench_folder
from daq.catalog import list_runs
from daq.clock import SystemClock, wall_unix
from daq.errors import BadInput, CellrigError
from daq.host_note import find_host
from daq.questions import Question, bench_unix, open_questions
from drivers.land.options import folder_of, options_of
from drivers.simulated.cycler_driver import SimulatedCycler
from drivers.simulated.land_exports import Dialect
from drivers.simulated.land_operator import Habits, LandOperator, Started
from drivers.simulated.published import FollowingWorld, PublishedWorld
from drivers.simulated.simulation import CHANNELS_MAX, read_simulation

WORLD = "state"  # as the runner names it for a bench in real time
LOOK_WALL_S = 0.2
HABITS = Habits(0.0, 1800.0, "text", 5)
FOREIGN = "F0RE1GN0"  # a battery code that no sheet of ours has
HELP = """\
start CHANNEL SHEET.csv   type a printed sheet in, and start the channel
stop CHANNEL              stop it, as a person at the tester does
export CHANNEL            export its test now
every SECONDS             export by itself so often, in the bench's seconds (1800 at first)
dialect NAME [DIGITS]     of the exports: excel, new-excel, text, csv; digits of the current
foreign CHANNEL           export it with another test's battery code
show                      what the channels do
quit"""


class LandPeer:
    """`do(line)` is one typed command and returns what to print. Raises BadInput, also without a bench file."""

    def __init__(self, bench: Path | None, speed: float | None) -> None:
        if bench is None:
            text = "a LAND tester has no line; it needs a bench file, to know where its exports go"
            raise BadInput(text, place="simulate land", allowed="--bench FILE, with an instrument of driver land")
        self._config = config = load_bench(bench)
        context = _land_context(config)
        options = options_of(context)
        self._exports = folder_of(options, context.folder)
        simulation = read_simulation(config.model.simulation, config.place)
        state = bench_folder(config) / WORLD
        self._world: FollowingWorld | PublishedWorld
        if simulation.furnace_is_peer:
            self._world = FollowingWorld(simulation, "land", state)
        else:
            self._world = PublishedWorld(
                simulation, speed or config.model.bench.speed or 1.0, wall_unix(), state / "land"
            )
        self._channels = min(options.channels, CHANNELS_MAX)
        inside = replace(
            context,
            name="land-tester",
            options={"channels": self._channels},
            clock=self._world.clock,
            state_folder=state / "land",
            shared=SharedParts({"simulated world": self._world}),
        )
        self._tester = SimulatedCycler(inside)
        self._operator = LandOperator(self._tester, inside.clock, state / "land" / "tester", self._exports, HABITS)
        self._tester.connect()
        self._operator.come_in()
        self.greeting = f"land exports into {self._exports}"
        self._lock, self._ended, self._fault = threading.Lock(), threading.Event(), ""
        self._thread = threading.Thread(target=self._export_by_itself, name="exports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._tester.disconnect()
        self._world.close()

    def do(self, line: str) -> str:
        words = shlex.split(line)
        commands: dict[str, Callable[[list[str]], str]] = {
            "start": self._start,
            "stop": self._stop,
            "export": lambda rest: self._export(rest),
            "every": self._every,
            "dialect": self._dialect,
            "foreign": lambda rest: self._export(rest, FOREIGN),
            "show": lambda rest: self._show(),
            "help": lambda rest: HELP,
        }
        if not words:
            return ""
        if words[0] not in commands:
            raise BadInput(f"a LAND tester has no command {words[0]!r}", allowed=f"{', '.join(commands)}, quit")
        with self._lock:
            try:
                return commands[words[0]](words[1:])
            except OSError as error:
                raise BadInput(f"it can't be written ({error.strerror or error})", place=str(self._exports)) from error

    # ------------------------------------------------------------ typed commands
    def _start(self, rest: list[str]) -> str:
        channel = self._channel(rest)
        if len(rest) != 2:
            raise BadInput("name the sheet", allowed="start CHANNEL SHEET.csv, as cellrig sheet PLAN wrote it")
        path = Path(rest[1]).expanduser()
        code, sheet = _sheet(path)
        question = next(_waiting(self._config, code), None)
        if question is None and self._world.clock.speed != 1.0:
            text = f"no run waits for {code} on this bench yet, whose quickened time its exports are dated by"
            raise BadInput(text, allowed="cellrig run PLAN first, until it says that it waits")
        now = wall_unix() if question is None else bench_unix(question, wall_unix())
        try:
            self._operator.start(f"{code}-{int(wall_unix())}", channel, sheet, now)
        except (KeyError, ValueError) as error:
            raise BadInput(f"can't be typed in: {error!r}", place=str(path)) from error
        if question is None:
            return f"channel {channel} runs {code}; no run on this bench waits for it yet"
        return f"channel {channel} runs {code}. Now say so: cellrig acknowledge last --channel {channel} --by NAME"

    def _stop(self, rest: list[str]) -> str:
        test = self._test(rest)
        self._operator.stop(test)
        return f"channel {test.channel} is stopped"

    def _export(self, rest: list[str], code: str = "") -> str:
        test = self._test(rest)
        path = self._operator.export_now(test, code)
        return "it has no records yet" if path is None else f"written: {path}"

    def _every(self, rest: list[str]) -> str:
        try:
            every_s = float(rest[0])
        except (IndexError, ValueError):
            raise BadInput("say how many seconds", allowed="every 1800") from None
        if not every_s >= 1:
            raise BadInput(f"{every_s:g} s is too often", allowed="1 and more")
        self._operator.habits = replace(self._operator.habits, export_every_s=every_s)
        return f"exports every {every_s:g} s from each test's next on"

    def _dialect(self, rest: list[str]) -> str:
        names: tuple[Dialect, ...] = get_args(Dialect)
        digits = rest[1] if len(rest) > 1 else "5"
        for name in names:
            if rest and rest[0] == name and digits.isdecimal() and int(digits) <= 12:
                self._operator.habits = replace(self._operator.habits, dialect=name, digits=int(digits))
                return f"exports are {name}"
        raise BadInput(f"there is no dialect {' '.join(rest)!r}", allowed=f"{', '.join(names)}; digits 0 to 12")

    def _show(self) -> str:
        lines = [f"exports go into {self._exports}"] + [self._fault] * bool(self._fault)
        for channel in range(1, self._channels + 1):
            test = self._operator.latest(channel)
            if test is not None:
                now = self._tester.status(channel)
                at = f"cycle {now.cycle}, step {now.step}, {now.voltage_V:.4f} V, {1e3 * now.current_A:.4f} mA"
                lines.append(f"channel {channel}: {test.code} {now.state}, {at}")
        return "\n".join(lines if len(lines) > 1 else [*lines, "no channel was started"])

    # ------------------------------------------------------------ inside
    def _export_by_itself(self) -> None:
        while not self._ended.wait(LOOK_WALL_S):
            with self._lock:
                try:
                    self._operator.act(lambda *_: None)
                    self._fault = ""
                except (OSError, CellrigError) as error:
                    self._fault = f"the last export failed: {error}"

    def _channel(self, rest: list[str]) -> int:
        if not rest or not rest[0].isdecimal() or not 1 <= int(rest[0]) <= self._channels:
            raise BadInput("name a channel", allowed=f"1 to {self._channels}")
        return int(rest[0])

    def _test(self, rest: list[str]) -> Started:
        channel = self._channel(rest)
        test = self._operator.latest(channel)
        if test is None:
            raise BadInput(f"nothing was started on channel {channel}")
        return test


def _land_context(config: BenchConfig) -> DriverContext:
    tables = [(name, one) for name, one in config.model.instruments.items() if one.driver == "land"]
    if len(tables) != 1:
        raise BadInput("has no instrument of driver land, or more than one", place=config.place)
    name, table = tables[0]
    return DriverContext(
        name=name,
        options=dict(table.model_extra or {}),
        limits={},
        clock=SystemClock(),
        state_folder=Path(),
        simulation=config.model.simulation,
        place=f"{config.place}, instruments.{name}",
        shared=SharedParts(),
        folder=config.source.parent if config.source else Path(),
    )


def _sheet(path: Path) -> tuple[str, str]:
    """The id and the text of a sheet's CSV. Raises BadInput for anything else."""
    try:
        text = path.read_text(encoding="utf-8")
        first = next(csv.reader(text.splitlines()), [])
    except (OSError, ValueError) as error:
        raise BadInput(f"can't be read ({error})", place=str(path)) from error
    if len(first) != 2 or first[0] != "id":
        raise BadInput("is no step sheet", place=str(path), allowed="the CSV that cellrig sheet PLAN writes")
    return first[1], text


def _waiting(config: BenchConfig, code: str) -> Iterator[Question]:
    """What runs on this bench ask about this sheet: their calendar is the one that the exports have to be dated by."""
    host = find_host(config)
    if host is None:
        return
    for run in reversed(list_runs(Path(host.runs_folder))):
        with suppress(BadInput):
            yield from (one for one in open_questions(run.path) if one.details.get("sheet") == code)
