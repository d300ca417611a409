"""The Gaussians that make up a place of splats that was clicked: those that give most there, with what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from nnscope.gui import fonts, numbers
from nnscope.gui.text import Label, tooltip

if TYPE_CHECKING:
    from nnscope.views.splat_shares import Shown

HEADS = ("Name", "Gives", "Share", "Amplitude", "σ")
ASK = "Click on the picture to see which Gaussians make up that place."


class GaussianList(QWidget):
    """One row a Gaussian; its tooltip tells centre, orientation and error."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = Label(ASK, "small")
        self.note.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self.rows: list[list[Label]] = []
        box = QVBoxLayout(self)
        box.setSpacing(4)
        box.addLayout(self._grid)
        box.addWidget(self.note)

    def show_list(self, found: tuple[Shown, ...], count: int) -> None:
        """Fill in the strongest of ``count``."""
        for label in (label for row in self.rows for label in row):
            self._grid.removeWidget(label)
            label.deleteLater()
        heads = [[Label(head, "small") for head in HEADS]] if found else []
        self.rows = [*heads, *(_row(one) for one in found)]
        for at, row in enumerate(self.rows):
            for column, label in enumerate(row):
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self._grid.addWidget(label, at, column)
        rest = count - len(found)
        several = f"and {numbers.count(rest)} more that give less" if rest else f"{count} in all"
        self.note.setText(several if found else ASK)


def _row(one: Shown) -> list[Label]:
    axes = "×".join(f"{length:.2g}" for length in one.axes)
    texts = (
        str(one.name),
        numbers.shown(float(f"{one.given:.2g}")),
        f"{one.share:.1%}",
        numbers.shown(float(f"{one.amplitude:.2g}")),
        axes,
    )
    told = tooltip(_told(one))
    labels = []
    for text in texts:
        label = Label(text)
        label.setFont(fonts.tabular(fonts.SMALL))
        label.setToolTip(told)
        labels.append(label)
    return labels


def _told(one: Shown) -> str:
    centre, along = (", ".join(f"{part:.2f}" for part in parts) for parts in (one.centre, one.along))
    axes = " × ".join(f"{length:.4g}" for length in one.axes)
    lines = [f"Gaussian {one.name}, amplitude {one.amplitude:.6g}, gives {one.given:.6g}"]
    lines += [f"centre ({centre})", f"σ {axes}, the longest along ({along})"]
    if one.error is not None:
        lines.append(f"mean error under it {one.error:.4g}")
    return "\n".join(lines)
