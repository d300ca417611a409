"""The slicing part of the inspector: where a plane cuts the volume, how thick its slab is, which part is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QFormLayout, QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QSlider, QSpinBox, QWidget

from nnscope.compute.space.cutting import clipped_to, direction
from nnscope.core.cut import AXES, Cut
from nnscope.gui import fonts
from nnscope.gui.inspector.number_field import NumberField
from nnscope.gui.text import Label
from nnscope.gui.toolbar.choice import Choice, Entry
from nnscope.gui.wheel import guard_wheel

if TYPE_CHECKING:
    from nnscope.core.cut import Box
    from nnscope.core.volume import Shape3
    from nnscope.scene.resolve import Resolved

PLANES = (
    Entry("none", "None", "The whole volume"),
    Entry("z", "Across z", "A plane of rows and columns, at one depth"),
    Entry("y", "Across y", "A plane of depth and columns, at one row"),
    Entry("x", "Across x", "A plane of rows and depth, at one column"),
    Entry("free", "Free", "A plane in any direction: nearest values"),
)
SLABS = (
    Entry("mean", "Mean", "Mean of the values through the slab"),
    Entry("max", "Maximum", "Greatest value through the slab"),
    Entry("extremes", "Extremes", "The value of largest magnitude through the slab"),
)
WIDTH = 150
TENTH = 10.0  # places of the slider for a voxel, of a free plane


class CutBox(QWidget):
    """Emits ``moved`` (Cut or None, word under which changes are one step of undo), ``clipped`` (Box or None), and
    ``faced`` to have a free plane face the camera; ``beside`` asks for the heat map of the plane.
    """

    moved = pyqtSignal(object, str)
    plane = pyqtSignal(str)
    clipped = pyqtSignal(object)
    faced = pyqtSignal()
    beside = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cut: Cut | None = None
        self._shape: Shape3 = (1, 1, 1)
        self.kind = Choice("Slicing plane", WIDTH)
        self.kind.offer(PLANES)
        self.at = QSlider(Qt.Orientation.Horizontal)
        self.number = NumberField("Position of the plane", "Index of the plane along its axis", 1.0)
        self.thickness = _count("Thickness of the slab", "Voxels through the slab")
        self.reduction = Choice("Through the slab", 96)
        self.reduction.offer(SLABS)
        self.azimuth = NumberField("Azimuth of the plane", "Degrees around", 5.0)
        self.elevation = NumberField("Elevation of the plane", "Degrees up, −90 to 90", 5.0)
        self.face = _quiet("Face camera", "Turn the plane towards the camera")
        self.show_beside = QPushButton("Slice beside")
        self.show_beside.setToolTip("What the plane shows, flat, in a pane of its own")
        self.ends = [[NumberField(f"{word} {axis}", step=1.0) for word in ("Least", "Greatest")] for axis in AXES]
        self.reset_clip = _quiet("Show all", "The whole volume again")
        self._form = QFormLayout(self)
        self._lay_out()
        self._connect_parts()

    def show_cut(self, resolved: Resolved) -> bool:
        """Fill in; whether the view can be cut or clipped at all."""
        view, self._shape = resolved.space_view, resolved.layout.volume_shape
        looks = view.looks if view is not None and 0 not in self._shape else ()
        cut = self._cut = resolved.space.cut
        for widget, name in ((self.kind, "cut"), (self._buttons, "cut"), (self._clip_fields, "clip")):
            self._form.setRowVisible(widget, name in looks)
        self.kind.choose("none" if cut is None else cut.axis or "free")
        free = cut is not None and not cut.axis
        for row in (self._position, self._slab):
            self._form.setRowVisible(row, cut is not None)
        for row in (self._tilt, self._facing):
            self._form.setRowVisible(row, free)
        if cut is not None:
            self._show_position(cut)
            with QSignalBlocker(self.thickness):
                self.thickness.setValue(cut.thickness)
            self.reduction.choose(cut.reduction)
            self.reduction.setEnabled(cut.thickness > 1)
            self.reduction.setToolTip("" if cut.thickness > 1 else "A slab of one voxel shows its values as they are")
            self.azimuth.show_value(cut.azimuth)
            self.elevation.show_value(cut.elevation)
        self._show_clip(resolved.space.clip)
        return "cut" in looks or "clip" in looks

    def _show_position(self, cut: Cut) -> None:
        if cut.axis:
            span = (0.0, float(self._shape[2 - AXES.index(cut.axis)] - cut.thickness))
        else:
            half = float(abs(direction(cut)) @ self._shape[::-1]) / 2
            span = (-half, half)
        scale = 1.0 if cut.axis else TENTH
        with QSignalBlocker(self.at):
            self.at.setRange(round(span[0] * scale), round(span[1] * scale))
            self.at.setPageStep(max(1, self.at.maximum() // 10))
            self.at.setValue(round(cut.at * scale))
        self.number.limit(*span)
        self.number.show_value(cut.at)

    def _show_clip(self, clip: Box | None) -> None:
        size = tuple(map(float, reversed(self._shape)))
        for axis, fields in enumerate(self.ends):
            low, high = (0.0, size[axis]) if clip is None else (clip[0][axis], clip[1][axis])
            for field, value in zip(fields, (low, high - 1), strict=True):
                field.limit(0.0, size[axis] - 1)
                field.show_value(value)
        self.reset_clip.setEnabled(clip is not None)

    def _lay_out(self) -> None:
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(6)
        self.kind.setMaximumWidth(16_777_215)
        self.kind.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        guard_wheel(self.at)
        self.at.setAccessibleName("Position of the plane")
        self._position = _row(self.at, self.number)
        self._slab = _row(self.thickness, self.reduction)
        self._facing = _row(self.face)
        self._buttons = _row(self.show_beside)
        self._tilt = _row(self.azimuth, self.elevation)
        clip = self._clip_fields = QWidget()
        grid = QGridLayout(clip)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        for row, (axis, fields) in enumerate(zip(AXES, self.ends, strict=True)):
            grid.addWidget(Label(axis, "secondary"), row, 0)
            grid.addWidget(fields[0], row, 1)
            grid.addWidget(Label("to", "secondary"), row, 2)
            grid.addWidget(fields[1], row, 3)
        grid.addWidget(self.reset_clip, 3, 1, 1, 3, Qt.AlignmentFlag.AlignLeft)
        grid.setColumnStretch(4, 1)
        named = (("Plane", self.kind), ("Position", self._position), ("Slab", self._slab), ("Turned", self._tilt))
        for name, widget in (*named, ("", self._facing), ("", self._buttons), ("Shown", clip)):
            label = Label(name, "secondary")
            label.setMinimumWidth(60)
            label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            label.setContentsMargins(0, 4, 0, 0)
            self._form.addRow(label, widget)

    def _connect_parts(self) -> None:
        self.kind.chosen.connect(self.plane)
        self.at.valueChanged.connect(lambda place: self._change(at=place if self._across() else place / TENTH))
        self.number.typed.connect(lambda value: self._change(at=value))
        self.thickness.valueChanged.connect(lambda count: self._change(thickness=count))
        self.reduction.chosen.connect(lambda name: self._change(reduction=name))
        self.azimuth.typed.connect(lambda angle: self._change(azimuth=angle))
        self.elevation.typed.connect(lambda angle: self._change(elevation=min(max(angle, -90.0), 90.0)))
        self.face.clicked.connect(self.faced)
        self.show_beside.clicked.connect(self.beside)
        self.reset_clip.clicked.connect(lambda: self.clipped.emit(None))
        for fields in self.ends:
            for field in fields:
                field.typed.connect(self._clip)

    def _across(self) -> bool:
        return self._cut is not None and bool(self._cut.axis)

    def _change(self, **fields: object) -> None:
        if self._cut is not None:
            self._cut = replace(self._cut, **fields)  # type: ignore[arg-type]
            self.moved.emit(self._cut, f"cut {next(iter(fields))}")

    def _clip(self) -> None:
        (x0, x1), (y0, y1), (z0, z1) = ((low.value, high.value + 1) for low, high in self.ends)
        self.clipped.emit(clipped_to(((x0, y0, z0), (x1, y1, z1)), self._shape))


def _count(name: str, hint: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 1 << 16)
    box.setFont(fonts.tabular())
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(hint)
    box.setFixedWidth(64)
    guard_wheel(box)
    return box


def _quiet(text: str, hint: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("role", "quiet")
    button.setToolTip(hint)
    return button


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    box = QHBoxLayout(row)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(8)
    for widget in widgets:
        box.addWidget(widget, 1 if isinstance(widget, QSlider) else 0)
    if not any(isinstance(widget, QSlider) for widget in widgets):
        box.addStretch(1)
    return row
