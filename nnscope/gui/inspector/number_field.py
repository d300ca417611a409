"""A field for one number: a point as its decimal sign, whatever the desktop says, and never out of its range."""

from __future__ import annotations

import math

from PyQt6.QtCore import QLocale, Qt, pyqtSignal
from PyQt6.QtGui import QDoubleValidator, QKeyEvent
from PyQt6.QtWidgets import QLineEdit, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.text import tooltip

WIDTH = 64  # logical pixels


class NumberField(QLineEdit):
    """Emits ``typed`` (number) when the user has entered one, ``emptied`` when it was deleted.

    The arrows up and down move it by ``step``. Infinity is shown as an empty field.
    """

    typed = pyqtSignal(float)
    emptied = pyqtSignal()

    def __init__(self, name: str, hint: str = "", step: float = 0.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = (-float("inf"), float("inf"))
        self._value = 0.0
        self._step = step
        self.setFont(fonts.tabular())
        self.setFixedWidth(WIDTH)
        validator = QDoubleValidator(self)
        validator.setLocale(QLocale.c())
        self.setValidator(validator)
        self.setAccessibleName(name)
        self.setToolTip(tooltip(hint or name))
        self.setPlaceholderText("none")
        self.editingFinished.connect(self._entered)

    @property
    def value(self) -> float:
        """The number shown."""
        return self._value

    def limit(self, low: float, high: float) -> None:
        """Numbers beyond are taken as the nearest of these."""
        self._range = (low, high)

    def show_value(self, value: float) -> None:
        """Show a number, unless the user is just typing another one."""
        self._value = value
        if not (self.hasFocus() and self.isModified()):
            self.setText(numbers.typed(value) if math.isfinite(value) else "")
            self.setCursorPosition(0)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Up and down count; Escape takes back what was typed."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        if event is not None and self._step and event.key() in steps:
            self._tell((self._value if math.isfinite(self._value) else 0.0) + steps[Qt.Key(event.key())] * self._step)
        elif event is not None and event.key() == Qt.Key.Key_Escape and self.isModified():
            self.setText(numbers.typed(self._value))
        else:
            super().keyPressEvent(event)

    def _entered(self) -> None:
        if not self.isModified():
            return
        self.setModified(False)
        if not self.text():
            self.emptied.emit()
            return
        try:
            value = float(self.text())
        except ValueError:
            value = self._value
        self._tell(value)

    def _tell(self, value: float) -> None:
        value = min(max(value, self._range[0]), self._range[1])
        self.setModified(False)
        self.show_value(value)
        self.typed.emit(value)
