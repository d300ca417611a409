"""The Qt model over `nnscope.gui.tree.nodes`. It holds no state of its own but the nodes and their order."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from nnscope.core.text import plain
from nnscope.gui import fonts, numbers
from nnscope.gui.text import tooltip
from nnscope.gui.tree.nodes import Node, Order, parts_of
from nnscope.scene.numbers import nbytes, shape

if TYPE_CHECKING:
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.scene.library import Library

STATS_ROLE = Qt.ItemDataRole.UserRole + 1  # TensorStats or None, for the sparkline
TYPE_ROLE = Qt.ItemDataRole.UserRole + 2  # class name of a module
_ROOT = QModelIndex()
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Column(IntEnum):
    """The columns, in order; the numbers are also those of `Order`."""

    NAME = 0
    SHAPE = 1
    VALUES = 2
    NORM = 3
    DTYPE = 4
    BYTES = 5


TITLES = {
    Column.NAME: ("Name", "Module or tensor"),
    Column.SHAPE: ("Shape", "Sizes of the axes"),
    Column.VALUES: ("Values", "Histogram of the finite values"),
    Column.NORM: ("Norm", "Frobenius norm √Σx²"),
    Column.DTYPE: ("Type", "Data type"),
    Column.BYTES: ("Bytes", "Size of the values as stored"),
}
_NUMERIC = (Column.NORM, Column.BYTES)


class TensorTreeModel(QAbstractItemModel):
    """Sources, their modules and tensors.

    Parameters
    ----------
    library : Library
        Knows the statistics of tensors, and what they are now: those of a run that grows may have other shapes than
        when it was listed.
    """

    def __init__(self, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._top = Node("", "")
        self._order = Order()
        self._tabular = fonts.tabular(fonts.SIZE - 1)

    def set_roots(self, roots: list[Node]) -> None:
        """Show these sources and nothing else."""
        self.beginResetModel()
        self._top = Node("", "")
        self._top.children = {str(at): root for at, root in enumerate(roots)}
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort siblings; column -1 is the order of the file. Resets the model: rows are sorted when looked at."""
        self.beginResetModel()
        self._order = Order(column, order == Qt.SortOrder.DescendingOrder, self._known)
        self._top.forget_order()
        self.endResetModel()

    def node(self, index: QModelIndex) -> Node:
        """The node of a row; the invisible top for an invalid index."""
        node = index.internalPointer() if index.isValid() else self._top
        assert isinstance(node, Node)
        return node

    def find(self, source: str, address: str) -> QModelIndex:
        """The row of a tensor; invalid when it is not shown."""
        node = next((n for n in self._top.children.values() if n.source == source), None)
        self._top.rows(self._order)  # sorting a branch numbers its rows
        for part in parts_of(address):
            if node is not None:
                node.rows(self._order)
                node = node.children.get(part)
        return QModelIndex() if node is None else self.createIndex(node.row, 0, node)

    def statistics_arrived(self, source: str, address: str) -> None:
        """Repaint the row of a tensor whose statistics are new."""
        index = self.find(source, address)
        for column in (Column.VALUES, Column.NORM) if index.isValid() else ():
            cell = index.siblingAtColumn(column)
            self.dataChanged.emit(cell, cell)  # for a range of cells the view repaints all there is

    # -- what Qt asks

    def index(self, row: int, column: int, parent: QModelIndex = _ROOT) -> QModelIndex:
        """Of the child at ``row``."""
        rows = self.node(parent).rows(self._order)
        return self.createIndex(row, column, rows[row]) if 0 <= row < len(rows) else QModelIndex()

    def parent(self, child: QModelIndex = _ROOT) -> QModelIndex:  # type: ignore[override]
        """Of a row; invalid for sources."""
        parent = self.node(child).parent if child.isValid() else None
        return QModelIndex() if parent is None or parent is self._top else self.createIndex(parent.row, 0, parent)

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Children shown."""
        return len(self.node(parent).rows(self._order)) if parent.column() <= 0 else 0

    def hasChildren(self, parent: QModelIndex = _ROOT) -> bool:  # noqa: N802 - Qt's name
        """Whether there are any; sorts nothing."""
        return parent.column() <= 0 and self.node(parent).branches

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """Always all of `Column`."""
        return len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Title, explanation and alignment of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, explanation = TITLES[Column(section)]
        if role == Qt.ItemDataRole.ToolTipRole:
            return explanation
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return title if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What a cell shows."""
        node, column = self.node(index), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(node, column)
        if role == STATS_ROLE:
            return self._known(node)
        if role == TYPE_ROLE:
            return plain(node.type, 64)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(_explanation(node, self._info(node)))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole and column != Column.NAME:
            return self._tabular
        return None

    def _text(self, node: Node, column: int) -> str:
        if column == Column.NAME:
            return plain(node.name, 128) or "(no name)"
        info = self._info(node)
        if column == Column.BYTES:
            size = node.nbytes if info is None or node.children else info.nbytes
            return nbytes(size) if size else ""
        if info is None:
            return ""
        if column == Column.SHAPE:
            return shape(info.full_shape).replace(" ", "")
        if column == Column.DTYPE:
            return info.dtype
        stats = self._known(node) if column == Column.NORM else None
        return f"{stats.frobenius:.4g}" if stats else ""

    def _known(self, node: Node) -> TensorStats | None:
        return self._library.statistics(node.source, node.info.address) if node.info else None

    def _info(self, node: Node) -> TensorInfo | None:
        """The tensor of a row as it is now."""
        return (self._library.info(node.source, node.info.address) or node.info) if node.info else None


def _alignment(column: int) -> Qt.AlignmentFlag:
    return _RIGHT if column in _NUMERIC else _LEFT


def _explanation(node: Node, info: TensorInfo | None) -> str:
    if info is None:
        tensors = f"{numbers.count(node.size)} values, {nbytes(node.nbytes)}"
        return "\n".join(filter(None, (node.name, node.type, tensors)))
    lines = [info.address, f"{shape(info.full_shape)}  {info.dtype}  {info.kind}"]
    lines += [f"kept: {shape(info.shape)}{' means' * bool(info.means)}"] if info.kept else []
    lines += [f"also: {alias}" for alias in info.aliases[:8]]
    return "\n".join([*lines, info.unreadable] if info.unreadable else lines)
