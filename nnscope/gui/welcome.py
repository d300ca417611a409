"""The page to begin with: demo models, recent files, open, and a place to drop files on."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.demo_card import WIDTH, DemoCard
from nnscope.gui.text import Label, menu_text, tooltip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnscope.core.frame import Theme
    from nnscope.core.registry import ModelSpec

RECENT = 6  # files listed
FORMATS = "safetensors, Hugging Face folders, .pt, .npy, .npz, .h5, .tif, or a model factory in a .py file"


class WelcomePage(QScrollArea):
    """Emits ``open_path`` (path or ``demo:NAME``), ``open_file`` and ``open_folder``."""

    open_path = pyqtSignal(str)
    open_file = pyqtSignal()
    open_folder = pyqtSignal()

    def __init__(self, models: Sequence[ModelSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.cards = [DemoCard(m.name, m.title, m.description) for m in models]
        self.recent: list[QPushButton] = []
        self._recent_box = QVBoxLayout()
        self._recent_box.setSpacing(0)
        self._open = QPushButton("Open a file …")
        self._open.setProperty("role", "primary")
        self._folder = QPushButton("Open a folder …")
        self._lay_out()
        self._open.clicked.connect(self.open_file)
        self._folder.clicked.connect(self.open_folder)
        for card in self.cards:
            card.clicked.connect(lambda _=False, path=card.path: self.open_path.emit(path))

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._theme = theme
        for card in self.cards:
            card.apply(theme)
        for button in self.recent:
            button.setIcon(icons.icon("file", theme))

    def show_running(self, keys: Iterable[str]) -> None:
        """Mark the demo models that are open."""
        running = set(keys)
        for card in self.cards:
            card.show_running(card.path in running)

    def show_recent(self, paths: Sequence[str]) -> None:
        """List recent files, the newest first."""
        for button in self.recent:
            self._recent_box.removeWidget(button)
            button.deleteLater()
        self.recent = [self._recent_button(path) for path in paths[:RECENT]]
        self._no_recent.setVisible(not self.recent)

    def _recent_button(self, path: str) -> QPushButton:
        pure = PurePath(path)
        folder = plain(str(pure.parent), 56) if pure.parent != PurePath(".") else ""
        button = QPushButton(menu_text(f"{pure.name or path}   {folder}", 120))
        button.setProperty("role", "row")
        button.setToolTip(tooltip(path))
        button.setAccessibleName(plain(f"Open {path}"))
        button.clicked.connect(lambda: self.open_path.emit(path))
        button.setIcon(icons.icon("file", self._theme))
        self._recent_box.addWidget(button)
        return button

    def _lay_out(self) -> None:
        column = QWidget()
        column.setMaximumWidth(2 * WIDTH + 16)
        box = QVBoxLayout(column)
        box.setContentsMargins(0, 48, 0, 48)
        box.setSpacing(8)
        box.addWidget(Label("nnscope", "title"))
        box.addWidget(Label("Open a network, see inside it, trust what you see.", "secondary"))
        box.addSpacing(24)
        self._add_part(box, "Demo models", self._card_grid())
        self._add_part(box, "Recent", self._recent_part())
        self._add_part(box, "Open", self._open_part())
        box.addStretch(1)
        page = QWidget()
        row = QHBoxLayout(page)
        row.addStretch(1)
        row.addWidget(column, 8)
        row.addStretch(1)
        self.setWidget(page)

    def _add_part(self, box: QVBoxLayout, title: str, part: QWidget) -> None:
        box.addWidget(Label(title.upper(), "heading"))
        box.addWidget(part)
        box.addSpacing(20)

    def _card_grid(self) -> QWidget:
        part = QWidget()
        grid = QGridLayout(part)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(16)
        for at, card in enumerate(self.cards):
            grid.addWidget(card, at // 2, at % 2)
        grid.setColumnStretch(2, 1)
        return part

    def _recent_part(self) -> QWidget:
        part = QWidget()
        box = QVBoxLayout(part)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._no_recent = Label("Files that you open are listed here.", "secondary")
        box.addWidget(self._no_recent)
        box.addLayout(self._recent_box)
        return part

    def _open_part(self) -> QWidget:
        part = QWidget()
        box = QVBoxLayout(part)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._open)
        row.addWidget(self._folder)
        row.addWidget(Label("or drop files anywhere in this window", "secondary"))
        row.addStretch(1)
        box.addLayout(row)
        hint = Label(FORMATS, "small")
        hint.setAlignment(Qt.AlignmentFlag.AlignLeft)
        box.addWidget(hint)
        return part
