"""Colours of the window, light and dark, and the style sheet made of them. State is never told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from string import Template

from PyQt5.QtGui import QColor, QPalette

from gui.graph import pg
from gui.icons import check_box, chevron


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb. `viridis` is the part of the map that can be read on this background."""

    name: str
    window: str
    panel: str
    alternate: str
    field: str
    text: str
    muted: str
    faint: str
    border: str
    accent: str
    on_accent: str
    good: str
    warn: str
    bad: str
    bad_dark: str
    on_bad: str
    good_back: str
    warn_back: str
    bad_back: str
    plot: str
    viridis: tuple[float, float]
    categories: tuple[str, ...]

    def temperature_colour(self, share: float) -> QColor:
        """Cold to hot, `share` from 0 to 1."""
        low, high = self.viridis
        return QColor(_viridis(low + (high - low) * min(max(share, 0.0), 1.0)))

    def category(self, number: int) -> str:
        return self.categories[number % len(self.categories)]


@lru_cache(maxsize=1024)
def _viridis(share: float) -> QColor:
    """To be copied: whoever asks next gets the same one. Of 64 spectra the map alone would cost two milliseconds."""
    return pg.colormap.get("viridis").map(share, mode="qcolor")


# Okabe and Ito's colours, told apart by colour-blind people; the blue is lighter on a dark ground.
_OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#7a7a7a")
LIGHT = Theme(
    name="light",
    window="#eef1f4",
    panel="#ffffff",
    alternate="#f6f8fa",
    field="#ffffff",
    text="#1d2630",
    muted="#566370",
    faint="#9aa5b0",
    border="#d0d7df",
    accent="#1565a9",
    on_accent="#ffffff",
    good="#1b7f4d",
    warn="#9a5700",
    bad="#c62828",
    bad_dark="#9b1c1c",
    on_bad="#ffffff",
    good_back="#e6f4ec",
    warn_back="#fff4e0",
    bad_back="#fdecea",
    plot="#ffffff",
    viridis=(0.0, 0.83),
    categories=_OKABE_ITO,
)
DARK = replace(
    LIGHT,
    name="dark",
    window="#15191e",
    panel="#1e242b",
    alternate="#232a32",
    field="#14181d",
    text="#e4e9ee",
    muted="#98a5b3",
    faint="#5a6570",
    border="#36404b",
    accent="#4da3e6",
    on_accent="#0c1116",
    good="#46c08a",
    warn="#f2b04b",
    bad="#e5484d",
    bad_dark="#b3262b",
    good_back="#15352a",
    warn_back="#3a2c12",
    bad_back="#3d1d1f",
    plot="#1e242b",
    viridis=(0.30, 1.0),
    categories=("#5fb0e6", "#f08a4b", "#46c08a", "#e29fc6", "#E69F00", "#9ad0f5", "#a0a0a0"),
)
THEMES = {one.name: one for one in (LIGHT, DARK)}


def palette_of(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.field,
        QPalette.ColorRole.AlternateBase: theme.alternate,
        QPalette.ColorRole.ToolTipBase: theme.panel,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.panel,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Mid: theme.border,
        QPalette.ColorRole.Dark: theme.border,
        QPalette.ColorRole.Light: theme.panel,
        QPalette.ColorRole.Midlight: theme.panel,
        QPalette.ColorRole.PlaceholderText: theme.muted,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return palette


_STYLE = Template("""
QMainWindow::separator { background: $window; width: 5px; height: 5px; }
QToolTip { color: $text; background: $panel; border: 1px solid $border; padding: 4px; }
QMenuBar { background: $panel; } QMenuBar::item { padding: 3px 8px; background: transparent; }
QMenuBar::item:selected { background: $alternate; }
QMenu { background: $panel; border: 1px solid $border; } QMenu::item { padding: 4px 22px 4px 18px; }
QMenu::item:selected { background: $accent; color: $on_accent; } QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 3px 6px; }
QDockWidget { font-weight: 600; color: $muted; }
QDockWidget::title { background: $window; padding: 5px 8px; }
QFrame#card { background: $panel; border: 1px solid $border; border-radius: 6px; }
QToolBar#runBar { background: $panel; border: 0; border-bottom: 1px solid $border; padding: 0; spacing: 0; }
QLabel[look="head"] { font-weight: 600; }
QLabel[look="muted"] { color: $muted; }
QLabel[look="big"] { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 14pt; font-weight: 600; }
QLabel[look="mono"] { font-family: "DejaVu Sans Mono", Consolas, monospace; }
QLabel[look="error"] { color: $bad; font-size: 8.5pt; }
QLabel[look="group"] { color: $accent; font-weight: 600; }
QLabel[look="warn-box"] { background: $warn_back; color: $warn; border-radius: 4px; padding: 5px 7px; }
QLabel[look="bad-box"] { background: $bad_back; color: $bad; border-radius: 4px; padding: 5px 7px; }
QLabel[look="good-box"] { background: $good_back; color: $good; border-radius: 4px; padding: 5px 7px; }
QLabel#pill { border-radius: 11px; padding: 4px 14px; font-weight: 700; color: $on_accent; background: $muted; }
QLabel#pill[tone="good"] { background: $good; } QLabel#pill[tone="warn"] { background: $warn; }
QLabel#pill[tone="bad"] { background: $bad; color: $on_bad; } QLabel#pill[tone="accent"] { background: $accent; }
QPushButton#stop { background: $bad; color: $on_bad; font-size: 13pt; font-weight: 800;
    border: 2px solid $bad_dark; border-radius: 7px; padding: 7px 24px; }
QPushButton#stop:hover, QPushButton#stop:pressed { background: $bad_dark; }
QPushButton#stop:focus { border: 2px solid $text; }
QPushButton[kind="primary"] { background: $accent; color: $on_accent; font-weight: 600;
    border: 1px solid $accent; border-radius: 5px; padding: 6px 14px; }
QPushButton[kind="primary"]:disabled { background: $border; color: $muted; border-color: $border; }
QPushButton[kind="primary"]:focus, QPushButton[kind="plain"]:focus { border: 1px solid $text; }
QPushButton[kind="plain"] { background: $panel; border: 1px solid $border; border-radius: 5px; padding: 5px 11px; }
QPushButton[kind="plain"]:hover, QToolButton#plain:hover { background: $alternate; }
QPushButton[kind="plain"]:disabled { color: $muted; background: $window; }
QPushButton#loadPlan { padding-right: 26px; } QPushButton#loadPlan::menu-indicator { image: url("$chevron");
    width: 12px; height: 12px; subcontrol-origin: padding; subcontrol-position: right center; right: 8px; }
QToolButton#plain { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px; }
QToolButton#plain:checked { background: $window; border: 1px solid $border; }
QToolButton#plain:focus { border: 1px solid $accent; }
QTabWidget::pane { border: 1px solid $border; background: $panel; border-radius: 4px; top: -1px; }
QTabBar::tab { background: transparent; color: $muted; padding: 6px 9px; border: 1px solid transparent;
    border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $text; background: $panel; border-color: $border; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; } QTabBar::tab:disabled { color: $faint; }
QLineEdit, QComboBox, QPlainTextEdit { background: $field; border: 1px solid $border; border-radius: 4px;
    padding: 3px 6px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:focus, QComboBox:focus, QPlainTextEdit:focus { border: 1px solid $accent; }
QLineEdit[wrong="true"], QPlainTextEdit[wrong="true"] { border: 1px solid $bad; background: $bad_back; }
QLineEdit:disabled, QComboBox:disabled { color: $muted; background: $window; }
QComboBox::drop-down { border: 0; width: 20px; }
QComboBox::down-arrow { image: url("$chevron"); width: 12px; height: 12px; margin-right: 6px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $border; selection-background-color: $accent;
    selection-color: $on_accent; }
QTableView { background: $panel; alternate-background-color: $alternate; border: 0; gridline-color: transparent;
    selection-background-color: $picked; selection-color: $text; }
QTableView::indicator, QCheckBox::indicator { width: 14px; height: 14px; }
QTableView::indicator:checked, QCheckBox::indicator:checked { image: url("$box_on"); }
QTableView::indicator:unchecked, QCheckBox::indicator:unchecked { image: url("$box_off"); }
QHeaderView::section { background: $window; color: $muted; border: 0; padding: 5px 8px; font-weight: 600; }
QTableCornerButton::section { background: $window; border: 0; }
QPlainTextEdit#log { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: 8.5pt; border: 0;
    background: $panel; }
QStatusBar { background: $window; color: $muted; } QStatusBar::item { border: 0; }
QProgressBar { border: 0; background: $border; border-radius: 4px; max-height: 8px; min-height: 8px; }
QProgressBar::chunk { background: $good; border-radius: 4px; }
QScrollArea { border: 0; background: transparent; } QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar::handle:vertical { background: $border; border-radius: 5px; min-height: 26px; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle:horizontal { background: $border; border-radius: 5px; min-width: 26px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def style_of(theme: Theme) -> str:
    """Sizes that must follow the text are in pt; thin lines in px are fine on any screen."""
    colours = {one.name: getattr(theme, one.name) for one in fields(theme)}
    accent = QColor(theme.accent)
    return _STYLE.substitute(
        colours,
        picked=f"rgba({accent.red()}, {accent.green()}, {accent.blue()}, 50)",
        chevron=chevron(theme.muted),
        box_on=check_box(theme.accent, theme.on_accent),
        box_off=check_box(theme.muted, None),
    )
