"""The instruments: a card each, with what all of them share."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from daq.clock import wall_monotonic
from gui.model.bench_status import BenchStatus, InstrumentStatus
from gui.model.run_view import RunView
from gui.panels.instrument_card import InstrumentCard
from gui.panels.small import label
from gui.theme import LIGHT, Theme

NOTHING = "No bench is connected.\nRuns on disk can be looked at."
COMING = "The bench is being connected.\nRuns on disk can be looked at."
LEAST_PX = 238


class InstrumentsPanel(QScrollArea):
    manual_asked = pyqtSignal(str, dict)
    connect_asked = pyqtSignal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self._theme: Theme = LIGHT
        self.cards: dict[str, InstrumentCard] = {}
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(6, 2, 6, 6)
        self._column.setSpacing(7)
        self.nothing = label(NOTHING, "muted")
        self._column.addWidget(self.nothing)
        self._column.addStretch(1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumWidth(LEAST_PX)

    def show_status(self, status: BenchStatus) -> None:
        present = {one.name for one in status.instruments}
        for name in [name for name in self.cards if name not in present]:
            self.cards.pop(name).deleteLater()
        self.nothing.setVisible(not present)
        self.nothing.setText(COMING if status.state == "connecting" else NOTHING)
        locked_by = status.run.id if status.run is not None and status.busy else ""
        for one in status.instruments:
            if one.name not in self.cards:
                self._add(one)
            self.cards[one.name].show_status(one, locked_by=locked_by)
            self.cards[one.name].note(one, self._now_s(status))
        self.keep_wide_enough()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for card in self.cards.values():
            card.set_theme(theme)

    def fill_from(self, run: RunView, status: BenchStatus) -> None:
        """The hour before the window was there, of the run that goes on: its file has every reading."""
        for card in self.cards.values():
            for table in run.tables.values():
                if table.size and card.known and all(name in table for name in card.known) and "sample" not in table:
                    ago_s = table["t_s"][-1] - table["t_s"]
                    card.recent.fill(self._now_s(status) - ago_s, {name: table[name] for name in card.known})
                    for chart in card.charts.values():
                        chart.update()

    @staticmethod
    def _now_s(status: BenchStatus) -> float:
        return wall_monotonic() * status.speed

    def _add(self, status: InstrumentStatus) -> None:
        card = InstrumentCard(status)
        card.set_theme(self._theme)
        card.manual_asked.connect(self.manual_asked)
        card.connect_asked.connect(self.connect_asked)
        self._column.insertWidget(self._column.count() - 1, card)
        self.cards[status.name] = card

    def keep_wide_enough(self) -> None:
        """No card is cut off at its right: there is no scroll bar for that."""
        inner = self.widget()
        if inner is not None:
            self.setMinimumWidth(max(LEAST_PX, inner.minimumSizeHint().width() + 2 * self.frameWidth()))
