"""The Help menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.gui.dialogs.about import AboutDialog
from nnscope.gui.dialogs.palette import CommandPalette
from nnscope.gui.dialogs.shortcuts import ShortcutList

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.gui.main_window import MainWindow


class HelpCommands:
    """See `nnscope.gui.actions`. ``renderer`` tells what OpenGL runs on."""

    def __init__(self, window: MainWindow, renderer: Callable[[], str]) -> None:
        self._window = window
        self._renderer = renderer

    def palette(self) -> None:
        """Type a command."""
        CommandPalette(self._window.actions_table.all(), self._window).show_over(self._window)

    def shortcuts(self) -> None:
        """All shortcuts, to read and to change."""
        window = self._window
        shown = window.findChild(ShortcutList) or ShortcutList(window.actions_table, window.remember_keys, window)
        shown.show()
        shown.activateWindow()

    def about(self) -> None:
        """Versions and licences."""
        AboutDialog(self._renderer(), self._window).show()
