"""How a picture of three dimensions is looked at: rays, sampling, projection, and what the mode in use can be tuned by.

What a mode has no use for is hidden; what can't be chosen now is greyed out and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFormLayout, QSizePolicy, QWidget

from nnscope.core.space import FOV
from nnscope.core.volume import VolumePicture
from nnscope.gui.inspector.number_slider import NumberSlider, Range
from nnscope.gui.inspector.threshold_plot import ThresholdBox
from nnscope.gui.inspector.transfer_box import TransferBox
from nnscope.gui.text import Label, tooltip
from nnscope.gui.toolbar.choice import Choice, Entry
from nnscope.gui.toolbar.offers import rays

if TYPE_CHECKING:
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import SpacePicture
    from nnscope.scene.resolve import Resolved

WIDTH = 150
GAIN = Range(0.1, 100.0, log=True)
ANGLES = Range(5.0, 120.0)
INTERPOLATION = (
    Entry("nearest", "Every voxel", "Each voxel that a ray crosses, as it is"),
    Entry("linear", "Interpolated", "Samples between the centres of voxels"),
)
PROJECTIONS = (
    Entry("perspective", "Perspective", "What is nearer is larger"),
    Entry("parallel", "Parallel", "Orthographic: equal lengths stay equal"),
)
ODD = "Every voxel is taken as it is: some values are no finite numbers, and there is nothing between them"


@dataclass(frozen=True, slots=True)
class SpaceFacts:
    """What is shown now.

    Attributes
    ----------
    resolved : Resolved
    camera : Camera3D or None
        As drawn; None before the first frame.
    picture : SpacePicture or None
        As drawn.
    """

    resolved: Resolved
    camera: Camera3D | None
    picture: SpacePicture | None = None

    @property
    def odd(self) -> bool:
        """Whether some voxel is no finite number."""
        return isinstance(self.picture, VolumePicture) and self.picture.states is not None


class SpaceBox(QWidget):
    """Emits ``looked`` (field of `SpaceLook`, value) and ``projected`` (angle of view in degrees, 0 for parallel)."""

    looked = pyqtSignal(str, object)
    projected = pyqtSignal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fov = FOV
        self.mode = Choice("Along each ray", WIDTH)
        self.interpolation = Choice("Sampling", WIDTH)
        self.projection = Choice("Projection", WIDTH)
        self.angle = NumberSlider("Angle of view", "Of the smaller side of the picture, in degrees", ANGLES)
        self.threshold = ThresholdBox()
        self.gain = NumberSlider("Gain", "How strongly colours absorb what is behind them", GAIN)
        self.transfer = TransferBox()
        self.shading = QCheckBox("Light on surfaces")
        self._form = QFormLayout(self)
        self._lay_out()
        self._connect_parts()

    def show_space(self, facts: SpaceFacts) -> None:
        """Fill in."""
        resolved, look = facts.resolved, facts.resolved.space
        view = resolved.space_view
        fields = view.looks if view is not None else ()
        self.mode.offer(rays(resolved.scientific))
        self.mode.choose(look.mode)
        self.interpolation.offer(INTERPOLATION)
        self.interpolation.choose("nearest" if facts.odd else look.interpolation)
        self.interpolation.setEnabled(not facts.odd)
        if facts.odd:
            self.interpolation.setToolTip(tooltip(ODD))
        self.threshold.show_threshold(resolved.stats, look.threshold or 0.0)
        self.gain.show_value(look.gain)
        self.transfer.show_transfer(resolved)
        self.shading.setChecked(look.shading and not resolved.scientific)
        self.shading.setEnabled(not resolved.scientific)
        self.shading.setToolTip("Aesthetic: not in scientific mode" if resolved.scientific else "Lit from the eye")
        self._show_projection(facts.camera)
        self._show_rows(
            {
                self.mode: "mode" in fields,
                self.interpolation: "interpolation" in fields,
                self.threshold: "threshold" in fields and ("mode" not in fields or look.mode == "surface"),
                self.gain: "gain" in fields and look.mode == "translucent",
                self.transfer: "opacity" in fields and look.mode == "translucent",
                self.shading: "shading" in fields,
            }
        )

    def _show_projection(self, camera: Camera3D | None) -> None:
        fov = FOV if camera is None else camera.fov
        self.projection.offer(PROJECTIONS)
        self.projection.choose("perspective" if fov else "parallel")
        self._fov = fov or self._fov
        self.angle.show_value(self._fov)
        self.angle.setEnabled(bool(fov))
        self.angle.setToolTip("" if fov else "A parallel projection has no angle of view")

    def _show_rows(self, shown: dict[QWidget, bool]) -> None:
        for widget, visible in shown.items():
            self._form.setRowVisible(widget, visible)

    def _lay_out(self) -> None:
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(6)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Rays", self.mode),
            ("Sampling", self.interpolation),
            ("", self.threshold),
            ("Gain", self.gain),
            ("", self.transfer),
            ("", self.shading),
            ("Projection", self.projection),
            ("Angle", self.angle),
        )
        for name, widget in rows:
            if not name:
                self._form.addRow(widget)
                continue
            label = Label(name, "secondary")
            label.setBuddy(widget)
            label.setMinimumWidth(64)
            self._form.addRow(label, widget)
        for choice in (self.mode, self.interpolation, self.projection):
            choice.setMinimumWidth(WIDTH)
            choice.setMaximumWidth(16_777_215)
            choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _connect_parts(self) -> None:
        self.mode.chosen.connect(lambda mode: self.looked.emit("mode", mode))
        self.interpolation.chosen.connect(lambda name: self.looked.emit("interpolation", name))
        self.threshold.moved.connect(lambda value: self.looked.emit("threshold", value))
        self.threshold.reset.connect(lambda: self.looked.emit("threshold", None))
        self.gain.moved.connect(lambda value: self.looked.emit("gain", value))
        self.transfer.moved.connect(lambda points: self.looked.emit("opacity", points))
        self.shading.clicked.connect(lambda on: self.looked.emit("shading", on))
        self.projection.chosen.connect(lambda name: self.projected.emit(self._fov if name == "perspective" else 0.0))
        self.angle.moved.connect(self.projected)
