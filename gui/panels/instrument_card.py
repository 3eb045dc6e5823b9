"""A card for each instrument: state, identity, live values and their last hour, age of the reading, manual control."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
)

from gui.model.bench_status import InstrumentStatus
from gui.model.recent import Recent
from gui.panels.manual import ManualControl
from gui.panels.recent_chart import STYLES, RecentChart
from gui.panels.small import ElidedLabel, Lamp, button, label
from gui.theme import LIGHT, Theme
from gui.words import NOTHING, span, with_prefix

MAIN_VALUES = 2
STALE_S = 30.0
GAP_S = 90.0  # a long hold is read every 30 s
# quantity: (name on the card, how it is written)
KNOWN: Mapping[str, tuple[str, str]] = {
    "temperature_C": ("T", "°C"),
    "setpoint_C": ("Target", "°C"),
    "working_setpoint_C": ("Set", "°C"),
    "sample_temperature_C": ("Sample", "°C"),
    "output_percent": ("Power", "%"),
    "voltage_V": ("E", "V"),
    "current_A": ("I", "A"),
    "channel": ("Channel", ""),  # what is read comes before what is set once: the first two stand large
    "state": ("State", ""),
    "data_age_s": ("Data", "s"),
}
LEFT_OUT = frozenset({"setpoint_C"})
ROLES = {"temperature": "Furnace", "potentiostat": "Potentiostat", "cycler": "Cycler"}


class InstrumentCard(QFrame):
    manual_asked = pyqtSignal(str, dict)  # instrument, command
    connect_asked = pyqtSignal(str, bool)

    def __init__(self, status: InstrumentStatus) -> None:
        super().__init__()
        self.name = status.name
        self.setObjectName("card")
        self.setAccessibleName(f"{status.name} card")
        self.lamp = Lamp()
        self.title = label(_title(status), "head")
        self.connection = button("Connect", f"Connect or let go of {status.name}")
        self.identity = ElidedLabel("muted")
        self.faults = label("", "bad-box")
        self.faults.setWordWrap(True)
        self.age = label("", "muted")
        self.values: dict[str, QLabel] = {}
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(3, 1)
        self.manual_toggle = QToolButton()
        self.manual_toggle.setObjectName("plain")
        self.manual_toggle.setText("Manual control")
        self.manual_toggle.setCheckable(True)
        self.manual_toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.manual_toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.manual = ManualControl(status.name, status.role)
        self.manual.hide()
        self._lay_out()
        self.manual_toggle.toggled.connect(self._toggle_manual)
        self.manual.asked.connect(self.manual_asked)
        self.connection.clicked.connect(self._connect)
        self._connected = False
        self._theme: Theme = LIGHT
        self.recent = Recent(list(STYLES))
        self.known: set[str] = set()
        self.charts: dict[str, RecentChart] = {}  # by unit

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.lamp)
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.connection)
        bottom = QHBoxLayout()
        bottom.addWidget(self.manual_toggle)
        bottom.addStretch(1)
        bottom.addWidget(self.age)
        self._graphs = QVBoxLayout()
        self._graphs.setSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(5)
        column.addLayout(top)
        column.addWidget(self.identity)
        column.addLayout(self._grid)
        column.addLayout(self._graphs)
        column.addWidget(self.faults)
        column.addLayout(bottom)
        column.addWidget(self.manual)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.lamp.set_theme(theme)
        for chart in self.charts.values():
            chart.set_theme(theme)

    def note(self, status: InstrumentStatus, t_s: float) -> None:
        """The reading into the last hour; one that is missing or old is a gap. `t_s`: the bench's clock."""
        self.known |= STYLES.keys() & status.values.keys()
        for unit in dict.fromkeys(KNOWN[name][1] for name in STYLES if name in self.known):
            if unit not in self.charts:
                self._chart(unit)
        fresh = status.connected and bool(status.values) and (status.age_s is None or status.age_s <= GAP_S)
        read_s, values = (t_s - (status.age_s or 0.0), status.values) if fresh else (t_s, None)
        if self.charts and self.recent.add(read_s, values):
            for chart in self.charts.values():
                chart.update()

    def _chart(self, unit: str) -> None:
        names = [name for name in STYLES if KNOWN[name][1] == unit]
        chart = self.charts[unit] = RecentChart(self.recent, names, unit, self.name)
        chart.set_theme(self._theme)
        self._graphs.addWidget(chart)

    def show_status(self, status: InstrumentStatus, *, locked_by: str) -> None:
        """`locked_by`: the run that owns the bench, empty when nothing does."""
        self._connected = status.connected
        state = "bad" if status.faults else "off" if not status.connected else "busy" if locked_by else "good"
        words = {"bad": "fault", "off": "not connected", "busy": "in use by the run", "good": "connected"}[state]
        self.lamp.set_state(state, f"{status.name}: {words}")
        self.connection.setText("Disconnect" if status.connected else "Connect")
        self.connection.setEnabled(not locked_by)
        self.identity.setText(status.identity or status.driver + ("" if status.connected else " · not connected"))
        self.faults.setText("; ".join(status.faults))
        self.faults.setVisible(bool(status.faults))
        self._show_values(status.values)
        old = status.age_s is not None and status.age_s > STALE_S
        self.age.setText("" if status.age_s is None else f"{'! ' if old else ''}{span(status.age_s)} ago")
        self.manual_toggle.setText("Manual control (locked)" if locked_by else "Manual control")
        self.manual_toggle.setToolTip(f"{locked_by} owns the bench" if locked_by else "")
        self.manual.setEnabled(status.connected and not locked_by)

    def _show_values(self, values: Mapping[str, float | int | str | None]) -> None:
        """What is not told any more is not shown any more: an old temperature must not pass for a reading."""
        for name in self.values.keys() - values.keys():
            self.values[name].setText(NOTHING)
        places = list(KNOWN)
        for name in sorted(values, key=lambda one: places.index(one) if one in KNOWN else len(places)):
            if name in LEFT_OUT:
                continue
            if name not in self.values:
                self._add_value(name)
            self.values[name].setText(_value_text(name, values[name]))

    def _add_value(self, name: str) -> None:
        place = len(self.values)
        caption = label(KNOWN.get(name, (name, ""))[0], "muted")
        shown = label(NOTHING, "big" if place < MAIN_VALUES else "mono")
        shown.setAlignment(Qt.AlignmentFlag.AlignRight)
        shown.setAccessibleName(f"{self.name} {caption.text()}")
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if place < MAIN_VALUES:
            self._grid.addWidget(caption, place, 0)
            self._grid.addWidget(shown, place, 1, 1, 3)
        else:
            row, column = MAIN_VALUES + (place - MAIN_VALUES) // 2, 2 * ((place - MAIN_VALUES) % 2)
            self._grid.addWidget(caption, row, column)
            self._grid.addWidget(shown, row, column + 1)
        self.values[name] = shown

    def _toggle_manual(self, on: bool) -> None:
        self.manual.setVisible(on)
        self.manual_toggle.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)

    def _connect(self) -> None:
        self.connect_asked.emit(self.name, not self._connected)


def _title(status: InstrumentStatus) -> str:
    role = ROLES.get(status.role, status.role.capitalize())
    return role if role.lower() == status.name.lower() else f"{status.name} ({role})"


def _value_text(name: str, value: float | int | str | None) -> str:
    unit = KNOWN.get(name, ("", name.rpartition("_")[2] if "_" in name else ""))[1]
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if name == "data_age_s":
        return f"{span(float(value))} old"  # of an instrument that is watched through files: never live
    if unit in ("V", "A"):
        return with_prefix(float(value), unit)
    if unit == "°C":
        return f"{value:.2f} °C".replace("-", "−")
    if unit == "%":
        return f"{value:.0f} %"
    return f"{value:g} {unit}".strip()
