"""The name column: what a row is called, and after it, quieter, the class of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics, QPainter, QPalette
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from nnscope.gui.tree.model import TYPE_ROLE

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex

GAP = 8  # pixels between name and class
LEAST = 24  # pixels under which the class is left out


class NameDelegate(QStyledItemDelegate):
    """Paints the name as usual and the class into what is left of the cell."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Name, then class."""
        super().paint(painter, option, index)
        kind = index.data(TYPE_ROLE)
        view = option.widget
        style = view.style() if view is not None else None
        if not kind or painter is None or style is None:
            return
        self.initStyleOption(option, index)
        area = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, view)
        metrics = QFontMetrics(option.font)
        area.setLeft(area.left() + metrics.horizontalAdvance(str(index.data())) + GAP)
        if area.width() >= LEAST:
            painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
            shown = metrics.elidedText(kind, Qt.TextElideMode.ElideRight, area.width())
            painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
