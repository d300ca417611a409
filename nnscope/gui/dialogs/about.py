"""What this is, and on what it runs."""

from __future__ import annotations

import platform

from PyQt6.QtCore import PYQT_VERSION_STR, Qt, qVersion
from PyQt6.QtWidgets import QDialog, QGridLayout, QPushButton, QVBoxLayout, QWidget

import nnscope
from nnscope.gui.text import Label

LICENCE = "nnscope is BSD-3-Clause; PyQt6, which draws this window, is GPL-3."


class AboutDialog(QDialog):
    """Versions and licences."""

    def __init__(self, renderer: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About nnscope")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        for row, (name, value) in enumerate(_facts(renderer)):
            grid.addWidget(Label(name, "secondary"), row, 0)
            label = Label(value)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, row, 1)
        done = QPushButton("Close")
        done.setDefault(True)
        done.clicked.connect(self.close)
        box = QVBoxLayout(self)
        box.setContentsMargins(24, 20, 24, 16)
        box.setSpacing(12)
        box.addWidget(Label("nnscope", "title"))
        box.addWidget(Label("Open a network, see inside it, trust what you see.", "secondary"))
        box.addLayout(grid)
        box.addWidget(Label(LICENCE, "secondary"))
        box.addWidget(done, 0, Qt.AlignmentFlag.AlignRight)


def _facts(renderer: str) -> list[tuple[str, str]]:
    return [
        ("Version", nnscope.__version__),
        ("Python", platform.python_version()),
        ("Qt", f"{qVersion()} (PyQt {PYQT_VERSION_STR})"),
        ("OpenGL", renderer or "unknown"),
    ]
