"""The menu bar, made from the action table, with the recent files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QMenu, QMenuBar

from nnscope.gui.actions import MENUS, PICTURES
from nnscope.gui.text import menu_text, tooltip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.gui.actions import ActionTable

BEFORE_RECENT = "open_folder"  # the entry after which recent files come


class Menus:
    """Fills a menu bar. ``open_path`` is called with a recent file."""

    def __init__(self, bar: QMenuBar, actions: ActionTable, open_path: Callable[[str], None]) -> None:
        self._open_path = open_path
        self.recent = QMenu("Open &recent", bar)
        self.recent.setToolTipsVisible(True)
        self._menus: dict[str, QMenu] = {}
        for name in MENUS:
            self._menus[name] = _added(bar, name)
        for spec in actions.specs:
            if spec.menu == PICTURES and PICTURES not in self._menus:
                self._menu("View").addSeparator()
            menu = self._menu(spec.menu)
            if spec.line:
                menu.addSeparator()
            menu.addAction(actions[spec.id])
            if spec.id == BEFORE_RECENT:
                menu.addMenu(self.recent)

    def show_recent(self, paths: Sequence[str]) -> None:
        """List recent files, the newest first."""
        self.recent.clear()
        self.recent.setEnabled(bool(paths))
        for path in paths:
            entry = self.recent.addAction(menu_text(path))
            assert entry is not None
            entry.setToolTip(tooltip(path))
            entry.triggered.connect(lambda _=False, path=path: self._open_path(path))

    def _menu(self, path: str) -> QMenu:
        if path not in self._menus:
            parent, _, name = path.partition("/")
            self._menus[path] = _added(self._menus[parent], name)
        return self._menus[path]


def _added(to: QMenuBar | QMenu, name: str) -> QMenu:
    menu = to.addMenu(f"&{name}")
    assert menu is not None
    return menu
