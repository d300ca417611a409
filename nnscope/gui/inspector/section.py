"""A part of the inspector: a heading that opens and closes it, tools at its right, and a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from nnscope.gui import icons
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.frame import Theme

MARGIN = 12


class Section(QWidget):
    """Heading, body, and a line below."""

    def __init__(
        self, title: str, body: QWidget, tools: tuple[QWidget, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.body = body
        self._toggle = QToolButton()
        self._toggle.setCheckable(True)
        self._toggle.setChecked(True)
        self._toggle.setProperty("role", "fold")
        self._toggle.setAccessibleName(f"{title}: fold")
        self._toggle.setIconSize(QSize(10, 10))
        self._toggle.toggled.connect(self._fold)
        line = QFrame()
        line.setProperty("role", "line")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self._head(title, tools))
        box.addWidget(body)
        box.addSpacing(MARGIN)
        box.addWidget(line)
        body.setContentsMargins(MARGIN, 0, MARGIN, 0)

    def apply(self, theme: Theme) -> None:
        """Colour the chevron."""
        self._theme = theme
        self._fold(self._toggle.isChecked())

    def _head(self, title: str, tools: tuple[QWidget, ...]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(4, 8, MARGIN - 4, 4)
        row.setSpacing(2)
        row.addWidget(self._toggle)
        row.addWidget(Label(title.upper(), "heading"))
        row.addStretch(1)
        for tool in tools:
            row.addWidget(tool, 0, Qt.AlignmentFlag.AlignRight)
        return row

    def _fold(self, opened: bool) -> None:
        self.body.setVisible(opened)
        self._toggle.setIcon(icons.tinted("chevron-down" if opened else "chevron-right", self._theme.secondary))
