"""With which step of its run a tensor is to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 380
FIRST, BEFORE, ANOTHER = range(3)  # entries of the choice


class CompareDialog(QDialog):
    """Emits ``wanted`` (step).

    Parameters
    ----------
    address : str
        Of the tensor.
    kept : sequence of int
        The steps at which it was kept, rising; at least one.
    shown : int
        The one that is shown.
    parent : QWidget or None
    """

    wanted = pyqtSignal(int)

    def __init__(self, address: str, kept: Sequence[int], shown: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare steps")
        self.setMinimumWidth(WIDTH)
        self._kept = np.asarray(kept, np.int64)
        self._before = int(self._kept[max(0, int(np.searchsorted(self._kept, shown)) - 1)])
        self._what = Label(f"{plain(address, 64)} at the step of the timeline, against", "secondary")
        self.against = QComboBox()
        self.against.addItems(["The first step", "The step before", "Another step"])
        self.against.setAccessibleName("Against")
        self.step = QSpinBox()
        self.step.setRange(int(self._kept[0]), int(self._kept[-1]))
        self.step.setFont(fonts.tabular())
        self.step.setAccessibleName("Step")
        self.told = Label("", "secondary")
        self.compare = QPushButton("Compare")
        self.compare.setProperty("role", "primary")
        self.compare.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out()
        self.against.currentIndexChanged.connect(self._choose)
        self.step.valueChanged.connect(self._tell)
        self.compare.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.close)
        self._choose(FIRST)

    @property
    def chosen(self) -> int:
        """The step at which the tensor was kept that is nearest to the one that was typed."""
        return int(self._kept[np.argmin(np.abs(self._kept - self.step.value()))])

    def _lay_out(self) -> None:
        choice, buttons = QHBoxLayout(), QHBoxLayout()
        choice.setSpacing(8)
        choice.addWidget(self.against, 1)
        choice.addWidget(self.step, 1)
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.compare)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(self._what)
        box.addLayout(choice)
        box.addWidget(self.told)
        box.addLayout(buttons)

    def _choose(self, entry: int) -> None:
        self.step.setEnabled(entry == ANOTHER)
        if entry != ANOTHER:
            self.step.setValue(self._before if entry == BEFORE else int(self._kept[0]))
        self._tell()

    def _tell(self) -> None:
        """Say which step it will be, where it wasn't kept at the one that was typed."""
        exact = self.chosen == self.step.value()
        self.told.setText("" if exact else f"It was not kept then; step {self.chosen} is nearest.")

    def _accept(self) -> None:
        step = self.chosen
        self.close()
        self.wanted.emit(step)
