"""The middle of the window: the welcome page, or banner, live strip and canvas. The canvas never moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from nnscope.gui.banner import Banner
from nnscope.gui.live import LiveBar

if TYPE_CHECKING:
    from nnscope.core.frame import Theme
    from nnscope.gui.welcome import WelcomePage


class Central(QStackedWidget):
    """Two pages."""

    def __init__(self, welcome: WelcomePage, canvas: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.welcome = welcome
        self.banner = Banner()
        self.live = LiveBar()
        self.live.hide()
        self._canvas = canvas
        canvas.setAccessibleName("Canvas")
        canvas.setMinimumSize(160, 120)
        page = QWidget()
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.banner)
        box.addWidget(self.live)
        box.addWidget(canvas, 1)
        self.addWidget(welcome)
        self.addWidget(page)

    @property
    def on_canvas(self) -> bool:
        """Whether the canvas is in front."""
        return self.currentIndex() == 1

    def show_welcome(self) -> None:
        """Bring the welcome page to the front."""
        self.setCurrentIndex(0)

    def show_canvas(self) -> None:
        """Bring the canvas to the front."""
        if not self.on_canvas:
            self.setCurrentIndex(1)
            self._canvas.setFocus()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self.welcome.apply(theme)
        self.banner.apply(theme)
        self.live.apply(theme)
