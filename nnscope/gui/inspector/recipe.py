"""What was done between the tensor and the picture: each step marked faithful or aesthetic, by sign and by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import icons
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from nnscope.core.frame import Theme
    from nnscope.core.picture import Step


class RecipeList(QWidget):
    """A line a step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[Label, Label]] = []
        self._shown: tuple[tuple[Step, ...], tuple[str, ...]] = ((), ())
        self._theme: Theme | None = None

    def apply(self, theme: Theme) -> None:
        """Colours of the marks."""
        self._theme = theme
        self.show_steps(*self._shown)

    def show_steps(self, steps: tuple[Step, ...], notes: tuple[str, ...]) -> None:
        """Fill in: steps in order, then remarks such as the explained variance."""
        self._shown = (steps, notes)
        lines = [(step.name, step.detail, step.faithful) for step in steps] + [(note, "", None) for note in notes]
        while len(self._rows) < len(lines):
            self._add_row()
        for at, (mark, text) in enumerate(self._rows):
            mark.setVisible(at < len(lines))
            text.setVisible(at < len(lines))
            if at < len(lines):
                self._show_line(mark, text, *lines[at])

    def texts(self) -> list[str]:
        """The visible lines."""
        return [text.text() for _, text in self._rows if text.isVisibleTo(self)]

    def _add_row(self) -> None:
        mark, text = Label(), Label()
        text.setWordWrap(True)
        mark.setFixedSize(16, 16)
        row = len(self._rows)
        self._grid.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(text, row, 1, Qt.AlignmentFlag.AlignTop)
        self._rows.append((mark, text))

    def _show_line(self, mark: Label, text: Label, name: str, detail: str, faithful: bool | None) -> None:
        text.setText(
            plain(f"{name}: {detail}" if detail else name, 300) + ("" if faithful is not False else "  (aesthetic)")
        )
        theme = self._theme
        if theme is None:
            return
        sign = {True: ("check", theme.scientific), False: ("wave", theme.aesthetic), None: ("info", theme.secondary)}
        mark.setPixmap(icons.pixmap(*sign[faithful], 14, self.devicePixelRatioF()))
        says = {True: "Faithful: what you see is the tensor", False: "Aesthetic: it exaggerates", None: "Remark"}
        mark.setToolTip(says[faithful])
        mark.setAccessibleName(says[faithful])
