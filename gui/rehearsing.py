"""The form's plan rehearsed: its runs are shown on the plots as they go, what they told on a page of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gui.model.rehearsal import Rehearsal
from gui.panels.rehearsal import RehearsalPage
from gui.panels.runs_model import RunRow

if TYPE_CHECKING:
    from gui.window import BenchWindow


class Rehearsing:
    """One rehearsal at a time; the next takes the place of the one before."""

    def __init__(self, window: BenchWindow) -> None:
        self._window = window
        self.rehearsal = Rehearsal()
        self.page = RehearsalPage()
        self._table: dict[str, Any] = {}
        self._rows: list[RunRow] = []
        window.tabs.addTab(self.page, self.page.title)
        window.tabs.setTabVisible(window.tabs.indexOf(self.page), False)
        self.page.cancel_asked.connect(self.cancel)
        self.rehearsal.began.connect(self._began)
        self.rehearsal.progressed.connect(self.page.progress)
        self.rehearsal.ended.connect(self._ended)
        self.rehearsal.failed.connect(self._failed)
        window.new_run.rehearse_asked.connect(self.start)

    def start(self, table: dict[str, Any]) -> None:
        self._forget()
        self._table = table
        self.page.begin(f"{table['run'][0]['procedure']} of {table['sample'].get('name', 'the sample')}")
        tabs = self._window.tabs
        tabs.setTabVisible(tabs.indexOf(self.page), True)
        tabs.setCurrentWidget(self.page)
        try:
            self.rehearsal.start(table, self._window.new_run.bench)
        except OSError as error:
            self._failed(f"there is no room for a rehearsal: {error}")

    def cancel(self) -> None:
        self.rehearsal.cancel()
        self._forget()
        self.page.fail("The rehearsal was cancelled.")

    def close(self) -> None:
        self.rehearsal.close()

    def _began(self, folder: Path) -> None:
        row = RunRow(
            key=str(folder),
            procedure=self._table["run"][0]["procedure"],
            sample=str(self._table["sample"].get("name", "")),
            state="rehearsal",
            path=folder,
            shown=True,
        )
        self._rows.append(row)
        self._window.showing.add_row(row)

    def _ended(self, told: dict[str, Any]) -> None:
        self.page.end(told)
        self._window.showing.refresh_rows()
        trips = sum(len(one["interlocks"]) for one in told["runs"])
        outcomes = ", ".join(f"{one['procedure']} {one['outcome']}" for one in told["runs"]) or "nothing was begun"
        level = "info" if not trips and all(one["outcome"] == "finished" for one in told["runs"]) else "warning"
        said = f"; {trips} interlock{'s' if trips > 1 else ''} would trip" if trips else ""
        self._window.log.say(level, f"rehearsed: {outcomes}{said}")

    def _failed(self, sentence: str) -> None:
        self._forget()
        self.page.fail(sentence)
        self._window.log.say("error", sentence)

    def _forget(self) -> None:
        for row in self._rows:
            self._window.showing.remove_row(row)
        self._rows = []
