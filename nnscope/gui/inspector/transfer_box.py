"""The editor of the transfer function: its curve, and presets to begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from nnscope.compute.space.transfer import PRESETS, curve, is_signed, preset
from nnscope.gui.inspector.transfer_plot import Transfer, TransferPlot
from nnscope.gui.text import Label
from nnscope.gui.toolbar.choice import Choice, Entry

if TYPE_CHECKING:
    from nnscope.core.space import Opacity
    from nnscope.scene.resolve import Resolved

WIDTH = 120
CUSTOM = Entry("", "Custom", "As drawn below")
HINTS = {
    "square": "Clear where values are near zero, or least; then with the square of the distance",
    "linear": "In proportion to the distance from there",
    "ramp": "Clear below a threshold, then rising",
    "hill": "One range of values",
    "two hills": "Two ranges of values",
    "iso-like": "A narrow range, like a surface",
}
SMOOTH = 9  # points that stand for the square on each side of where it is clear


class TransferBox(QWidget):
    """Emits ``moved`` (points, none for the square) when the user changes the curve."""

    moved = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._signed = False
        self.preset = Choice("Curve of opacity", WIDTH)
        self.plot = TransferPlot()
        head = QHBoxLayout()
        head.addWidget(Label("Opacity", "secondary"), 1)
        head.addWidget(self.preset)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self.plot)
        self.plot.moved.connect(self.moved)
        self.preset.chosen.connect(self._choose)

    def show_transfer(self, resolved: Resolved) -> None:
        """Fill in."""
        norm, stats, style = resolved.normalisation, resolved.stats, resolved.style
        if norm is None or stats is None or style is None:
            self.plot.show_transfer(None)
            return
        points = resolved.space.opacity
        self._signed = is_signed(norm)
        known = {preset(name, self._signed): name for name in PRESETS}
        entries = [Entry(name, name.capitalize(), hint) for name, hint in HINTS.items()]
        self.preset.offer(entries if points in known else [*entries, CUSTOM])
        self.preset.choose(known.get(points, ""))
        if not points:  # the square, as near as straight lines come to it
            places = [at / (2 * SMOOTH) for at in range(2 * SMOOTH + 1)]
            shares = curve(norm, (), np.array(places))
            points = tuple((u, round(float(share), 4)) for u, share in zip(places, shares, strict=True))
        self.plot.show_transfer(Transfer(points, stats, norm, style))

    def _choose(self, name: str) -> None:
        points: Opacity = preset(name, self._signed) if name else self.plot.points
        self.moved.emit(points)
