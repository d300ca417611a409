"""The strip over the canvas for what runs: a model with its input, or a training that is attached to."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    attached: bool = False
    ended: str = ""

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
        attached, ended = source.listing.format == "run", str(facts.get("ended") or facts.get("trouble") or "")
        can_train = bool(facts.get("can_train"))
        return cls(samples, int(facts.get("sample", 0)), training, can_train, told(facts), attached, ended)

    def of_model(self, model: LiveState) -> LiveState:
        """This state of a run, with what the model that is trained in it can do."""
        return replace(self, can_train=model.can_train, training=model.training)


SLOWDOWN = (
    "Slowed by: what recording takes from the training, measured in it. Time of its own calls and hooks, and the "
    "processor time of the thread that records, as a share of the rest."
)


class LiveBar(QWidget):
    """Emits ``sample`` (index), ``train`` (start or stop), ``record`` and ``detach``."""

    sample = pyqtSignal(int)
    train = pyqtSignal(bool)
    record = pyqtSignal()
    detach = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: LiveState | None = None
        self._theme: Theme | None = None
        self.samples = SamplePicker()
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self.train.emit(not (self._state and self._state.training)))
        self.samples.chosen.connect(lambda value: self.sample.emit(int(value)))
        self.recorder = QPushButton("Rec")
        self.recorder.setToolTip("Train from scratch and keep the run in a folder")
        self.recorder.clicked.connect(self.record)
        self.detacher = QPushButton("Detach")
        self.detacher.setProperty("role", "quiet")
        self.detacher.setToolTip("Leave the training; it goes on")
        self.detacher.clicked.connect(self.detach)
        self._mark = Label()
        self._said = Label()
        self._label = Label("Input", "secondary")
        self._told = Label("", "secondary")
        self._told.setFont(fonts.tabular())
        self.setProperty("role", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(8)
        inputs = (self._label, self.samples, self._mark, self._said, self.button, self.recorder, self._told)
        for widget in inputs:
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.detacher)

    @property
    def told_text(self) -> str:
        """What the model tells, as shown."""
        return self._told.text()

    @property
    def said_text(self) -> str:
        """How the training is that is attached to, as shown."""
        return self._said.text()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        self._theme = theme
        self.samples.apply(theme)
        self._show_button()
        self._show_training()

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
        for button in (self.button, self.recorder):
            button.setVisible(state.can_train)
        self.recorder.setEnabled(not state.training)
        self._told.setText(state.told)
        self._told.setToolTip(SLOWDOWN if state.attached else "")
        self._show_button()
        self._show_training()

    def _show_training(self) -> None:
        state = self._state
        for widget in (self._mark, self._said, self.detacher):
            widget.setVisible(state is not None and state.attached)
        if state is None or self._theme is None:
            return
        name, colour = ("info", self._theme.secondary) if state.ended else ("live", self._theme.accent)
        self._mark.setPixmap(icons.pixmap(name, colour, 16, self.devicePixelRatioF()))
        self._said.setText(plain(state.ended, 160) if state.ended else "Attached to a training")

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
    if isinstance(facts.get("slowdown"), float):
        parts.append(f"slowed by {facts['slowdown']:.1%}")
    if facts.get("prediction") is not None:
        parts.append(f"prediction {plain(str(facts['prediction']), 32)}{_confidence(facts.get('probabilities'))}")
    return "     ".join(parts)


def _confidence(probabilities: Any) -> str:
    """`` (96.4%)``: the share of the class predicted."""
    numbers = [p for p in probabilities or () if isinstance(p, float)]
    return f"  ({max(numbers):.1%})" if numbers else ""
