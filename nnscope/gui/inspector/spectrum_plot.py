"""The singular values as bars, with the numbers that sum them up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nnscope.gui import fonts, numbers

if TYPE_CHECKING:
    from nnscope.core.answer import Spectrum

HEIGHT = 96
LABELS = 16
DECADES = 6.0  # of the logarithmic scale at most
SHOWN = 64  # bars at most


class SpectrumPlot(QWidget):
    """Bars from the largest value down, on a linear or logarithmic scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spectrum: Spectrum | None = None
        self.log = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Singular values")

    def show_spectrum(self, spectrum: Spectrum) -> None:
        """Paint this one."""
        self._spectrum = spectrum
        self.setAccessibleDescription(copied(spectrum))
        self.update()

    def set_log(self, log: bool) -> None:
        """Whether the scale is logarithmic."""
        self.log = log
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Of fixed height."""
        return QSize(220, HEIGHT)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Bars, then the numbers at both ends."""
        painter = QPainter(self)
        values = self._values()
        if not values:
            return
        accent = self.palette().color(QPalette.ColorRole.Link)
        base = self.height() - LABELS
        step = self._step()
        for at, share in enumerate(bar_shares(values, self.log)):
            height = max(1.0, share * (base - 4))
            painter.fillRect(QRectF(at * step, base - height, max(1.0, step - 1), height), accent)
        painter.fillRect(QRectF(0, base, self.width(), 1), self.palette().color(QPalette.ColorRole.Mid))
        self._paint_numbers(painter, values)

    def event(self, event: QEvent | None) -> bool:
        """The value under the pointer as a tooltip."""
        if isinstance(event, QHelpEvent):
            values = self._values()
            at = int(event.pos().x() / self._step()) if values else 0
            if 0 <= at < len(values):
                QToolTip.showText(event.globalPos(), f"σ{at + 1} = {numbers.full(values[at])}", self)
            return True
        return super().event(event)

    def _values(self) -> list[float]:
        return [] if self._spectrum is None else [float(s) for s in self._spectrum.sigma[:SHOWN]]

    def _step(self) -> float:
        return min(16.0, self.width() / max(1, len(self._values())))

    def _paint_numbers(self, painter: QPainter, values: list[float]) -> None:
        painter.setFont(fonts.tabular(fonts.SMALL))
        painter.setPen(QColor(self.palette().color(QPalette.ColorRole.PlaceholderText)))
        area = QRectF(0, self.height() - LABELS, self.width(), LABELS)
        bottom = Qt.AlignmentFlag.AlignBottom
        painter.drawText(area, int(bottom | Qt.AlignmentFlag.AlignLeft), f"σ1 {numbers.shown(values[0])}")
        last = f"σ{len(values)} {numbers.shown(values[-1])}"
        if len(values) > 1:
            painter.drawText(area, int(bottom | Qt.AlignmentFlag.AlignRight), last)


def bar_shares(values: list[float], log: bool) -> list[float]:
    """Height of each bar in [0, 1]. Logarithmic: `DECADES` below the largest at most."""
    top = max(values, default=0.0)
    if top <= 0:
        return [0.0] * len(values)
    if not log:
        return [v / top for v in values]
    below = [math.log10(top) - math.log10(v) if v > 0 else math.inf for v in values]  # decades under the largest
    span = max(1.0, math.ceil(max((d for d in below if d < DECADES), default=1.0) + 1e-9))
    return [max(0.0, 1 - d / span) for d in below]


def summary(spectrum: Spectrum) -> list[tuple[str, float, str]]:
    """(name, value, meaning) of the numbers under the plot; what is unknown is left out."""
    rows = [
        ("spectral norm", float(spectrum.sigma[0]) if len(spectrum.sigma) else math.nan, "σ1"),
        ("stable rank", spectrum.stable_rank, "‖W‖²_F / σ1²"),
        ("effective rank", spectrum.effective_rank, "exp of the entropy of σ²/Σσ²"),
    ]
    return [row for row in rows if not math.isnan(row[1])]


def provenance(spectrum: Spectrum) -> str:
    """How the values were found."""
    rows, cols = spectrum.shape
    how = "exact" if spectrum.exact else f"randomized, residual {spectrum.residual:.1e}"
    return "  ·  ".join(filter(None, (f"{rows} × {cols} matrix", how, spectrum.note)))


def copied(spectrum: Spectrum) -> str:
    """All values with every digit, one a line."""
    return "\n".join(numbers.full(float(s)) for s in spectrum.sigma)
