"""A demo model on the welcome page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.text import Label, tooltip

if TYPE_CHECKING:
    from nnscope.core.frame import Theme

WIDTH = 300
HEIGHT = 96


class DemoCard(QPushButton):
    """A whole card that can be pressed."""

    def __init__(self, name: str, title: str, description: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = f"demo:{name}"
        self.setProperty("role", "card")
        self.setFixedSize(QSize(WIDTH, HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Open {plain(title)}")
        self.setToolTip(tooltip(f"Open {self.path}"))
        self._mark = Label()
        self._mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._state = Label("", "small")
        text = Label(plain(description, 200), "secondary")
        text.setWordWrap(True)
        text.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.addWidget(Label(plain(title, 60), "section"), 1)
        head.addWidget(self._state)
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addLayout(head)
        words.addWidget(text, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._mark)
        row.addLayout(words, 1)
        for label in self.findChildren(Label):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def apply(self, theme: Theme) -> None:
        """Colour the icon."""
        self._mark.setPixmap(icons.pixmap("module", theme.accent, 20, self.devicePixelRatioF()))

    def show_running(self, running: bool) -> None:
        """Say whether its model process runs."""
        self._state.setText("running" if running else "")
