"""The histogram part of the inspector: the plot, the limits as numbers, and what has no place on the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QLocale, QSignalBlocker, pyqtSignal
from PyQt6.QtGui import QDoubleValidator
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.inspector.histogram_plot import Histogram, HistogramPlot, describe
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.legend import Legend
    from nnscope.core.statistics import TensorStats


class HistogramBox(QWidget):
    """Emits ``limits`` (lo, hi) when the user moves or types a limit, ``reset`` to go back to the default."""

    limits = pyqtSignal(float, float)
    reset = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = HistogramPlot()
        self.low = _field("Lower limit")
        self.high = _field("Upper limit")
        self._reset = QPushButton("Reset")
        self._reset.setProperty("role", "quiet")
        self._odd = Label("", "small")
        self._odd.setFont(fonts.tabular(fonts.SMALL))
        self._odd.setWordWrap(True)
        self._lay_out()
        self.plot.moved.connect(self.limits)
        self.plot.reset.connect(self.reset)
        self._reset.clicked.connect(self.reset)
        for field in (self.low, self.high):
            field.editingFinished.connect(self._typed)

    def show_histogram(self, shown: Histogram | None, legend: Legend | None, custom: bool) -> None:
        """Fill in. ``custom``: the limits are the user's own."""
        self.plot.show_histogram(shown)
        self.plot.setToolTip("Drag the limits; double-click for the default" if shown else "")
        self.plot.setAccessibleDescription(describe(shown))
        domain = shown.normalisation.domain if shown and shown.normalisation else None
        for at, field in enumerate((self.low, self.high)):
            field.setEnabled(domain is not None)
            if not field.hasFocus() or not field.isModified():
                with QSignalBlocker(field):
                    field.setText("" if domain is None else numbers.typed(domain[at]))
                    field.setCursorPosition(0)  # what is too long loses its end, not its beginning
        self._reset.setEnabled(custom)
        self._odd.setText(_odd(shown.stats if shown else None, legend))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.low, 1)
        row.addWidget(Label("to", "secondary"))
        row.addWidget(self.high, 1)
        row.addWidget(self._reset)
        box = QVBoxLayout(self)
        box.setSpacing(8)
        box.addWidget(self.plot)
        box.addLayout(row)
        box.addWidget(self._odd)

    def _typed(self) -> None:
        if not (self.low.isModified() or self.high.isModified()):
            return
        self.low.setModified(False)
        self.high.setModified(False)
        try:
            lo, hi = float(self.low.text()), float(self.high.text())
        except ValueError:
            return
        if lo < hi:
            self.limits.emit(lo, hi)


def _field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setFont(fonts.tabular())
    validator = QDoubleValidator(field)
    validator.setLocale(QLocale.c())  # a point, as everywhere in the window
    field.setValidator(validator)
    field.setAccessibleName(name)
    field.setToolTip(name)
    return field


def _odd(stats: TensorStats | None, legend: Legend | None) -> str:
    """``clipped 1.2%   NaN 3   +Inf 0   -Inf 0``."""
    if stats is None:
        return ""
    parts = [f"clipped {legend.clipped:.2%}"] if legend is not None and legend.normalisation else []
    counts = (("NaN", stats.nan), ("+Inf", stats.posinf), ("-Inf", stats.neginf))
    parts += [f"{name} {numbers.count(value)}" for name, value in counts]
    return "     ".join(parts)
