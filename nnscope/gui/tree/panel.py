"""The model panel: filter box, tree, and what to do when there is nothing in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QItemSelectionModel, QModelIndex, Qt, pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QLineEdit, QStackedLayout, QVBoxLayout, QWidget

from nnscope.engine.comparing import COMPARISON
from nnscope.gui import icons, numbers
from nnscope.gui.text import Label
from nnscope.gui.timers import once
from nnscope.gui.tree.filter import matcher
from nnscope.gui.tree.growth import Growth, Planted
from nnscope.gui.tree.model import TensorTreeModel
from nnscope.gui.tree.view import TreeView

if TYPE_CHECKING:
    from nnscope.core.frame import Theme
    from nnscope.core.tensor import Listing
    from nnscope.gui.tree.nodes import Node
    from nnscope.scene.library import Library

TYPING = 120  # ms after the last key before the filter acts
OPEN_ALL = 300  # tensors found, up to which a filtered tree is opened


class TreePanel(QWidget):
    """Shows what is open.

    Signals: ``chosen`` (source, address) when a tensor is selected, ``wanted`` (source, address) when the statistics of
    a visible row are lacking, ``menu`` (source, address or "", global position) on a right click.
    """

    chosen = pyqtSignal(str, str)
    wanted = pyqtSignal(str, str)
    menu = pyqtSignal(str, str, object)

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._shown: tuple[str, str] = ("", "")
        self._open: set[tuple[str, ...]] = set()
        self.model = TensorTreeModel(library, self)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: words or a glob")
        self._clear = self._add_clear()
        self.filter.setAccessibleName("Filter tensors")
        self.tree = TreeView()
        self._empty = Label("", "secondary")
        self._growth = Growth(self)
        self._typing = once(self, TYPING, self.rebuild)
        self._lay_out()
        self._connect()

    def rebuild(self) -> None:
        """Build the tree anew from what is open and what the filter says."""
        listed = [(s.key, s.listing) for s in self._library.sources.values() if s.listing is not None]
        sources = [Planted(key, _title(listing), listing) for key, listing in listed]
        self._growth.start(sources, matcher(self.filter.text()))

    def show_statistics(self, source: str, address: str) -> None:
        """The statistics of a tensor are new."""
        self.model.statistics_arrived(source, address)

    def show_growth(self) -> None:
        """A run has grown, and with it tensors that are of all steps."""
        viewport = self.tree.viewport()
        if viewport is not None:
            viewport.update()

    def show_current(self, source: str, address: str) -> None:
        """Select the row of what the active pane shows."""
        self._shown = (source, address)
        index = self.model.find(source, address) if address else QModelIndex()
        selection = self.tree.selectionModel()
        if selection is None or index == self.tree.currentIndex():
            return
        was = self.blockSignals(True)
        flags = QItemSelectionModel.SelectionFlag
        selection.setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self.tree.scrollTo(index)
        self.blockSignals(was)

    def stop(self) -> None:
        """No more building, no more looking."""
        self._typing.stop()
        self._growth.stop()
        self.tree.stop()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._clear.setIcon(icons.icon("close", theme))

    def focus_filter(self) -> None:
        """Let the next keys go to the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def _add_clear(self) -> QAction:
        """A cross in the filter box while there is something in it. Qt's own would search the disk for its icon."""
        clear = QAction("Clear the filter", self.filter)
        clear.triggered.connect(self.filter.clear)
        clear.setVisible(False)
        self.filter.addAction(clear, QLineEdit.ActionPosition.TrailingPosition)
        self.filter.textChanged.connect(lambda text: clear.setVisible(bool(text)))
        return clear

    def _lay_out(self) -> None:
        self.tree.setModel(self.model)
        self.tree.prepare_columns()
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._empty.setContentsMargins(24, 32, 24, 0)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.tree)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        row = QVBoxLayout()
        row.setContentsMargins(8, 0, 8, 4)
        row.addWidget(self.filter)
        box.addLayout(row)
        box.addLayout(self._stack, 1)
        self._show_emptiness([])

    def _connect(self) -> None:
        self.filter.textChanged.connect(lambda: self._typing.start())
        self._growth.done.connect(self._take)
        selection = self.tree.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._selected)
        self.tree.seen.connect(self._want)
        self.tree.expanded.connect(lambda index: self._open.add(self.model.node(index).path))
        self.tree.collapsed.connect(lambda index: self._open.discard(self.model.node(index).path))
        self.model.modelReset.connect(self._reopen)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._ask_menu)

    def _take(self, roots: list[Node]) -> None:
        self.model.set_roots(roots)
        self._show_emptiness(roots)

    def _reopen(self) -> None:
        """After a reset: open sources and what was open, and select what is shown."""
        was = self.tree.blockSignals(True)
        if self.filter.text().strip() and self._few():
            self.tree.expandAll()
        else:
            self._open_below(QModelIndex(), 0)
        self.tree.blockSignals(was)
        self.show_current(*self._shown)
        self.tree.notice()

    def _few(self) -> bool:
        roots = [self.model.node(self.model.index(row, 0)) for row in range(self.model.rowCount())]
        return sum(root.count for root in roots) <= OPEN_ALL

    def _open_below(self, parent: QModelIndex, depth: int) -> None:
        for row in range(self.model.rowCount(parent)):
            index = self.model.index(row, 0, parent)
            if depth == 0 or self.model.node(index).path in self._open:
                self.tree.expand(index)
                self._open_below(index, depth + 1)

    def _show_emptiness(self, roots: list[Node]) -> None:
        any_tensor = any(root.branches for root in roots)
        if self.filter.text().strip() and not any_tensor:
            self._empty.setText("No tensor has such a name.\nClear the filter to see all.")
        elif not any_tensor:
            self._empty.setText("Nothing is open.\nOpen a file, drop one here, or choose a demo model.")
        self._stack.setCurrentIndex(1 if any_tensor else 0)

    def _selected(self, index: QModelIndex) -> None:
        node = self.model.node(index) if index.isValid() else None
        if node is not None and node.info is not None:
            self._shown = (node.source, node.info.address)
            self.chosen.emit(*self._shown)

    def _want(self, indices: list[QModelIndex]) -> None:
        for index in indices:
            node = self.model.node(index)
            if node.info is not None and not node.info.unreadable:
                self.wanted.emit(node.source, node.info.address)

    def _ask_menu(self, position: object) -> None:
        index = self.tree.indexAt(position)  # type: ignore[arg-type]
        viewport = self.tree.viewport()
        if index.isValid() and viewport is not None:
            node = self.model.node(index)
            address = node.info.address if node.info else ""
            self.menu.emit(node.source, address, viewport.mapToGlobal(position))  # type: ignore[call-overload]


def _title(listing: Listing) -> str:
    """The last part of a path, or the whole of ``demo:NAME`` and of what a comparison is called."""
    path = listing.path
    return path if listing.format == COMPARISON else path.rstrip("/").rpartition("/")[2] or path


def summary(library: Library) -> str:
    """``62 tensors, 77 802 parameters`` over all that is open."""
    listings = [s.listing for s in library.sources.values() if s.listing is not None]
    tensors = sum(len(listing.tensors) for listing in listings)
    if not tensors:
        return ""
    return (
        f"{numbers.count(tensors)} tensors, {numbers.count(sum(listing.parameters for listing in listings))} parameters"
    )
