"""Asking for a file or a folder without holding up the window: data go on, STOP stays a click away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QFileDialog, QWidget

Then = Callable[[Path], object]


def ask_to_open(parent: QWidget, title: str, start: str, kinds: str, then: Then, *, several: bool = False) -> None:
    """`then` is called with each file that is chosen."""
    dialog = QFileDialog(parent, title, start, kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles if several else QFileDialog.FileMode.ExistingFile)
    _show(dialog, then)


def ask_to_save(parent: QWidget, title: str, proposed: str, kinds: str, then: Then) -> None:
    dialog = QFileDialog(parent, title, str(Path(proposed).parent), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(Path(proposed).name)
    dialog.setDefaultSuffix(_ending(kinds))
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_ending(kind)))
    _show(dialog, then)


def ask_for_folder(parent: QWidget, title: str, start: str, then: Then) -> None:
    dialog = QFileDialog(parent, title, start)
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
    _show(dialog, then)


def _ending(kinds: str) -> str:
    """`png` of `PNG (*.png);;SVG (*.svg)`."""
    return kinds.partition("*.")[2].partition(")")[0].partition(" ")[0]


def _show(dialog: QFileDialog, then: Then) -> None:
    def take(names: list[str]) -> None:
        for name in names:
            then(Path(name))

    dialog.filesSelected.connect(take)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setModal(False)
    dialog.show()
