"""The choice of an input: a grid of small pictures where there are any, else a list of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QModelIndex, QSize, Qt
from PyQt6.QtGui import QIcon, QPainter, QPalette
from PyQt6.QtWidgets import QComboBox, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from nnscope.gui.previews import preview_icon
from nnscope.gui.toolbar.choice import Choice, Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from nnscope.core.frame import Theme

WIDTH = 224
LINES = 16  # labels seen at once
SMALL = QSize(16, 16)  # the picture of the present input
LARGE = QSize(32, 32)  # in the grid
CELL = QSize(40, 40)
COLUMNS = 10
ROWS = 8  # of pictures seen at once
FRAME = 11  # border and padding of the popup, both sides together, and a pixel without which Qt wraps early
BAR = 10  # width of a scroll bar


class SamplePicker(Choice):
    """See `Choice`; values are the numbers of the samples."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Input", WIDTH, parent)
        self._images: np.ndarray | None = None
        self._theme: Theme | None = None
        self.list = QListView()
        self.list.setAccessibleName("Inputs")
        self.list.setItemDelegate(_Tiles(self.list))
        self.setView(self.list)
        self.setProperty("role", "pictures")  # its popup hangs below it, as high as its rows need
        self.setIconSize(SMALL)
        self._arrange()

    @property
    def pictured(self) -> bool:
        """Whether inputs are shown as pictures."""
        return self._images is not None

    def apply(self, theme: Theme) -> None:
        """Draw the pictures in the theme's colours."""
        self._theme = theme
        self._draw()

    def show_samples(self, labels: Sequence[str], images: np.ndarray | None) -> None:
        """Offer samples with these labels and, if there are any, their pictures [sample, row, column]."""
        self.offer([Entry(str(at), label, label if images is not None else "") for at, label in enumerate(labels)])
        if images is not self._images:
            self._images = images
            self._arrange()
            self._draw()
        elif self.pictured and self.itemIcon(0).isNull():  # the entries are new
            self._draw()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """As wide as the grid needs."""
        if not self.pictured:
            super().showPopup()
            return
        columns = max(1, min(COLUMNS, self.count()))
        rows = -(-self.count() // columns)
        self.setMaxVisibleItems(min(ROWS, rows))
        bar = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if rows > ROWS else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.list.setVerticalScrollBarPolicy(bar)
        width = columns * CELL.width() + FRAME + (BAR if rows > ROWS else 0)
        self.list.setMinimumSize(width, min(ROWS, rows) * CELL.height() + FRAME)
        QComboBox.showPopup(self)

    def _arrange(self) -> None:
        """A grid or a list."""
        mode = QListView.ViewMode.IconMode if self.pictured else QListView.ViewMode.ListMode
        self.list.setViewMode(mode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setWrapping(self.pictured)
        self.list.setGridSize(CELL if self.pictured else QSize())
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setIconSize(LARGE if self.pictured else SMALL)
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.list.setMinimumSize(0, 0)
        self.setMaxVisibleItems(LINES)

    def _draw(self) -> None:
        for at in range(self._items.rowCount()):
            drawn = None if self._images is None or self._theme is None else preview_icon(self._images[at], self._theme)
            item = self._items.item(at)
            if item is not None:
                item.setIcon(drawn or QIcon())


class _Tiles(QStyledItemDelegate):
    """Draws an entry of a grid as its picture alone; its label is its tooltip, and its name for screen readers."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        return CELL if _in_grid(option) else super().sizeHint(option, index)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if painter is None or not _in_grid(option):
            super().paint(painter, option, index)
            return
        state, role = option.state, QPalette.ColorRole
        ground = role.Link if state & QStyle.StateFlag.State_Selected else None
        if ground is None and state & QStyle.StateFlag.State_MouseOver:
            ground = role.Midlight
        if ground is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(option.palette.color(ground))
            painter.drawRoundedRect(option.rect, 4, 4)
        area = QStyle.alignedRect(option.direction, Qt.AlignmentFlag.AlignCenter, LARGE, option.rect)
        index.data(Qt.ItemDataRole.DecorationRole).paint(painter, area)


def _in_grid(option: QStyleOptionViewItem) -> bool:
    return isinstance(option.widget, QListView) and option.widget.viewMode() == QListView.ViewMode.IconMode
