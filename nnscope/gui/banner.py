"""The strip over the canvas that says what is wrong with a source: its process is gone, with a way back to it, or some
of it could not be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from nnscope.core.attaching import is_address
from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.text import Label, tooltip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.frame import Theme

MOST = 300  # characters that are shown
SAID = 3  # warnings that are said one by one; all are in the tooltip


class Banner(QWidget):
    """Emits ``restart`` (source key)."""

    restart = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = ""
        self._reason = ""
        self.setProperty("role", "banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._mark = Label()
        self.text = Label()
        self.text.setWordWrap(True)
        self.button = QPushButton("Restart")
        self._close = QToolButton()
        self._close.setAccessibleName("Hide this message")
        self._close.setToolTip("Hide this message")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self._mark)
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        row.addWidget(self._close)
        self.button.clicked.connect(lambda: self.restart.emit(self._source))
        self._close.clicked.connect(self.hide)
        self.hide()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._mark.setPixmap(icons.pixmap("warning", theme.aesthetic, 16, self.devicePixelRatioF()))
        self._close.setIcon(icons.icon("close", theme))

    def show_trouble(self, source: str, death: str, warnings: Sequence[str] = ()) -> None:
        """Say why its process is gone, else what was survived, or hide when there is neither.

        A message that was hidden by hand stays hidden.
        """
        reason = death or _joined(warnings)
        if (source, reason) == (self._source, self._reason):
            return
        self._source, self._reason = source, reason
        self.button.setText("Reattach" if is_address(source) else "Restart")
        self.button.setVisible(bool(death))
        self.text.setText(plain(reason, MOST))
        self.setToolTip(tooltip("" if death else "\n".join(warnings)))
        self.setVisible(bool(reason))


def _joined(warnings: Sequence[str]) -> str:
    """The first sentences, and how many more there are."""
    more = [f"… and {len(warnings) - SAID} more."] if len(warnings) > SAID else []
    return " ".join([*warnings[:SAID], *more])
