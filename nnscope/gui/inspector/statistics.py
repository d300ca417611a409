"""The statistics table: numbers lined up at the decimal point, every digit in the tooltip and on copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QAbstractTableModel, QLocale, QModelIndex, QObject, QRect, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPalette
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from nnscope.gui import fonts, numbers
from nnscope.gui.inspector.rows import StatRow, stat_rows

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats

ROW_HEIGHT = 20
NAME_WIDTH = 88
_ROOT = QModelIndex()


class StatisticsModel(QAbstractTableModel):
    """Two columns: name, value."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[StatRow] = []
        self._font = fonts.tabular()

    def set_statistics(self, stats: TensorStats | None) -> None:
        """Show these; dashes while there are none."""
        rows = stat_rows(stats)
        if [row.name for row in rows] == [row.name for row in self._rows]:
            self._rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def copied(self, rows: list[int]) -> str:
        """Names and full values of some rows, tab-separated."""
        return "\n".join(f"{self._rows[row].name}\t{self._rows[row].full}" for row in rows)

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Number of statistics."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Name and value."""
        return 0 if parent.isValid() else 2

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.short if index.column() else row.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}: {row.full}\n{row.meaning}"
        if role == Qt.ItemDataRole.FontRole and index.column():
            return self._font
        return None


class PointDelegate(QStyledItemDelegate):
    """Paints a number so that its decimal point stands at ``point`` pixels from the right."""

    point = 60

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._font = fonts.tabular()

    def displayText(self, value: Any, locale: QLocale) -> str:  # noqa: N802 - Qt's name
        """Nothing: the number is painted here."""
        return ""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Selection ground, then the two halves of the number."""
        super().paint(painter, option, index)
        if painter is None:
            return
        before, after = numbers.at_point(str(index.data() or ""))
        painter.save()
        painter.setFont(self._font)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        at = option.rect.right() - self.point
        height = (option.rect.top(), option.rect.height())
        flags = Qt.AlignmentFlag.AlignVCenter
        left = QRect(option.rect.left(), height[0], at - option.rect.left(), height[1])
        painter.drawText(left, int(flags | Qt.AlignmentFlag.AlignRight), before)
        painter.drawText(QRect(at, height[0], self.point, height[1]), int(flags | Qt.AlignmentFlag.AlignLeft), after)
        painter.restore()


class StatisticsTable(QTableView):
    """As tall as its rows: the inspector scrolls, not the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = StatisticsModel(self)
        self._point = PointDelegate(self)
        self.setModel(self._model)
        self.setItemDelegateForColumn(1, self._point)
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Statistics")
        self._prepare_headers()
        self.show_statistics(None)

    def show_statistics(self, stats: TensorStats | None) -> None:
        """Fill in."""
        self._model.set_statistics(stats)
        metrics = QFontMetrics(fonts.tabular())
        tails = (numbers.at_point(row.short)[1] for row in stat_rows(stats))
        self._point.point = max(metrics.horizontalAdvance(tail) for tail in tails) + 4
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All rows."""
        return QSize(200, self._model.rowCount() * ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """All rows."""
        return QSize(80, self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Copy the selected rows with every digit."""
        clipboard = QApplication.clipboard()
        selection = self.selectionModel()
        if event is not None and event.matches(QKeySequence.StandardKey.Copy) and clipboard and selection:
            rows = sorted({index.row() for index in selection.selectedIndexes()})
            clipboard.setText(self._model.copied(rows))
            return
        super().keyPressEvent(event)

    def _prepare_headers(self) -> None:
        across, down = self.horizontalHeader(), self.verticalHeader()
        assert across is not None
        assert down is not None
        across.hide()
        across.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        across.resizeSection(0, NAME_WIDTH)
        across.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        down.hide()
        down.setMinimumSectionSize(ROW_HEIGHT)
        down.setDefaultSectionSize(ROW_HEIGHT)
