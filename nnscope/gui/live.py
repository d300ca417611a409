"""The strip over the canvas for a running model: which input runs through it, training, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from nnscope.core.text import plain
from nnscope.gui import fonts, icons
from nnscope.gui.sample_picker import SamplePicker
from nnscope.gui.text import Label

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.frame import Theme
    from nnscope.scene.library import OpenSource


@dataclass(frozen=True, slots=True)
class LiveState:
    """What the bar shows of a live source."""

    samples: tuple[str, ...] = ()
    sample: int = 0
    training: bool = False
    can_train: bool = False
    told: str = ""

    @classmethod
    def of(cls, source: OpenSource | None) -> LiveState | None:
        """The state of a source; None when it is not a live model or is gone."""
        if source is None or source.dead or source.listing is None or not source.listing.live:
            return None
        facts: dict[str, Any] = {**source.listing.live, **source.status}
        if facts.get("prediction") != source.listing.live.get("prediction"):
            facts.pop("probabilities", None)  # they belong to the prediction of the listing
        samples = tuple(map(str, facts.get("samples", ())))
        training = bool(facts.get("training"))
        return cls(samples, int(facts.get("sample", 0)), training, bool(facts.get("can_train")), told(facts))


class LiveBar(QWidget):
    """Emits ``sample`` (index) and ``train`` (start or stop)."""

    sample = pyqtSignal(int)
    train = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: LiveState | None = None
        self._theme: Theme | None = None
        self.samples = SamplePicker()
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self.train.emit(not (self._state and self._state.training)))
        self.samples.chosen.connect(lambda value: self.sample.emit(int(value)))
        self._label = Label("Input", "secondary")
        self._told = Label("", "secondary")
        self._told.setFont(fonts.tabular())
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(8)
        for widget in (self._label, self.samples, self.button, self._told):
            row.addWidget(widget)
        row.addStretch(1)

    @property
    def told_text(self) -> str:
        """What the model tells, as shown."""
        return self._told.text()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._theme = theme
        self.samples.apply(theme)
        self._show_button()

    def show_state(self, state: LiveState | None, previews: np.ndarray | None = None) -> None:
        """Fill in; without a live model the strip is not there. ``previews``: pictures of its samples."""
        self._state = state
        self.setVisible(state is not None)
        if state is None:
            return
        self.samples.show_samples(state.samples, previews)
        self.samples.choose(str(state.sample))
        self.samples.setVisible(bool(state.samples))
        self._label.setVisible(bool(state.samples))
        self.samples.setEnabled(not state.training)
        self.button.setVisible(state.can_train)
        self._told.setText(state.told)
        self._show_button()

    def _show_button(self) -> None:
        training = self._state is not None and self._state.training
        self.button.setText("Stop" if training else "Train")
        self.button.setToolTip("Stop training" if training else "Train from scratch and watch")
        if self._theme is not None:
            self.button.setIcon(icons.icon("stop" if training else "train", self._theme))


def told(facts: dict[str, Any]) -> str:
    """``step 120   loss 0.4321   accuracy 91.2%``, or what the model makes of its input, as far as it tells."""
    parts = []
    if "step" in facts:
        steps = f" / {facts['steps']}" if facts.get("steps") else ""
        parts.append(f"step {facts['step']}{steps}")
    if isinstance(facts.get("loss"), float):
        parts.append(f"loss {facts['loss']:.4f}")
    if isinstance(facts.get("accuracy"), float):
        parts.append(f"accuracy {facts['accuracy']:.1%}")
    if facts.get("prediction") is not None:
        parts.append(f"prediction {plain(str(facts['prediction']), 32)}{_confidence(facts.get('probabilities'))}")
    return "     ".join(parts)


def _confidence(probabilities: Any) -> str:
    """`` (96.4%)``: the share of the class predicted."""
    numbers = [p for p in probabilities or () if isinstance(p, float)]
    return f"  ({max(numbers):.1%})" if numbers else ""
