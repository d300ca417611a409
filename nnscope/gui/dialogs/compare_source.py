"""With which other file, run or training a tensor is to be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QDialog, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 560


class CompareSourceDialog(QDialog):
    """Emits ``wanted`` (path or address).

    Parameters
    ----------
    address : str
        Of the tensor.
    others : sequence of str
        What is open besides its source.
    parent : QWidget or None
    """

    wanted = pyqtSignal(str)

    def __init__(self, address: str, others: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare with another file or run")
        self.setMinimumWidth(WIDTH)
        self._what = Label(f"{plain(address, 64)} beside the tensor of that name in", "secondary")
        self.other = QComboBox()
        self.other.setEditable(True)
        self.other.addItems(list(others))
        self.other.setFont(fonts.mono())
        self.other.setAccessibleName("Other file or run")
        field = self.other.lineEdit()
        assert field is not None  # it is editable
        field.setPlaceholderText("A file, the folder of a run, or the address of a training")
        self._file, self._folder = QPushButton("File …"), QPushButton("Folder …")
        self.compare = QPushButton("Compare")
        self.compare.setProperty("role", "primary")
        self.compare.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out()
        self.other.editTextChanged.connect(self._check)
        self._file.clicked.connect(lambda: self._browse(QFileDialog.FileMode.ExistingFile))
        self._folder.clicked.connect(lambda: self._browse(QFileDialog.FileMode.Directory))
        self.compare.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.close)
        self._check()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._file, self._folder):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.compare)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(self._what)
        box.addWidget(self.other)
        box.addLayout(buttons)

    def _browse(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self, "Compare with")
        dialog.setFileMode(mode)
        dialog.fileSelected.connect(self.other.setEditText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _check(self) -> None:
        self.compare.setEnabled(bool(self.other.currentText().strip()))

    def _accept(self) -> None:
        other = self.other.currentText().strip()
        self.close()
        self.wanted.emit(other)
