"""The list of shortcuts, made from the actions themselves; each can be changed where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QModelIndex, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nnscope.gui import fonts
from nnscope.gui.actions import MENUS
from nnscope.gui.bindings import native
from nnscope.gui.dialogs.key_field import CHANGED_ROLE, KEYS_ROLE, KeysDelegate
from nnscope.gui.dialogs.matching import rank
from nnscope.gui.dialogs.palette import words
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.gui.actions import ActionTable

POINTER = (
    ("Pan", "Drag"),
    ("Zoom at the pointer", "Wheel"),
    ("Pin the cell, show singular values", "Click"),
    ("Change the colour scale", "Drag a limit"),
    ("Turn a picture in space", "Drag"),
    ("Move it", "Shift+drag, or the middle button"),
    ("Bring a voxel into the middle", "Double click"),
    ("Look along an axis", "Click on the little cube"),
    ("Move the slicing plane", "Drag its handle"),
    ("Turn the slicing plane", "Shift+drag its handle"),
)
ID_ROLE = Qt.ItemDataRole.UserRole
SIZE = (560, 680)
KEYS_WIDTH = 248
FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


class ShortcutList(QDialog):
    """Commands by menu with their keys. ``changed`` is called after each change, to remember it."""

    def __init__(self, actions: ActionTable, changed: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Shortcuts")
        self._actions = actions
        self._bindings = actions.bindings
        self._changed = changed
        self._wanted: tuple[str, str] | None = None  # the command and the keys that another one has
        self.query = QLineEdit()
        self.list = QTreeWidget()
        self.note = Label("", "secondary")
        self.swap = QPushButton("Swap")
        self.change = QPushButton("Change")
        self.reset = QPushButton("Reset")
        self.reset_all = QPushButton("Reset all")
        self._dress()
        self._lay_out()
        self._fill()
        self._connect_parts()
        self._show()
        self.resize(*SIZE)

    def select(self, id: str) -> None:
        """Choose a command."""
        self.list.setCurrentItem(next(item for item in self._rows() if item.data(0, ID_ROLE) == id))

    def edit(self) -> None:
        """Wait for keys for the command chosen."""
        item = self.list.currentItem()
        if item is not None and item.flags() & Qt.ItemFlag.ItemIsEditable:
            self.list.editItem(item, 1)

    def shown(self) -> dict[str, str]:
        """The keys of the commands that are seen, by command."""
        return {item.data(0, ID_ROLE): item.data(1, KEYS_ROLE) for item in self._rows() if not item.isHidden()}

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """From the search, the arrow down goes into the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Down:
            self.list.setFocus()
            return True
        return super().eventFilter(watched, event)

    # -- putting together

    def _dress(self) -> None:
        self.query.setPlaceholderText("Search commands or keys")
        self.query.setAccessibleName("Search shortcuts")
        self.query.setClearButtonEnabled(True)
        self.list.setAccessibleName("Shortcuts")
        self.list.setAccessibleDescription("Return changes the shortcut of the chosen command")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(0)
        self.list.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemsExpandable(False)
        header = self.list.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, KEYS_WIDTH)
        self.note.setWordWrap(True)
        self.note.setMinimumHeight(36)
        for button in (self.swap, self.change, self.reset, self.reset_all):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        done = QPushButton("Close")
        done.setAutoDefault(False)
        done.clicked.connect(self.close)
        told = QHBoxLayout()
        told.addWidget(self.note, 1)
        told.addWidget(self.swap)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.change, self.reset, self.reset_all):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(done)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(8)
        box.addWidget(self.query)
        box.addWidget(self.list, 1)
        box.addLayout(told)
        box.addLayout(buttons)

    def _fill(self) -> None:
        for menu in MENUS:
            group = self._group(menu)
            for spec in (spec for spec in self._actions.specs if spec.menu.partition("/")[0] == menu):
                item = QTreeWidgetItem(group, [words(self._actions[spec.id])])
                item.setFlags(FLAGS)
                item.setData(0, ID_ROLE, spec.id)
                item.setToolTip(0, f"Also {native(spec.also)}, on the number pad" if spec.also else "")
        mouse = self._group("Mouse")
        for text, gesture in POINTER:
            item = QTreeWidgetItem(mouse, [text, gesture])
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item.setTextAlignment(1, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
            item.setForeground(1, self.palette().placeholderText())
        self.list.expandAll()

    def _group(self, title: str) -> QTreeWidgetItem:
        group = QTreeWidgetItem(self.list, [title.upper()])
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        group.setFirstColumnSpanned(True)
        font = fonts.interface(fonts.SMALL)
        font.setWeight(600)
        group.setFont(0, font)
        group.setForeground(0, self.palette().placeholderText())
        return group

    def _connect_parts(self) -> None:
        delegate = KeysDelegate(self.list)
        delegate.chosen.connect(self._choose)
        self.list.setItemDelegate(delegate)
        self.list.itemActivated.connect(self.edit)
        self.list.currentItemChanged.connect(lambda *_: self._tell())
        self.query.textChanged.connect(self._match)
        self.query.installEventFilter(self)
        self.change.clicked.connect(self.edit)
        self.swap.clicked.connect(self._swap)
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self._reset_all)

    # -- changing

    def _choose(self, index: QModelIndex, keys: str) -> None:
        item = self.list.itemFromIndex(index)
        if item is not None:
            self._bind(item.data(0, ID_ROLE), keys)

    def _bind(self, id: str, keys: str) -> None:
        """Give a command keys, or say why not."""
        why, holder = self._bindings.refusal(keys), self._bindings.holder(keys, id)
        if why:
            self._tell(why)
        elif holder:
            gets = native(self._bindings[id]) or "no shortcut"
            other = words(self._actions[holder])
            self._tell(f"{native(keys)} is the shortcut of {other}. Swap them, and {other} has {gets}.", (id, keys))
        else:
            self._bindings.bind(id, keys)
            self._apply(f"{words(self._actions[id])} has {native(keys) or 'no shortcut'} now.")

    def _swap(self) -> None:
        if self._wanted is not None:
            id, keys = self._wanted
            self._bindings.swap(id, keys)
            self._apply(f"{words(self._actions[id])} has {native(keys)} now.")
            self.list.setFocus()

    def _reset(self) -> None:
        id = self._id()
        if id:
            self._bind(id, self._bindings.default(id))

    def _reset_all(self) -> None:
        self._bindings.reset_all()
        self._apply("All shortcuts are as they come.")

    def _apply(self, told: str) -> None:
        self._actions.rebind()
        self._changed()
        self._show()
        self._tell(told)

    # -- showing

    def _show(self) -> None:
        for item in self._rows():
            id = item.data(0, ID_ROLE)
            default = native(self._bindings.default(id)) or "none"
            changed = not self._bindings.is_default(id)
            item.setData(1, KEYS_ROLE, self._bindings[id])
            item.setData(1, CHANGED_ROLE, changed)
            item.setData(1, Qt.ItemDataRole.AccessibleTextRole, native(self._bindings[id]) or "no shortcut")
            item.setToolTip(1, f"Changed; it comes with {default}" if changed else "")
        self._match(self.query.text())
        self._tell()

    def _tell(self, text: str = "", wanted: tuple[str, str] | None = None) -> None:
        self._wanted = wanted
        id = self._id()
        self.note.setText(text or "Choose a command and press Return to change its keys.")
        self.swap.setVisible(wanted is not None)
        self.change.setEnabled(bool(id))
        self.reset.setEnabled(bool(id) and not self._bindings.is_default(id))
        self.reset_all.setEnabled(bool(self._bindings.remembered()))

    def _match(self, text: str) -> None:
        """Hide what wasn't searched for."""
        entries = [item for group in self._groups() for item in _children(group)]
        named = set(rank(text, [entry.text(0) for entry in entries]))
        for at, entry in enumerate(entries):
            keys = native(entry.data(1, KEYS_ROLE) or "").casefold()
            entry.setHidden(at not in named and text.strip().casefold() not in keys)
        for group in self._groups():
            group.setHidden(all(entry.isHidden() for entry in _children(group)))

    def _id(self) -> str:
        item = self.list.currentItem()
        return str(item.data(0, ID_ROLE) or "") if item is not None else ""

    def _groups(self) -> list[QTreeWidgetItem]:
        found = (self.list.topLevelItem(at) for at in range(self.list.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _rows(self) -> list[QTreeWidgetItem]:
        """The entries that are commands."""
        return [item for group in self._groups() for item in _children(group) if item.data(0, ID_ROLE)]


def _children(group: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    found = (group.child(at) for at in range(group.childCount()))
    return [item for item in found if item is not None]
