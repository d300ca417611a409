"""A shortcut in a list: drawn as keys, and changed by pressing others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QModelIndex, QObject, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPalette, QPen
from PyQt6.QtWidgets import QAbstractItemView, QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from nnscope.gui import fonts
from nnscope.gui.bindings import caps

if TYPE_CHECKING:
    from PyQt6.QtGui import QFocusEvent

KEYS_ROLE = Qt.ItemDataRole.UserRole + 1  # the shortcut, portable
CHANGED_ROLE = Qt.ItemDataRole.UserRole + 2  # whether it isn't the default
ROW = 28  # height
CAP = 20  # height of a key
PAD = 6  # pixels left and right of its name
GAP = 3  # between keys
EDGE = 10  # free pixels at the right

_MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta)
_SHIFT, _KEYPAD = 0x02000000, 0x20000000  # bits of a combination
_NONE = (Qt.Key.Key_Backspace, Qt.Key.Key_Delete)


class KeyField(QLineEdit):
    """Waits for keys. Emits once: ``taken`` with them, an empty text after Backspace or Delete, or ``left``."""

    taken = pyqtSignal(str)
    left = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waits = True
        self.setReadOnly(True)
        self.setPlaceholderText("Press keys, or Backspace for none")
        self.setAccessibleName("New shortcut")
        self.setAccessibleDescription("Press the new keys, Backspace for no shortcut, or Escape to leave")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def event(self, event: QEvent | None) -> bool:
        """Every key is meant for this field: no shortcut, and no Tab that leaves it."""
        if event is not None and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            self.keyPressEvent(event)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the keys as soon as they are more than modifiers."""
        if event is None or event.key() in _MODIFIERS:
            return
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if plain and event.key() == Qt.Key.Key_Escape:
            self._end(None)
        else:
            self._end("" if plain and event.key() in _NONE else pressed(event))

    def focusOutEvent(self, event: QFocusEvent | None) -> None:  # noqa: N802 - Qt's name
        """Who goes elsewhere leaves things as they are."""
        super().focusOutEvent(event)
        self._end(None)

    def _end(self, keys: str | None) -> None:
        if not self._waits:
            return
        self._waits = False
        if keys is None:
            self.left.emit()
        else:
            self.taken.emit(keys)


def pressed(event: QKeyEvent) -> str:
    """The keys of an event, portable. Shift counts only where it isn't what makes the character (``?``, ``+``)."""
    keys = event.keyCombination().toCombined() & ~_KEYPAD
    typed = event.text()
    if typed and typed[0].isprintable() and not (typed[0].isalnum() or typed[0].isspace()):
        keys &= ~_SHIFT
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)


class KeysDelegate(QStyledItemDelegate):
    """Draws `KEYS_ROLE` as keys, those that aren't the default in the accent colour, and edits them in place.

    Emits ``chosen`` (the entry, the keys pressed).
    """

    chosen = pyqtSignal(QModelIndex, str)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """All rows are of one height."""
        return QSize(super().sizeHint(option, index).width(), ROW)

    def createEditor(  # noqa: N802 - Qt's name
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """A field that ends as soon as keys were pressed."""
        field = KeyField(parent)
        field.taken.connect(lambda keys: self._take(field, index, keys))
        field.left.connect(lambda: self.closeEditor.emit(field))
        return field

    def setModelData(self, editor: QWidget | None, model: object, index: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """Who listens to ``chosen`` writes what is accepted."""

    def eventFilter(self, editor: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Keys go to the field, which knows what Tab, Return and Escape are to mean."""
        keys = (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride, QEvent.Type.FocusOut)
        return event is not None and event.type() not in keys and super().eventFilter(editor, event)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """The ground as usual, then the keys from the right."""
        super().paint(painter, option, index)
        keys = caps(str(index.data(KEYS_ROLE) or ""))
        if painter is None or not keys or self._is_edited(option, index):
            return
        role = QPalette.ColorRole
        pen = QPen(option.palette.color(role.Link if index.data(CHANGED_ROLE) else role.PlaceholderText))
        painter.save()
        painter.setFont(fonts.interface(fonts.SMALL))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetrics(painter.font())
        right = option.rect.right() - EDGE
        for key in reversed(keys):
            wide = max(CAP, metrics.horizontalAdvance(key) + 2 * PAD)
            cap = QRect(right - wide, option.rect.center().y() - CAP // 2, wide, CAP)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(option.palette.color(role.Midlight))
            painter.drawRoundedRect(QRectF(cap), 4, 4)
            painter.setPen(pen)
            painter.drawText(cap, int(Qt.AlignmentFlag.AlignCenter), key)
            right = cap.left() - GAP
        painter.restore()

    def _take(self, field: KeyField, index: QModelIndex, keys: str) -> None:
        self.closeEditor.emit(field)
        self.chosen.emit(index, keys)

    def _is_edited(self, option: QStyleOptionViewItem, index: QModelIndex) -> bool:
        view = option.widget
        return isinstance(view, QAbstractItemView) and view.indexWidget(index) is not None
