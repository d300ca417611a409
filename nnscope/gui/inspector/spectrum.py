"""The singular values part of the inspector: a button until they are asked for, then plot and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.inspector.spectrum_plot import SpectrumPlot, provenance, summary
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.answer import Spectrum


class SpectrumBox(QWidget):
    """Emits ``wanted`` when the user asks for the singular values."""

    wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ask = QPushButton("Compute singular values")
        self.ask.clicked.connect(self.wanted)
        self._why = Label("", "secondary")
        self._why.setWordWrap(True)
        self.plot = SpectrumPlot()
        self._note = Label("", "small")
        self._note.setWordWrap(True)
        self._numbers = QGridLayout()
        self._numbers.setColumnStretch(1, 1)
        self._rows = [(Label("", "secondary"), Label()) for _ in range(3)]
        for row, (name, value) in enumerate(self._rows):
            value.setFont(fonts.tabular())
            self._numbers.addWidget(name, row, 0)
            self._numbers.addWidget(value, row, 1)
        box = QVBoxLayout(self)
        box.setSpacing(4)
        for widget in (self._why, self.ask, self.plot):
            box.addWidget(widget)
        box.addLayout(self._numbers)
        box.addWidget(self._note)

    def show_spectrum(self, spectrum: Spectrum | None, matrix: bool) -> None:
        """Fill in; ``matrix``: the tensor has singular values (two axes or more, none empty)."""
        self.ask.setVisible(matrix and spectrum is None)
        self._why.setVisible(not matrix)
        self._why.setText("Only tensors with two or more axes have singular values.")
        self.plot.setVisible(spectrum is not None)
        self._note.setVisible(spectrum is not None)
        rows = summary(spectrum) if spectrum is not None else []
        for at, (name, value) in enumerate(self._rows):
            name.setVisible(at < len(rows))
            value.setVisible(at < len(rows))
            if at < len(rows):
                name.setText(rows[at][0])
                value.setText(numbers.shown(rows[at][1]))
                value.setToolTip(f"{rows[at][2]} = {numbers.full(rows[at][1])}")
        if spectrum is not None:
            self.plot.show_spectrum(spectrum)
            self._note.setText(provenance(spectrum))
