"""The list of what went wrong: a sentence each, details on demand, everything can be copied."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from nnscope.core.text import plain
from nnscope.gui import fonts, icons
from nnscope.gui.text import tooltip

if TYPE_CHECKING:
    from nnscope.core.errors import Failure
    from nnscope.core.frame import Theme

KEPT = 200  # entries; the oldest go first


@dataclass(slots=True)
class Entry:
    """A failure, when it was last seen, and how often in a row."""

    failure: Failure
    at: str
    times: int = 1

    @property
    def line(self) -> str:
        """The sentence in the list."""
        often = f"  (×{self.times})" if self.times > 1 else ""
        return f"{self.at}   {plain(str(self.failure), 400)}{often}"

    @property
    def report(self) -> str:
        """All of it, to read in full or to send to someone."""
        failure = self.failure
        where = f"Where: {plain(failure.where, 0)}" if failure.where else ""
        offset = "" if failure.offset is None else f"At byte: {failure.offset}"
        return "\n".join(filter(None, (failure.what, where, offset, failure.remedy, failure.details)))


class FailureList(QWidget):
    """Emits ``changed`` (number of entries)."""

    changed = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self._theme: Theme | None = None
        self.list = QListWidget()
        self.list.setWordWrap(True)
        self.list.setAccessibleName("Problems")
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFont(fonts.mono())
        self.details.setAccessibleName("Details of the problem")
        self.details.setPlaceholderText("Choose a problem to see its details.")
        self._copy = QPushButton("Copy")
        self._clear = QPushButton("Clear all")
        self._lay_out()
        self.list.currentRowChanged.connect(self._show_details)
        self._copy.clicked.connect(self.copy)
        self._clear.clicked.connect(self.clear)
        self._show_details(-1)

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._theme = theme
        for row in range(self.list.count()):
            self._fill(row)

    def add(self, failure: Failure) -> None:
        """Append an entry and select it; the same failure again only counts up."""
        now = time.strftime("%H:%M:%S")
        if self.entries and self.entries[-1].failure == failure:
            self.entries[-1].times += 1
            self.entries[-1].at = now
        else:
            self.entries.append(Entry(failure, now))
            self.list.addItem(QListWidgetItem())
            if len(self.entries) > KEPT:
                self.entries.pop(0)
                self.list.takeItem(0)
        self._fill(len(self.entries) - 1)
        self.list.setCurrentRow(len(self.entries) - 1)
        self._show_details(self.list.currentRow())
        self.changed.emit(len(self.entries))

    def clear(self) -> None:
        """Forget all entries."""
        self.entries.clear()
        self.list.clear()
        self._show_details(-1)
        self.changed.emit(0)

    def copy(self) -> None:
        """The chosen entry with its details to the clipboard."""
        clipboard, row = QApplication.clipboard(), self.list.currentRow()
        if clipboard is not None and 0 <= row < len(self.entries):
            clipboard.setText(self.entries[row].report)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A few lines."""
        return QSize(600, 148)

    def _lay_out(self) -> None:
        buttons = QVBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self._copy)
        buttons.addWidget(self._clear)
        buttons.addStretch(1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.list)
        split.addWidget(self.details)
        split.setSizes([520, 480])
        split.setChildrenCollapsible(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 8)
        row.setSpacing(8)
        row.addWidget(split, 1)
        row.addLayout(buttons)

    def _fill(self, row: int) -> None:
        item, entry = self.list.item(row), self.entries[row]
        if item is None:
            return
        item.setText(entry.line)
        item.setToolTip(tooltip(str(entry.failure)))
        if self._theme is not None:
            item.setIcon(icons.tinted("warning", self._theme.aesthetic))

    def _show_details(self, row: int) -> None:
        chosen = 0 <= row < len(self.entries)
        self.details.setPlainText(self.entries[row].report if chosen else "")
        self._copy.setEnabled(chosen)
        self._clear.setEnabled(bool(self.entries))
