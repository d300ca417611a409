"""The sparkline of a tensor's histogram, painted into a cell of the tree."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPalette, QPixmap
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from nnscope.gui.tree.model import STATS_ROLE

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex

    from nnscope.core.statistics import TensorStats

BARS = 20
SIZE = QSize(3 * BARS, 16)  # logical pixels
MARGIN = 4
KEPT = 512  # pictures kept, for scrolling


class SparklineDelegate(QStyledItemDelegate):
    """Paints `BARS` bars; their heights are square roots of the counts, so that tails stay visible beside the peak."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawn: OrderedDict[tuple[int, int, float], tuple[TensorStats, QPixmap]] = OrderedDict()

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Background as usual, then the bars."""
        super().paint(painter, option, index)
        stats = index.data(STATS_ROLE)
        if stats is None or painter is None:
            return
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        picture = self._picture(stats, option.palette.color(QPalette.ColorRole.PlaceholderText), ratio)
        top = option.rect.top() + (option.rect.height() - SIZE.height()) // 2
        painter.drawPixmap(option.rect.left() + MARGIN, top, picture)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Room for the bars."""
        return QSize(SIZE.width() + 2 * MARGIN, 24)

    def _picture(self, stats: TensorStats, colour: QColor, ratio: float) -> QPixmap:
        """The bars as a picture, drawn once for as long as the statistics live."""
        key = (id(stats), colour.rgba(), ratio)
        if key not in self._drawn:
            self._drawn[key] = (stats, _draw(stats, colour, ratio))  # keeping them keeps their id
            if len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(key)
        return self._drawn[key][1]


def bar_heights(stats: TensorStats) -> np.ndarray:
    """Heights of `BARS` bars in [0, 1], [bars]; all zero without finite values."""
    counts = stats.histogram
    sums = np.add.reduceat(counts, np.arange(BARS) * len(counts) // BARS)
    top = int(sums.max())
    return np.sqrt(sums / top) if top else np.zeros(BARS)


def _draw(stats: TensorStats, colour: QColor, ratio: float) -> QPixmap:
    picture = QPixmap(SIZE * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    for at, share in enumerate(bar_heights(stats)):
        height = max(1.0, share * SIZE.height()) if share else 0.0
        painter.fillRect(QRectF(3 * at, SIZE.height() - height, 2, height), colour)
    painter.end()
    return picture
