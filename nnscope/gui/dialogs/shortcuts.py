"""The list of shortcuts, made from the actions themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nnscope.gui import fonts
from nnscope.gui.dialogs.palette import words
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PyQt6.QtGui import QAction

COLUMNS = 2
POINTER = (
    ("Drag", "Pan"),
    ("Wheel", "Zoom at the pointer"),
    ("Click", "Pin the cell, show singular values"),
    ("Drag a limit", "Change the colour scale"),
)


class ShortcutList(QDialog):
    """Groups of actions with their keys, in two columns."""

    def __init__(self, groups: Mapping[str, Sequence[QAction]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Shortcuts")
        parts = [(title, [(_keys(a), words(a)) for a in actions if _keys(a)]) for title, actions in groups.items()]
        parts.append(("Mouse", list(POINTER)))
        columns = QHBoxLayout()
        columns.setSpacing(40)
        for column in _balanced([part for part in parts if part[1]]):
            columns.addLayout(_column(column))
        done = QPushButton("Close")
        done.setDefault(True)
        done.clicked.connect(self.close)
        box = QVBoxLayout(self)
        box.setContentsMargins(24, 20, 24, 16)
        box.setSpacing(16)
        box.addLayout(columns)
        box.addWidget(done, 0, Qt.AlignmentFlag.AlignRight)


Part = tuple[str, list[tuple[str, str]]]


def _balanced(parts: list[Part]) -> list[list[Part]]:
    """Parts over the columns, in order, of about equal height."""
    total = sum(len(rows) + 2 for _, rows in parts)
    columns: list[list[Part]] = [[]]
    height = 0
    for part in parts:
        if height >= total / COLUMNS and len(columns) < COLUMNS:
            columns.append([])
            height = 0
        columns[-1].append(part)
        height += len(part[1]) + 2
    return columns


def _column(parts: list[Part]) -> QVBoxLayout:
    box = QVBoxLayout()
    box.setSpacing(8)
    for title, rows in parts:
        box.addWidget(Label(title.upper(), "heading"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for row, (keys, text) in enumerate(rows):
            grid.addWidget(Label(text), row, 0)
            shown = Label(keys, "secondary")
            shown.setFont(fonts.tabular())
            grid.addWidget(shown, row, 1, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        box.addLayout(grid)
        box.addSpacing(8)
    box.addStretch(1)
    return box


def _keys(action: QAction) -> str:
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
