"""The name column: what a row is called, and after it, quieter, the class of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics, QPainter, QPalette
from PyQt6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from nnscope.gui.tree.model import TYPE_ROLE

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex

MARGIN = 6  # pixels between the edge of a cell and its text, as the style sheet has it
GAP = 8  # pixels between name and class
LEAST = 24  # pixels under which the class is left out


class NameDelegate(QStyledItemDelegate):
    """Paints the name as usual and the class into what is left of the cell."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Name, then class."""
        super().paint(painter, option, index)
        kind = index.data(TYPE_ROLE)
        if not kind or painter is None:
            return
        metrics = QFontMetrics(option.font)
        used = MARGIN + metrics.horizontalAdvance(str(index.data())) + GAP
        area = option.rect.adjusted(used, 0, -MARGIN, 0)
        if area.width() >= LEAST:
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            shown = metrics.elidedText(kind, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
