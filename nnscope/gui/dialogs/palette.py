"""The command palette: type a few letters of any command and press Return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPoint, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from nnscope.gui.dialogs.matching import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtGui import QAction

WIDTH = 520
ROWS = 12
_TO_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """Lists the enabled actions that match; triggers the chosen one after it has closed."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Command palette")
        self._actions = [action for action in actions if action.isEnabled()]
        self.query = QLineEdit()
        self.query.setPlaceholderText("Type a command")
        self.query.setAccessibleName("Command")
        self.list = QListWidget()
        self.list.setAccessibleName("Matching commands")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(8)
        box.addWidget(self.query)
        box.addWidget(self.list)
        self.query.textChanged.connect(self._match)
        self.query.returnPressed.connect(self._run)
        self.query.installEventFilter(self)
        self.list.itemClicked.connect(self._run)
        self._match("")

    def show_over(self, window: QWidget) -> None:
        """Open at the top of a window."""
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        corner = window.mapToGlobal(QPoint((window.width() - WIDTH) // 2, 80))
        self.move(corner)
        self.show()
        self.query.setFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """The arrow keys move through the list while the letters go to the query."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _TO_LIST:
            self.list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _match(self, text: str) -> None:
        found = rank(text, [words(action) for action in self._actions])
        self.list.clear()
        for at in found:
            action = self._actions[at]
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(action.icon(), f"{words(action)}{f'    {keys}' if keys else ''}")
            item.setData(Qt.ItemDataRole.UserRole, at)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        rows = min(ROWS, max(1, self.list.count()))
        self.list.setFixedHeight(rows * max(24, self.list.sizeHintForRow(0)) + 4)
        self.adjustSize()

    def _run(self) -> None:
        item = self.list.currentItem()
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)] if item is not None else None
        self.close()
        if action is not None:
            action.trigger()


def words(action: QAction) -> str:
    """An action's text without the marks for its letter and its dots."""
    return action.text().replace("&", "").removesuffix("…").strip()
