"""The tree view: chevrons in the theme's grey, rows of one height, and word of which rows can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QModelIndex, QPoint, QRect, Qt, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from nnscope.gui import icons
from nnscope.gui.timers import once
from nnscope.gui.tree.model import Column
from nnscope.gui.tree.names import NameDelegate
from nnscope.gui.tree.sparkline import SparklineDelegate

if TYPE_CHECKING:
    from PyQt6.QtGui import QPainter, QResizeEvent

INDENT = 14
SETTLE = 60  # ms without scrolling before visible rows are reported
_WIDTHS = {Column.NAME: 120, Column.SHAPE: 100, Column.VALUES: 68, Column.NORM: 62, Column.DTYPE: 72, Column.BYTES: 72}


class TreeView(QTreeView):
    """Emits ``seen`` (list of QModelIndex) when scrolling, opening or new rows have brought rows into view."""

    seen = pyqtSignal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setUniformRowHeights(True)  # else every row is measured
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setIndentation(INDENT)
        self.setSortingEnabled(True)
        self.setAccessibleName("Model tree")
        self.setItemDelegateForColumn(Column.NAME, NameDelegate(self))
        self.setItemDelegateForColumn(Column.VALUES, SparklineDelegate(self))
        self._settle = once(self, SETTLE, self._report)
        self._watch()

    def prepare_columns(self) -> None:
        """Widths and sorting of the columns, once there is a model."""
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSortIndicatorClearable(True)  # a third click brings back the order of the file
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)

    def visible_rows(self) -> list[QModelIndex]:
        """The rows in the viewport, from top to bottom."""
        viewport = self.viewport()
        index, rows = self.indexAt(QPoint(4, 2)), []
        bottom = viewport.height() if viewport else 0
        while index.isValid() and self.visualRect(index).top() < bottom:
            rows.append(index)
            index = self.indexBelow(index)
        return rows

    def drawBranches(self, painter: QPainter | None, rect: QRect, index: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """A chevron before rows that open; no lines."""
        model = self.model()
        if painter is None or model is None or not model.hasChildren(index):
            return
        colour = self.palette().color(QPalette.ColorRole.PlaceholderText)
        name = "chevron-down" if self.isExpanded(index) else "chevron-right"
        mark = icons.pixmap(name, (colour.red(), colour.green(), colour.blue()), 10, self.devicePixelRatioF())
        painter.drawPixmap(rect.right() - 11, rect.center().y() - 4, mark)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Name, shape, values and norm fill the width; the rest is to the right."""
        super().resizeEvent(event)
        header, viewport = self.header(), self.viewport()
        if header is not None and viewport is not None:
            others = sum(header.sectionSize(column) for column in (Column.SHAPE, Column.VALUES, Column.NORM))
            header.resizeSection(Column.NAME, max(_WIDTHS[Column.NAME], viewport.width() - others))
        self.notice()

    def notice(self) -> None:
        """Something changed: report the visible rows soon."""
        self._settle.start()

    def stop(self) -> None:
        """No more reports."""
        self._settle.stop()

    def _watch(self) -> None:
        scroll = self.verticalScrollBar()
        assert scroll is not None
        scroll.valueChanged.connect(self.notice)
        scroll.rangeChanged.connect(self.notice)
        self.expanded.connect(self.notice)
        self.collapsed.connect(self.notice)

    def _report(self) -> None:
        self.seen.emit(self.visible_rows())
