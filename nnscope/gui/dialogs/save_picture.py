"""How large the saved picture shall be."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QDialog, QGridLayout, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from nnscope.gui import fonts
from nnscope.gui.text import Label

LEAST, MOST = 16, 16384  # pixels a side
PRESETS = ((1280, 800), (1920, 1080), (2560, 1440), (3840, 2160))


class SaveDialog(QDialog):
    """Emits ``accepted_size`` (width, height) in pixels."""

    accepted_size = pyqtSignal(int, int)

    def __init__(self, screen: tuple[int, int], most: int = MOST, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Save picture")
        self._sizes = [screen, *(size for size in PRESETS if max(size) <= most)]
        self.preset = QComboBox()
        self.preset.addItem(f"As on screen  ({screen[0]} × {screen[1]})")
        self.preset.addItems([f"{w} × {h}" for w, h in self._sizes[1:]])
        self.preset.addItem("Custom")
        self.width_field = _field("Width in pixels", screen[0], most)
        self.height_field = _field("Height in pixels", screen[1], most)
        self.save = QPushButton("Save …")
        self.save.setProperty("role", "primary")
        self.save.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out()
        self._connect()

    @property
    def size_wanted(self) -> tuple[int, int]:
        """Width and height."""
        return self.width_field.value(), self.height_field.value()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        fields = QHBoxLayout()
        fields.setSpacing(8)
        fields.addWidget(self.width_field, 1)
        fields.addWidget(Label("×", "secondary"))
        fields.addWidget(self.height_field, 1)
        fields.addWidget(Label("pixels", "secondary"))
        grid.addWidget(Label("Size", "secondary"), 0, 0)
        grid.addWidget(self.preset, 0, 1)
        grid.addLayout(fields, 1, 1)
        grid.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.save)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(16)
        box.addWidget(
            Label("A PNG with the legend and the axes; where it came from is written into the file.", "secondary")
        )
        box.addLayout(grid)
        box.addLayout(buttons)

    def _connect(self) -> None:
        self.preset.activated.connect(self._preset_chosen)
        for field in (self.width_field, self.height_field):
            field.valueChanged.connect(self._size_changed)
        self.save.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.close)

    def _preset_chosen(self, at: int) -> None:
        if at < len(self._sizes):
            width, height = self._sizes[at]
            self.width_field.setValue(width)
            self.height_field.setValue(height)

    def _size_changed(self) -> None:
        at = self._sizes.index(self.size_wanted) if self.size_wanted in self._sizes else len(self._sizes)
        self.preset.setCurrentIndex(at)

    def _accept(self) -> None:
        size = self.size_wanted
        self.close()
        self.accepted_size.emit(*size)


def _field(name: str, value: int, most: int) -> QSpinBox:
    field = QSpinBox()
    field.setRange(LEAST, most)
    field.setValue(value)
    field.setFont(fonts.tabular())
    field.setAccessibleName(name)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    return field
