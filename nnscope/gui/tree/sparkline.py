"""The sparkline of a tensor's histogram, painted into a cell of the tree."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPalette
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from nnscope.gui.tree.model import STATS_ROLE

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex

    from nnscope.core.statistics import TensorStats

BARS = 20
MARGIN = 4


class SparklineDelegate(QStyledItemDelegate):
    """Paints 20 bars; their heights are square roots of the counts, so that tails stay visible beside the peak."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Background as usual, then the bars."""
        super().paint(painter, option, index)
        stats = index.data(STATS_ROLE)
        if stats is None or painter is None:
            return
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.color(QPalette.ColorRole.PlaceholderText))
        area = QRectF(option.rect).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        width = min(area.width(), BARS * 3.0) / BARS
        for at, share in enumerate(bar_heights(stats)):
            height = max(1.0, share * area.height()) if share else 0.0
            painter.drawRect(QRectF(area.left() + at * width, area.bottom() - height, max(1.0, width - 1), height))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Room for three pixels a bar."""
        return QSize(BARS * 3 + 2 * MARGIN, 24)


def bar_heights(stats: TensorStats) -> list[float]:
    """Heights of `BARS` bars in [0, 1]; none without finite values."""
    counts = stats.histogram
    edges = [round(at * len(counts) / BARS) for at in range(BARS + 1)]
    sums = [int(counts[a:b].sum()) for a, b in pairwise(edges)]
    top = max(sums)
    return [(value / top) ** 0.5 for value in sums] if top else []
