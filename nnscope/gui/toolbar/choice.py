"""A combo box of named values; entries that don't apply are greyed out and say why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QIcon, QStandardItem, QStandardItemModel
from PyQt6.QtWidgets import QComboBox, QWidget

from nnscope.core.text import plain
from nnscope.gui.text import tooltip
from nnscope.gui.wheel import guard_wheel

if TYPE_CHECKING:
    from collections.abc import Sequence

SWATCH = QSize(48, 12)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, its words, a word of explanation, and why it can't be chosen (empty when it can)."""

    value: str
    title: str
    hint: str = ""
    refusal: str = ""


class Choice(QComboBox):
    """Emits ``chosen`` (value) when the user picks an entry."""

    chosen = pyqtSignal(str)

    def __init__(self, name: str, width: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self._name = name
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.setAccessibleName(name)
        self.setFixedWidth(width)
        self.setPlaceholderText("–")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        guard_wheel(self)
        self.activated.connect(lambda at: self.chosen.emit(self._entries[at].value))

    def offer(self, entries: Sequence[Entry], icons: Sequence[QIcon] = ()) -> None:
        """Show these entries; nothing changes when they are the same."""
        if tuple(entries) == self._entries:
            return
        self._entries = tuple(entries)
        value = self.value
        with QSignalBlocker(self):
            self._items.clear()
            for at, entry in enumerate(entries):
                self._items.appendRow(_item(entry, icons[at] if icons else None))
            self.choose(value)

    @property
    def value(self) -> str:
        """The entry shown."""
        return str(self.currentData() or "")

    def choose(self, value: str) -> None:
        """Show an entry, without telling."""
        at = next((i for i, entry in enumerate(self._entries) if entry.value == value), -1)
        with QSignalBlocker(self):
            self.setCurrentIndex(at)
        entry = self._entries[at] if at >= 0 else None
        self.setToolTip(tooltip(f"{self._name}: {entry.title}\n{entry.hint}".strip()) if entry else self._name)

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """As wide as its longest entry needs."""
        view = self.view()
        if view is not None:
            view.setMinimumWidth(view.sizeHintForColumn(0) + 32)
        super().showPopup()


def _item(entry: Entry, icon: QIcon | None) -> QStandardItem:
    item = QStandardItem(plain(entry.title, 64))
    item.setData(entry.value, Qt.ItemDataRole.UserRole)
    item.setToolTip(tooltip(entry.refusal or entry.hint))
    item.setEnabled(not entry.refusal)
    if icon is not None:
        item.setIcon(icon)
    return item
