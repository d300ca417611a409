"""Theme, panels, full screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QDockWidget

    from nnscope.gui.main_window import MainWindow


class WindowCommands:
    """See `nnscope.gui.actions`."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def theme_system(self) -> None:
        """Follow the desktop."""
        self._window.choose_theme("system")

    def theme_light(self) -> None:
        """Light."""
        self._window.choose_theme("light")

    def theme_dark(self) -> None:
        """Dark."""
        self._window.choose_theme("dark")

    def show_tree(self) -> None:
        """Show or hide the model tree."""
        _toggle(self._window.panels["model"])

    def show_inspector(self) -> None:
        """Show or hide the inspector."""
        _toggle(self._window.panels["inspector"])

    def show_problems(self) -> None:
        """Show or hide the problems."""
        _toggle(self._window.panels["problems"])

    def full_screen(self) -> None:
        """The whole screen, or a window again."""
        if self._window.isFullScreen():
            self._window.showNormal()
        else:
            self._window.showFullScreen()


def _toggle(panel: QDockWidget) -> None:
    panel.setVisible(not panel.isVisible())
