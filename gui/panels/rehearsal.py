"""The page of a rehearsal: what the run would do, as it went on the bench's simulated twin."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QTextBrowser, QVBoxLayout, QWidget

from gui.panels.small import button, label
from gui.words import span

WARNINGS_SHOWN = 12


class RehearsalPage(QWidget):
    title = "Rehearsal"
    cancel_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rehearsalPage")
        self.setAccessibleName("Rehearsal")
        self.told = label("", "muted", "rehearsalTold")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the rehearsal")
        self.cancel = button("Cancel", "End the rehearsal; nothing real is touched by it (Esc)", "cancelRehearsal")
        self.cancel.setShortcut("Esc")
        self.text = QTextBrowser()
        self.text.setObjectName("rehearsalText")
        self.text.setAccessibleName("What was seen in the rehearsal")
        self.text.setTabChangesFocus(True)
        self.text.setFrameShape(QFrame.Shape.NoFrame)
        self._going = QWidget()
        row = QHBoxLayout(self._going)
        row.setContentsMargins(10, 8, 10, 4)
        row.addWidget(self.told, 2)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._going)
        column.addWidget(self.text, 1)
        self.cancel.clicked.connect(self.cancel_asked)

    def begin(self, what: str) -> None:
        self._going.show()
        self.bar.setValue(0)
        self.told.setText(f"Rehearsing {what} on the bench's simulated twin")
        self.text.clear()

    def progress(self, words: str, share: float) -> None:
        self.told.setText(f"Rehearsing: {words}")
        self.bar.setValue(round(1000 * share))

    def end(self, told: Mapping[str, Any]) -> None:
        self._going.hide()
        self.text.setHtml(f"<div style='margin:10px'>{page_of(told)}</div>")

    def fail(self, sentence: str) -> None:
        self._going.hide()
        self.text.setPlainText(sentence)


def page_of(told: Mapping[str, Any]) -> str:
    """HTML of what `cellrig rehearse --json` tells."""
    parts = [f"<p>On the twin of <b>{html.escape(told['bench'])}</b>; nothing real was touched. The plots show it.</p>"]
    parts += [f"<p>{html.escape(note)}</p>" for note in told["notes"]]
    for one in told["runs"]:
        parts += _run(one)
    if not told["runs"]:
        parts.append("<p>No run was begun.</p>")
    return "".join(parts)


def _run(one: Mapping[str, Any]) -> list[str]:
    parts = [f"<h3>{html.escape(one['procedure'])}: {one['outcome']} after {span(one['seconds'])}</h3>"]
    if one["outcome"] != "finished":
        parts.append(f"<p><b>{html.escape(one['reason'])}</b></p>")
    facts = [f"{one['rows']} rows", f"{one['disk_bytes'] / 1e6:.1f} MB of disk"]
    facts += [f"{one['spectra']} spectra"] if one["spectra"] else []
    facts += [f"{one['cycles']} cycles"] if one["cycles"] else []
    if one["temperature_C"] is not None:
        low, high = one["temperature_C"]
        facts.append(f"furnace from {low:.1f} to {high:.1f} °C")
    parts.append(f"<p>{' · '.join(facts)}</p>")
    parts += _interlocks(one["interlocks"])
    parts += _warnings([text for text in one["warnings"] if not text.startswith("interlock:")])
    rows = [(span(s["began_s"]), html.escape(s["title"]), s["state"], span(s["seconds"])) for s in one["steps"]]
    return [*parts, _table(("begins after", "step", "state", "takes"), rows)]


def _interlocks(trips: Sequence[Mapping[str, Any]]) -> list[str]:
    if not trips:
        return ["<p>No interlock would trip.</p>"]
    rows = []
    for trip in trips:
        cleared = trip["cleared_t_s"]
        lasts = "it does not clear" if cleared is None else f"clears after {span(cleared - trip['tripped_t_s'])}"
        did = str(trip["action"]).replace("_", " ")
        rows.append((span(trip["tripped_t_s"]), html.escape(str(trip["text"])), did, lasts))
    count = f"{len(rows)} interlock{'s' if len(rows) > 1 else ''}"
    return [f"<p><b>{count} would trip</b></p>", _table(("after", "what", "does", "and"), rows)]


def _warnings(texts: Sequence[str]) -> list[str]:
    shown = "".join(f"<li>{html.escape(text)}</li>" for text in texts[:WARNINGS_SHOWN])
    more = f"<p>and {len(texts) - WARNINGS_SHOWN} more</p>" if len(texts) > WARNINGS_SHOWN else ""
    return [f"<p>Warnings</p><ul>{shown}</ul>{more}"] if texts else []


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th align='left'>{one}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table cellpadding='3' cellspacing='4'><tr>{head}</tr>{body}</table>"
