"""A slider with a number beside it, for the index of one fixed axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts
from nnscope.gui.text import Label
from nnscope.gui.wheel import guard_wheel

if TYPE_CHECKING:
    from nnscope.gui.inspector.presets import SliderSpec


class AxisSlider(QWidget):
    """Emits ``moved`` (virtual axis, index)."""

    moved = pyqtSignal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis = 0
        self._name = Label("", "secondary")
        self._name.setMinimumWidth(56)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self._number = QSpinBox()
        self._number.setFont(fonts.tabular())
        self._number.setKeyboardTracking(False)
        guard_wheel(self.slider, self._number)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._name)
        row.addWidget(self.slider, 1)
        row.addWidget(self._number)
        self.slider.valueChanged.connect(self._number.setValue)
        self._number.valueChanged.connect(self._moved)

    def show_spec(self, spec: SliderSpec) -> None:
        """Stand at this axis and index."""
        self._axis = spec.axis
        name = plain(spec.name, 24)
        self._name.setText(name)
        for widget in (self.slider, self._number):
            widget.setAccessibleName(f"Index of {name}")
            with QSignalBlocker(widget):
                widget.setRange(0, spec.size - 1)
                widget.setValue(spec.index)
        self._number.setSuffix(f" / {spec.size - 1}")

    def _moved(self, index: int) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(index)
        self.moved.emit(self._axis, index)
