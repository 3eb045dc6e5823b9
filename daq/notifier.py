"""Messages to people who are not there. A thread of its own; whatever fails or hangs here touches no run.

Of one kind at most one message is sent in `every_min`: what comes sooner is gathered and sent together.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from daq.bench import BenchConfig
from daq.clock import wall_monotonic
from daq.errors import BadInput, CellrigError
from daq.notify_file import recipients, silent_apprise
from daq.notify_table import Kind

log = logging.getLogger(__name__)
KINDS: tuple[Kind, ...] = get_args(Kind)
SEND_S = 30.0  # for one address; apprise's own sockets give up sooner
MOST_WAITING = 50  # of one kind; the oldest are dropped
LINES_SHOWN = 12
TITLES: Mapping[Kind, str] = {
    "finished": "finished",
    "failed": "FAILED",
    "stopped": "stopped",
    "interlock": "interlock",
    "guard": "the guard acted",
    "operator": "needs somebody",
}
Send = Callable[[str, str, str], bool]
OnSent = Callable[[list[str]], None]


@dataclass
class _Waiting:
    lines: list[str] = field(default_factory=list)
    dropped: int = 0
    sent_s: float | None = None


class Notifier:
    """`tell` returns at once and never raises. `addresses` are apprise's; `send(address, title, text)` sends one.

    `on_sent(problems)` is called in the notifier's thread after each message with a sentence for every address that it
    did not get to; none: it got to all. No sentence names an address.
    """

    def __init__(
        self,
        bench: str,
        addresses: Sequence[str],
        about: Sequence[Kind] = KINDS,
        every_s: float = 600.0,
        send: Send | None = None,
        send_s: float = SEND_S,
        on_sent: OnSent = lambda problems: None,
    ) -> None:
        self._bench = bench
        self._addresses = list(addresses)
        self._about = frozenset(about)
        self._every_s = every_s
        self._send = send or send_by_apprise
        self._send_s = send_s
        self._on_sent = on_sent
        self._waiting: dict[Kind, _Waiting] = {kind: _Waiting() for kind in KINDS}
        self._news = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def tell(self, kind: Kind, text: str) -> None:
        """A line about something of this kind, to everybody."""
        if not self._addresses or kind not in self._about:
            return
        with self._news:
            waiting = self._waiting[kind]
            waiting.lines.append(text)
            if len(waiting.lines) > MOST_WAITING:
                del waiting.lines[0]
                waiting.dropped += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="notifier", daemon=True)
                self._thread.start()
            self._news.notify()

    def close(self, patience_s: float = 10.0) -> None:
        """Send what waits, whatever its kind's turn, and end; after `patience_s` it is left."""
        with self._news:
            self._closing = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(patience_s)

    # ------------------------------------------------------------ the thread
    def _work(self) -> None:
        while True:
            with self._news:
                due, next_s = self._due()
                while not due and not self._closing:
                    self._news.wait(next_s)
                    due, next_s = self._due()
                if not due:
                    return
                letters: list[tuple[Kind, str]] = [(kind, self._letter(kind)) for kind in due]
            for kind, text in letters:
                self._send_to_all(f"cellrig, {self._bench}: {TITLES[kind]}", text)

    def _due(self) -> tuple[list[Kind], float | None]:
        """The kinds whose turn it is, and after how many seconds the next one's comes."""
        now_s = wall_monotonic()
        due: list[Kind] = []
        soonest: float | None = None
        for kind, waiting in self._waiting.items():
            if not waiting.lines:
                continue
            left_s = 0.0 if waiting.sent_s is None else waiting.sent_s + self._every_s - now_s
            if left_s <= 0 or self._closing:
                due.append(kind)
            else:
                soonest = left_s if soonest is None else min(soonest, left_s)
        return due, soonest

    def _letter(self, kind: Kind) -> str:
        waiting = self._waiting[kind]
        shown = waiting.lines[-LINES_SHOWN:]
        more = len(waiting.lines) - len(shown) + waiting.dropped
        waiting.lines, waiting.dropped, waiting.sent_s = [], 0, wall_monotonic()
        return "\n".join([*([f"{more} more before these:"] if more else []), *shown])

    def _send_to_all(self, title: str, text: str) -> None:
        problems: list[str] = []
        for number, address in enumerate(self._addresses, 1):
            problem = self._send_one(address, title, text)
            if problem:
                problems.append(f"the message {title!r} did not get to address {number}: {problem}")
                log.warning("%s", problems[-1])
        _walled(self._on_sent, problems)

    def _send_one(self, address: str, title: str, text: str) -> str:
        """What went wrong; a thread for each, so that one that hangs keeps no other from its turn."""
        outcome: list[str] = []

        def work() -> None:
            try:
                outcome.append("" if self._send(address, title, text) else "it was refused, or could not be reached")
            except Exception as error:  # noqa: BLE001  a wall; its text may hold the address, so only its kind is told
                outcome.append(f"it failed ({type(error).__name__})")

        thread = threading.Thread(target=work, name="message", daemon=True)
        thread.start()
        thread.join(self._send_s)
        return outcome[0] if outcome else f"no answer within {self._send_s:.0f} s"

    def test(self, text: str) -> list[str]:
        """Send `text` to each address now; for each what went wrong, empty when it got there."""
        return [self._send_one(address, f"cellrig, {self._bench}: a test", text) for address in self._addresses]


def send_by_apprise(address: str, title: str, text: str) -> bool:
    one = silent_apprise()()  # half a second, in the notifier's own thread
    return bool(one.add(address)) and bool(one.notify(body=text, title=title))


def notifier_of(config: BenchConfig, on_sent: OnSent = lambda problems: None) -> Notifier:
    """The one that a bench file and the user's file ask for. Where the latter won't do it is silent, and says so."""
    problems: list[str] = []
    table = config.model.notify
    try:
        found = recipients(table.to, config.place)
    except BadInput as error:
        problems.append(f"nobody will be told of anything: {error}")
        log.warning("%s", problems[0])
        found = {}
    if not found:
        _walled(on_sent, problems)
    return Notifier(config.name, _flat(found), table.about, 60 * table.every_min, on_sent=on_sent)


def _walled(on_sent: OnSent, problems: list[str]) -> None:
    """A full disk, say, must take neither the next message along nor a guard that has just been started."""
    try:
        on_sent(problems)
    except CellrigError:
        log.exception("what became of a message could not be kept")


def _flat(found: Mapping[str, Sequence[str]]) -> list[str]:
    return [url for urls in found.values() for url in urls]
