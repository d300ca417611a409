"""The command palette: type a few letters of any command and press Return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPoint, Qt
from PyQt6.QtGui import QIcon, QKeyEvent, QKeySequence, QPainter, QPalette, QPixmap
from PyQt6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from nnscope.gui import icons
from nnscope.gui.dialogs.matching import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PyQt6.QtCore import QModelIndex
    from PyQt6.QtGui import QAction

KEYS_ROLE = Qt.ItemDataRole.UserRole + 1
WIDTH = 520
ROWS = 12
_TO_LIST = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """Lists the enabled actions that match; triggers the chosen one after it has closed."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Command palette")
        self.setProperty("role", "popup")
        self._actions = [action for action in actions if action.isEnabled()]
        self.query = QLineEdit()
        self.query.setPlaceholderText("Type a command")
        self.query.setAccessibleName("Command")
        blank = QPixmap(icons.SIZE, icons.SIZE)
        blank.fill(Qt.GlobalColor.transparent)
        self._blank = QIcon(blank)
        self.list = QListWidget()
        self.list.setItemDelegate(_KeysDelegate(self.list))
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
            item = QListWidgetItem(action.icon() if not action.icon().isNull() else self._blank, words(action))
            item.setData(Qt.ItemDataRole.UserRole, at)
            item.setData(KEYS_ROLE, action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
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


class _KeysDelegate(QStyledItemDelegate):
    """A row with its shortcut at the right."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        if painter is not None:
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            area = option.rect.adjusted(0, 0, -8, 0)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area, int(flags), str(index.data(KEYS_ROLE) or ""))


def words(action: QAction) -> str:
    """An action's text without the marks for its letter and its dots."""
    return action.text().replace("&", "").removesuffix("…").strip()
