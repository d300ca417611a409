"""A slider with a number beside it, for a quantity whose useful values span orders of magnitude, or few."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QSlider, QWidget

from nnscope.gui.inspector.number_field import NumberField
from nnscope.gui.text import tooltip
from nnscope.gui.wheel import guard_wheel

STEPS = 1000  # places of the slider


@dataclass(frozen=True, slots=True)
class Range:
    """The values a slider goes over; ``log``: equal ways are equal ratios, so ``low`` > 0."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> int:
        """Where on the slider a value is."""
        if self.high <= self.low:
            return 0
        value = min(max(value, self.low), self.high)
        if self.log:
            return round(STEPS * math.log(value / self.low) / math.log(self.high / self.low))
        return round(STEPS * (value - self.low) / (self.high - self.low))

    def value(self, place: int) -> float:
        """The value at a place, to three digits: nobody aims better with a slider."""
        share = place / STEPS
        if self.log:
            return float(f"{self.low * (self.high / self.low) ** share:.3g}")
        return float(f"{self.low + share * (self.high - self.low):.3g}")


class NumberSlider(QWidget):
    """Emits ``moved`` (value) when the user moves the slider or types a number within its range."""

    moved = pyqtSignal(float)

    def __init__(self, name: str, hint: str, span: Range, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._span = span
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setSingleStep(STEPS // 100)
        self.slider.setPageStep(STEPS // 10)
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(tooltip(hint))
        self.field = NumberField(name, hint)
        self.field.limit(span.low, span.high)
        guard_wheel(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        self.slider.valueChanged.connect(lambda place: self._tell(span.value(place)))
        self.field.typed.connect(self._tell)

    def show_value(self, value: float) -> None:
        """Stand at a value, without telling."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._span.place(value))
        self.field.show_value(value)

    def _tell(self, value: float) -> None:
        self.show_value(value)
        self.moved.emit(value)
