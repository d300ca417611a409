"""A panel at the window's edge: a quiet title, movable but never floating its neighbours' canvas away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDockWidget, QHBoxLayout, QToolButton, QWidget

from nnscope.gui import icons
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.frame import Theme


class Panel(QDockWidget):
    """A dock with a title of our own. ``note`` is small text at the title's right."""

    def __init__(self, name: str, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)  # the key of its place in the saved layout
        self.setAllowedAreas(Qt.DockWidgetArea.AllDockWidgetAreas)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        self.setWidget(content)
        self.note = Label("", "small")
        self._close = QToolButton()
        self._close.setToolTip(f"Hide {title.lower()}")
        self._close.setAccessibleName(f"Hide {title.lower()}")
        self._close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._close.clicked.connect(self.close)
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(12, 6, 4, 4)
        row.setSpacing(8)
        row.addWidget(Label(title.upper(), "heading"))
        row.addStretch(1)
        row.addWidget(self.note)
        row.addWidget(self._close)
        self.setTitleBarWidget(bar)

    def apply(self, theme: Theme) -> None:
        """Colour the icon."""
        self._close.setIcon(icons.icon("close", theme))
