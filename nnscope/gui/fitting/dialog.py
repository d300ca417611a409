"""The window of a fit: how many Gaussians and steps, how it goes, and what came of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QProgressBar, QPushButton, QSpinBox, QVBoxLayout, QWidget

from nnscope.gui import fonts
from nnscope.gui.fitting.curves import CurvePlot, Curves
from nnscope.gui.text import ElidedLabel, Label
from nnscope.scene import numbers

if TYPE_CHECKING:
    from nnscope.core.errors import Failure
    from nnscope.scene.fitting import FitPart

SIZE = (720, 560)
STEPS, MOST_STEPS = 500, 100_000
LEAST_VIEWS, MOST_VIEWS = 6, 600
VIEWS = (
    "Fit maximum projections from so many sides, on rings at −20°, 0° and 20°, and not the values themselves. "
    "A sixth of them are held out."
)
PLOTS = {
    "loss": Curves("Loss", ("",)),
    "psnr": Curves("PSNR in dB", ("",), log=False),
    "gradients": Curves("Norms of gradients", ("means", "shapes", "amplitudes")),
    "spread": Curves("Spread over Gaussians", ("positions", "log σ", "amplitudes")),
}
SEEN = Curves("PSNR in dB", ("fitted", "held out"), log=False)


class FitDialog(QDialog):
    """Emits ``begun`` (Gaussians, steps, views), ``stopped``, ``save`` once it is done, ``left`` when it is closed."""

    begun = pyqtSignal(int, int, int)
    stopped = pyqtSignal()
    save = pyqtSignal()
    left = pyqtSignal()

    def __init__(self, part: FitPart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Fit a Gaussian field")
        self.resize(*SIZE)
        self.gaussians = _field("Most Gaussians", part.proposed, min(part.size, 1_000_000))
        self.steps = _field("Steps", STEPS, MOST_STEPS)
        self.views = _field("Views", 0, MOST_VIEWS if len(part.shape) == 3 else 0, least=0)
        self.views.setSpecialValueText("none")
        self.views.setToolTip(VIEWS)
        self.fit = _button("Fit", "primary")
        self.stop = _button("Stop, keep the best")
        self.keep = _button("Save field …")
        self._seen = False  # whether views are fitted
        self.plots = {name: CurvePlot(curves) for name, curves in PLOTS.items()}
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.status = Label("Means, shapes and amplitudes are fitted to the squared error.", "secondary")
        self.status.setWordWrap(True)
        self._lay_out(part)
        self.fit.setDefault(True)
        self.fit.clicked.connect(lambda: self.begun.emit(*self._asked()))
        self.stop.clicked.connect(self._stop)
        self.keep.clicked.connect(self.save)
        self.finished.connect(self.left)  # whoever closes it wants no more of the fit
        self._enable(under_way=False, done=False)

    def begin(self) -> None:
        """A fit has been started."""
        total = self.steps.value()
        self.progress.setRange(0, total)
        self.progress.setValue(0)
        seen = self.views.value() > 0
        for name, plot in self.plots.items():
            plot.clear(total, SEEN if seen and name == "psnr" else PLOTS[name])
        self._seen = seen
        self.status.setText("Starting …")
        self._enable(under_way=True, done=False)

    def show_steps(self, steps: list[dict[str, Any]]) -> None:
        """Add what these tell."""
        for name, plot in self.plots.items():
            plot.extend([self._numbers(step, name) for step in steps])
        last = steps[-1]
        self.progress.setValue(last["number"] + 1)
        self.status.setText(
            f"Step {last['number'] + 1} of {last['total']}, {last['gaussians']} Gaussians, {last['psnr']:.2f} dB"
        )

    def show_done(self, told: dict[str, Any]) -> None:
        """The field is there."""
        stopped = "Stopped: the best so far. " if told["ended"] == "cancelled" else ""
        share = told["whole"] / max(1, told["bytes"])
        apart = "" if told["heldout"] is None else f", {told['heldout']:.2f} dB in views held out,"
        self.status.setText(
            f"{stopped}{told['gaussians']} Gaussians, {numbers.nbytes(told['bytes'])} ({share:.3g} × smaller than the "
            f"values): {told['psnr']:.2f} dB{apart} in {told['seconds']:.1f} s."
        )
        self.progress.setValue(self.progress.maximum())
        self._enable(under_way=False, done=True)

    def show_failure(self, failure: Failure) -> None:
        """There is none."""
        self.status.setText(str(failure))
        self._enable(under_way=False, done=False)

    def _asked(self) -> tuple[int, int, int]:
        views = self.views.value()
        return self.gaussians.value(), self.steps.value(), max(views, LEAST_VIEWS) if views else 0

    def _numbers(self, step: dict[str, Any], name: str) -> tuple[float, ...]:
        """What a plot shows of a step."""
        value = step[name]
        if name == "psnr" and self._seen:
            return value, math.nan if step["heldout"] is None else step["heldout"]
        return tuple(value) if isinstance(value, list) else (value,)

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        self.status.setText("Stopping …")
        self.stopped.emit()

    def _enable(self, *, under_way: bool, done: bool) -> None:
        for widget in (self.gaussians, self.steps, self.views, self.fit):
            widget.setEnabled(not under_way)
        self.stop.setEnabled(under_way)
        self.keep.setEnabled(done)

    def _lay_out(self, part: FitPart) -> None:
        name = ElidedLabel(part.info.address)
        name.setFont(fonts.mono())
        asked = QHBoxLayout()
        asked.setSpacing(8)
        fields = [("Gaussians", self.gaussians), ("Steps", self.steps)]
        fields += [("Views", self.views)] if len(part.shape) == 3 else []
        for title, field in fields:
            label = Label(title, "secondary")
            label.setBuddy(field)
            asked.addWidget(label)
            asked.addWidget(field)
            asked.addSpacing(8)
        asked.addStretch(1)
        asked.addWidget(self.fit)
        grid = QGridLayout()
        grid.setSpacing(12)
        for at, plot in enumerate(self.plots.values()):
            grid.addWidget(plot, at // 2, at % 2)
        ends = QHBoxLayout()
        ends.setSpacing(8)
        ends.addWidget(self.status, 1)
        ends.addWidget(self.stop)
        ends.addWidget(self.keep)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(name)
        box.addWidget(Label(f"{numbers.shape(part.shape)} values, {part.info.dtype}", "secondary"))
        box.addLayout(asked)
        box.addLayout(grid, 1)
        box.addWidget(self.progress)
        box.addLayout(ends)


def _button(text: str, role: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    if role:
        button.setProperty("role", role)
    return button


def _field(name: str, value: int, most: int, least: int = 1) -> QSpinBox:
    field = QSpinBox()
    field.setRange(least, most)
    field.setValue(value)
    field.setFont(fonts.tabular())
    field.setAccessibleName(name)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setMinimumWidth(92)
    return field
