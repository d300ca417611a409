"""The window that compares codes of a tensor at equal bytes: a Gaussian field beside others, as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nnscope.gui import fonts
from nnscope.gui.text import ElidedLabel, Label
from nnscope.scene import numbers

if TYPE_CHECKING:
    from nnscope.core.errors import Failure
    from nnscope.scene.fitting import FitPart

SIZE = (580, 460)
STEPS = 300  # of the field's fit
SHARES = (4, 8, 16, 32)
HEADS = ("Code", "Bytes", "PSNR in dB", "SNR in dB")


class CodesDialog(QDialog):
    """Emits ``begun`` (bytes for each code), ``stopped``, and ``left`` when it is closed."""

    begun = pyqtSignal(int)
    stopped = pyqtSignal()
    left = pyqtSignal()

    def __init__(self, part: FitPart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare codes at equal bytes")
        self.resize(*SIZE)
        self.share = QComboBox()
        for share in SHARES:
            self.share.addItem(
                f"1/{share} of the values, {numbers.nbytes(4 * part.size // share)}", 4 * part.size // share
            )
        self.share.setCurrentIndex(SHARES.index(8))
        self.share.setAccessibleName("Bytes for each code")
        self.compare, self.stop = QPushButton("Compare"), QPushButton("Stop")
        self.compare.setProperty("role", "primary")
        self.compare.setDefault(True)
        self.stop.setAutoDefault(False)
        self.table = _table()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status = Label(
            "The field is fitted, which takes a while; the other codes are computed at once.", "secondary"
        )
        self.status.setWordWrap(True)
        self._lay_out(part)
        self.compare.clicked.connect(lambda: self.begun.emit(int(self.share.currentData())))
        self.stop.clicked.connect(self._stop)
        self.finished.connect(self.left)
        self._enable(under_way=False)

    def begin(self) -> None:
        """It has been started."""
        self.table.setRowCount(0)
        self.progress.setRange(0, STEPS)
        self.progress.setValue(0)
        self.status.setText("Starting …")
        self._enable(under_way=True)

    def show_steps(self, steps: list[dict[str, Any]]) -> None:
        """How far the field's fit is."""
        last = steps[-1]
        self.progress.setValue(last["number"] + 1)
        self.status.setText(f"The field: step {last['number'] + 1} of {last['total']}, {last['psnr']:.2f} dB")

    def show_rows(self, rows: list[dict[str, Any]]) -> None:
        """Add codes."""
        for row in rows:
            at = self.table.rowCount()
            self.table.insertRow(at)
            texts = (row["name"], f"{row['nbytes']:,}", f"{row['psnr']:.2f}", f"{row['snr']:.2f}")
            for column, text in enumerate(texts):
                self.table.setItem(at, column, _cell(text, first=column == 0))

    def show_done(self, told: dict[str, Any]) -> None:
        """What it comes to: which code is best, and what any smooth one could gain."""
        names = [self.table.item(at, 0) for at in range(self.table.rowCount())]
        for at, item in enumerate(names):
            if item is not None and item.text() == told["best"]:
                for column in range(len(HEADS)):
                    cell = self.table.item(at, column)
                    assert cell is not None
                    cell.setFont(_bold(cell))
        lost = f"{told['best']} keeps most, {told['ahead']:.1f} dB of SNR more than the field." if told["ahead"] else ""
        self.status.setText(
            f"{lost or 'The field keeps most.'} Spectral flatness {told['flatness']:.3g}: a smooth code gains at most "
            f"{told['gain']:.1f} dB over one that takes values singly."
        )
        self.progress.setValue(self.progress.maximum())
        self._enable(under_way=False)

    def show_failure(self, failure: Failure) -> None:
        """There is no table."""
        self.status.setText(str(failure))
        self._enable(under_way=False)

    def _stop(self) -> None:
        self.stopped.emit()
        self.status.setText("Stopped.")
        self._enable(under_way=False)

    def _enable(self, *, under_way: bool) -> None:
        for widget in (self.share, self.compare):
            widget.setEnabled(not under_way)
        self.stop.setEnabled(under_way)

    def _lay_out(self, part: FitPart) -> None:
        name = ElidedLabel(part.info.address)
        name.setFont(fonts.mono())
        label = Label("Bytes", "secondary")
        label.setBuddy(self.share)
        asked, ends = QHBoxLayout(), QHBoxLayout()
        for row in (asked, ends):
            row.setSpacing(8)
        asked.addWidget(label)
        asked.addWidget(self.share)
        asked.addStretch(1)
        asked.addWidget(self.compare)
        ends.addWidget(self.status, 1)
        ends.addWidget(self.stop)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(name)
        box.addWidget(Label(f"{numbers.shape(part.shape)} values, {part.info.dtype}", "secondary"))
        box.addLayout(asked)
        box.addWidget(self.table, 1)
        box.addWidget(self.progress)
        box.addLayout(ends)


def _table() -> QTableWidget:
    table = QTableWidget(0, len(HEADS))
    for column, head in enumerate(HEADS):
        table.setHorizontalHeaderItem(column, _cell(head, first=column == 0))
    table.setAccessibleName("Codes")
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setShowGrid(False)
    for header, shown in ((table.horizontalHeader(), True), (table.verticalHeader(), False)):
        assert header is not None
        header.setVisible(shown)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch if shown else QHeaderView.ResizeMode.Fixed)
    return table


def _cell(text: str, *, first: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignLeft if first else Qt.AlignmentFlag.AlignRight
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    if not first:
        item.setFont(fonts.tabular())
    return item


def _bold(cell: QTableWidgetItem) -> Any:
    font = cell.font()
    font.setBold(True)
    return font
