"""Which pictures a film has, how large they are, and how fast they go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from nnscope.core.errors import NnscopeError
from nnscope.export.clip import FASTEST, FPS, Clip, check_clip
from nnscope.gui import fonts
from nnscope.gui.text import Label
from nnscope.scene.shots import MOST, TURN, Motion, chosen

if TYPE_CHECKING:
    import numpy as np

LEAST, LARGEST = 16, 4096  # pixels a side
PRESETS = ((1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
FORMATS = (("MP4 (H.264)", ".mp4"), ("GIF, one palette", ".gif"), ("PNG, animated, lossless", ".png"))


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to be exported.

    Attributes
    ----------
    kept : ndarray of int64
        Steps at which the tensor was kept; empty for one without steps.
    first, last : int or None
        The range that is chosen in the timeline.
    spatial : bool
        Whether there is a camera that can go around.
    screen : (int, int)
        Size of the canvas in device pixels.
    """

    kept: np.ndarray
    first: int | None
    last: int | None
    spatial: bool
    screen: tuple[int, int]


class ExportDialog(QDialog):
    """Emits ``wanted`` (ending of the file, `Clip`, `Motion`)."""

    wanted = pyqtSignal(str, object, object)

    def __init__(self, offer: Offer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Export animation")
        self._offer = offer
        width, height = (side - side % 2 for side in offer.screen)
        self._sizes = [*PRESETS, (width, height)]
        self.format = _choice("Format", [title for title, _ in FORMATS])
        names = [*(f"{w} × {h}" for w, h in PRESETS), f"As on screen  ({width} × {height})", "Custom"]
        self.preset = _choice("Size", names)
        self.across = _number("Width in pixels", LEAST, LARGEST, PRESETS[0][0])
        self.down = _number("Height in pixels", LEAST, LARGEST, PRESETS[0][1])
        self.fps = _number("Pictures a second", 1, int(FASTEST["H.264"]), int(FPS))
        self.motion = _choice("Pictures", self._motions())
        steps = offer.kept if len(offer.kept) else (0, 0)
        self.first = _number("First step", int(steps[0]), int(steps[-1]), offer.first or int(steps[0]))
        last = int(steps[-1]) if offer.last is None else offer.last
        self.last = _number("Last step", int(steps[0]), int(steps[-1]), last)
        self.frames = _number("Number of pictures", 0, MOST, 0)
        self.frames.setSpecialValueText("One a step" if len(offer.kept) else str(TURN))
        self.told = Label("", "secondary")
        self.export = QPushButton("Export …")
        self.export.setProperty("role", "primary")
        self.export.setDefault(True)
        self._cancel = QPushButton("Cancel")
        self._lay_out()
        self._connect()
        self._changed()

    @property
    def clip(self) -> Clip:
        """Size and rate."""
        return Clip((self.across.value(), self.down.value()), float(self.fps.value()))

    @property
    def chosen_motion(self) -> Motion:
        """What moves."""
        orbit = self._offer.spatial and self.motion.currentIndex() == self.motion.count() - 1
        frames = self.frames.value() or None
        if not len(self._offer.kept):
            return Motion(frames=frames, orbit=orbit)
        return Motion(self.first.value(), self.last.value(), frames=frames, orbit=orbit)

    @property
    def ending(self) -> str:
        """Of the file's name."""
        return FORMATS[self.format.currentIndex()][1]

    def _motions(self) -> list[str]:
        steps = ["Steps of the run"] if len(self._offer.kept) else []
        around = "Steps, while the camera goes around" if steps else "Once around the picture"
        return [*steps, *([around] if self._offer.spatial else [])]

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        rows: list[tuple[str, QWidget | QHBoxLayout]] = [
            ("Format", self.format),
            ("Size", self.preset),
            ("", _row(self.across, Label("×", "secondary"), self.down, Label("pixels", "secondary"))),
            ("Rate", _row(self.fps, Label("pictures a second", "secondary"))),
            ("Moving", self.motion),
        ]
        if len(self._offer.kept):
            rows.append(("Steps", _row(self.first, Label("to", "secondary"), self.last)))
        rows.append(("Pictures", self.frames))
        for at, (name, field) in enumerate(rows):
            grid.addWidget(Label(name, "secondary"), at, 0)
            if isinstance(field, QWidget):
                grid.addWidget(field, at, 1)
            else:
                grid.addLayout(field, at, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.export)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(16)
        for part in (grid, buttons):
            box.addLayout(part)
        box.insertWidget(1, self.told)
        self.told.setWordWrap(True)
        self.told.setMinimumSize(380, 36)

    def _connect(self) -> None:
        self.preset.activated.connect(self._preset_chosen)
        for field in (self.across, self.down, self.first, self.last, self.frames, self.fps):
            field.valueChanged.connect(self._changed)
        for choice in (self.format, self.motion):
            choice.activated.connect(self._changed)
        self.export.clicked.connect(self._accept)
        self._cancel.clicked.connect(self.close)

    def _preset_chosen(self, at: int) -> None:
        if at < len(self._sizes):
            self.across.setValue(self._sizes[at][0])
            self.down.setValue(self._sizes[at][1])

    def _changed(self) -> None:
        """Say what comes of it, or why nothing can."""
        size = self.clip.size
        self.preset.setCurrentIndex(self._sizes.index(size) if size in self._sizes else len(self._sizes))
        try:
            check_clip(f"film{self.ending}", self.clip)
            count = self._count()
        except NnscopeError as error:
            self.told.setText(str(error))
            self.export.setEnabled(False)
            return
        seconds = count / self.clip.fps
        self.told.setText(f"{count} pictures, {seconds:.3g} s. Legend and step are in each; one colour scale for all.")
        self.export.setEnabled(True)

    def _count(self) -> int:
        motion = self.chosen_motion
        steps = len(chosen(self._offer.kept, motion))
        return motion.frames or (max(steps, TURN) if motion.orbit else steps)

    def _accept(self) -> None:
        ending, clip, motion = self.ending, self.clip, self.chosen_motion
        self.close()
        self.wanted.emit(ending, clip, motion)


def _choice(name: str, entries: list[str]) -> QComboBox:
    choice = QComboBox()
    choice.addItems(entries)
    choice.setAccessibleName(name)
    return choice


def _number(name: str, least: int, most: int, value: int) -> QSpinBox:
    field = QSpinBox()
    field.setRange(least, most)
    field.setValue(value)
    field.setFont(fonts.tabular())
    field.setAccessibleName(name)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    return field


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget, 0 if isinstance(widget, Label) else 1)
    return row
