"""The numbers of the ticked runs: value, uncertainty, where it holds, or why it is not told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from daq.contracts import Result
from gui.model.analyser import Analysis
from gui.panels.small import label
from gui.plots.pane import ShownRun
from procedures.result_place import on_its_clock
from procedures.result_words import interval_of, name_of, value_of, where_of

HEADS = ("Run", "Quantity", "At", "Value", "95 % interval", "Method, or why there is none")
MOST_PX = 260  # of a column's width


class ResultsPane(QWidget):
    title = "Results"
    key = "results"

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("plot_results")
        self.analyses: dict[str, Analysis] = {}
        self.shown: list[ShownRun] = []
        self.table = QTableWidget(0, len(HEADS))
        self.table.setObjectName("results")
        self.table.setAccessibleName("Results")
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        rows, head = self.table.verticalHeader(), self.table.horizontalHeader()
        if rows is not None and head is not None:
            rows.hide()
            rows.setDefaultSectionSize(25)
            head.setStretchLastSection(True)
            head.setResizeContentsPrecision(0)  # by the rows that are seen: there may be thousands
            head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.note = label("", "muted")
        self.note.setWordWrap(True)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(8, 6, 8, 6)
        column_layout.addWidget(self.table, 1)
        column_layout.addWidget(self.note)

    def set_runs(self, shown: Sequence[ShownRun]) -> None:
        self.shown = list(shown)
        self.refresh()

    def set_analysis(self, run_id: str, analysis: Analysis) -> None:
        self.analyses[run_id] = analysis
        if any(one.view.head.id == run_id for one in self.shown):
            self.refresh()

    def refresh(self) -> None:
        procedures = {one.view.head.procedure for one in self.shown}
        found = [(one, result) for one in self.shown for result in self._results_of(one)]
        self.table.setRowCount(len(found))
        for number, (one, result) in enumerate(found):
            run = one.called() if len(procedures) == 1 else f"{one.view.head.procedure} · {one.called()}"
            texts = _texts(run, result)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(number, column, item)
        self.table.setColumnHidden(0, len(self.shown) == 1)
        self.table.resizeColumnsToContents()
        for column in range(len(HEADS) - 1):
            self.table.setColumnWidth(column, min(self.table.columnWidth(column), MOST_PX))
        problems = [self.analyses[one.view.head.id].problem for one in self.shown if one.view.head.id in self.analyses]
        self.note.setText("; ".join(text for text in problems if text))

    def _results_of(self, one: ShownRun) -> Sequence[Result]:
        analysis = self.analyses.get(one.view.head.id)
        found = analysis.results if analysis is not None and analysis.results else one.view.results
        return on_its_clock(found, one.view.head.procedure)


def _texts(run: str, result: Result) -> tuple[str, ...]:
    at: Mapping[str, object] = result.at
    why = result.method if result.value is not None else (result.reason or "")
    return run, name_of(result), where_of(at), value_of(result), interval_of(result), why
