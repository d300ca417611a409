"""Where to attach: one line for the address that a training has printed."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QApplication, QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nnscope.core.attaching import HOST, SCHEME, is_address, parse_address
from nnscope.core.errors import NnscopeError
from nnscope.gui import fonts
from nnscope.gui.text import Label

WIDTH = 560
_WHAT = (
    "nnscope.watch prints the address of a training when it begins. On another machine, forward its port first:\n"
    f"ssh -L PORT:{HOST}:PORT HOST"
)


class AttachDialog(QDialog):
    """Emits ``accepted_address``. What is in the clipboard is taken, if it is an address."""

    accepted_address = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Attach to a training")
        self.setMinimumWidth(WIDTH)
        self.field = QLineEdit()
        self.field.setFont(fonts.mono())
        self.field.setAccessibleName("Address")
        self.field.setPlaceholderText(f"{SCHEME}{HOST}:PORT/?token=…")
        self.trouble = Label("", "secondary")
        self.trouble.setWordWrap(True)
        self.attach = QPushButton("Attach")
        self.attach.setProperty("role", "primary")
        self.attach.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out()
        self.field.textChanged.connect(self._check)
        self.attach.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.close)
        self.field.setText(_copied())
        self.field.setCursorPosition(0)
        self._check()

    def _lay_out(self) -> None:
        what = Label(_WHAT, "secondary")
        what.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.attach)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        for widget in (what, self.field, self.trouble):
            box.addWidget(widget)
        box.addLayout(buttons)

    def _check(self) -> None:
        """Say what is wrong with the address while it is typed."""
        text, wrong = self.field.text().strip(), ""
        try:
            parse_address(text)
        except NnscopeError as error:
            wrong = f"{error.what} {error.remedy}"
        self.trouble.setText(wrong if text else "")
        self.attach.setEnabled(not wrong)

    def _accept(self) -> None:
        address = self.field.text().strip()
        self.close()
        self.accepted_address.emit(address)


def _copied() -> str:
    clipboard = QApplication.clipboard()
    text = clipboard.text().strip() if clipboard is not None else ""
    return text if is_address(text) else ""
