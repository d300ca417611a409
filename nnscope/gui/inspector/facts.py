"""What the tensor is: address, shape, type, bytes, kind, aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts, numbers
from nnscope.gui.text import ElidedLabel, Label
from nnscope.scene.numbers import nbytes, shape
from nnscope.scene.ticks import axis_name

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo

ALIASES = 6  # shown; the rest is in the tooltip


class Facts(QWidget):
    """Two columns: what it is called, what it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._address = ElidedLabel()
        self._address.setFont(fonts.mono(fonts.SIZE))
        self._rows: dict[str, tuple[Label, ElidedLabel]] = {}
        self._warning = Label("", "warning")
        self._warning.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._address, 0, 0, 1, 2)
        grid.setRowMinimumHeight(0, 24)
        for row, name in enumerate(("Shape", "Kept", "Axes", "Type", "Bytes", "Kind", "Source", "Aliases"), 1):
            self._add(grid, row, name)
        grid.addWidget(self._warning, 9, 0, 1, 2)
        grid.setColumnStretch(1, 1)

    def show_info(self, info: TensorInfo, source: str) -> None:
        """Fill in."""
        self._address.setText(info.address)
        self._set("Shape", f"{shape(info.full_shape)}   {numbers.count(info.full_size)} values")
        self._set("Kept", f"{shape(info.shape)}{' means' * bool(info.means)}" if info.kept else "")
        self._set("Axes", ", ".join(axis_name(a, info.axes) for a in range(info.ndim)) if any(info.axes) else "–")
        self._set("Type", info.dtype)
        self._set("Bytes", f"{nbytes(info.nbytes)}   {numbers.count(info.nbytes)}" if info.nbytes else "–")
        self._set("Kind", info.kind)
        self._set("Source", source)
        shown = [plain(alias, 64) for alias in info.aliases[:ALIASES]]
        more = len(info.aliases) - len(shown)
        self._set("Aliases", ", ".join(shown) + (f" and {more} more" if more > 0 else ""))
        self._warning.setText(plain(info.unreadable, 400))
        self._warning.setVisible(bool(info.unreadable))

    def texts(self) -> dict[str, str]:
        """What is shown, by name."""
        return {name: value.text() for name, (_, value) in self._rows.items()}

    def _add(self, grid: QGridLayout, row: int, name: str) -> None:
        label = Label(name, "secondary")
        value = ElidedLabel()
        value.setFont(fonts.tabular())
        value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        value.setBuddy(label)
        grid.addWidget(label, row, 0)
        grid.addWidget(value, row, 1)
        self._rows[name] = (label, value)

    def _set(self, name: str, text: str) -> None:
        label, value = self._rows[name]
        value.setText(text)
        for widget in (label, value):
            widget.setVisible(bool(text))
