"""Which axes are rows, columns, depth and sliders."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui.inspector.axis_slider import AxisSlider
from nnscope.gui.inspector.presets import (
    Preset,
    plain_axes,
    presets,
    reassigned,
    side_name,
    sliders,
    volume_presets,
)
from nnscope.gui.text import Label
from nnscope.gui.wheel import guard_wheel
from nnscope.scene.ticks import axis_name
from nnscope.views.registry import is_deep

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.tensor import TensorInfo
    from nnscope.gui.inspector.presets import SliderSpec
    from nnscope.views.base import View

CUSTOM = "Custom"
SIDES = (("y", "Rows"), ("x", "Columns"), ("z", "Depth"))


class LayoutBox(QWidget):
    """Emits ``chosen`` (Layout, whether it is a step of a slider)."""

    chosen = pyqtSignal(object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout: Layout | None = None
        self._presets: list[Preset] = []
        self.preset = _combo("Arrangement")
        self.rows = _combo("Axis of the rows")
        self.columns = _combo("Axis of the columns")
        self.depths = _combo("Axis of the depth")
        self._names = [Label(name, "secondary") for name in ("Arrange", "Rows", "Columns", "Depth")]
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        for row, (name, combo) in enumerate(zip(self._names, (self.preset, *self._sides), strict=True)):
            name.setBuddy(combo)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(combo, row, 1)
        self._box = QVBoxLayout(self)
        self._box.setSpacing(4)
        self._box.addLayout(self._grid)
        self.sliders: list[AxisSlider] = []
        self.preset.activated.connect(self._preset_chosen)
        for side, combo in enumerate(self._sides):
            combo.activated.connect(partial(self._axis_chosen, side))

    @property
    def _sides(self) -> tuple[QComboBox, QComboBox, QComboBox]:
        return self.rows, self.columns, self.depths

    def show_layout(self, info: TensorInfo, layout: Layout, view: View) -> None:
        """Fill in. A view that absorbs axes has an arrangement of its own: only its sliders can be moved."""
        self._layout = layout
        absorbed, deep = view.absorbed(info), is_deep(view)
        self._presets = _presets(info, view, deep)
        titles = [preset.title for preset in self._presets]
        at = next((i for i, known in enumerate(self._presets) if _same(known.layout, layout)), -1)
        _fill(self.preset, titles if at >= 0 else [*titles, CUSTOM], at if at >= 0 else len(titles))
        self._name_sides(deep)
        self._fill_axes(info, layout)
        for combo in (self.preset, *self._sides):
            combo.setEnabled(info.ndim >= (3 if deep else 2) and not absorbed)
        self._fill_sliders(sliders(layout, info.axes, absorbed))

    def step(self, by: int) -> None:
        """Move the first slider."""
        if self.sliders and self.sliders[0].isVisibleTo(self):
            slider = self.sliders[0].slider
            slider.setValue(slider.value() + by)

    def _name_sides(self, deep: bool) -> None:
        """With a depth, columns, rows and depth are x, y and z."""
        for label, combo, words in zip(self._names[1:], self._sides, SIDES, strict=True):
            label.setText(f"{words[1]} ({words[0]})" if deep else words[1])
            combo.setToolTip(f"The axis along {words[0]}; one that lies elsewhere changes places" if deep else "")
        for widget in (self._names[3], self.depths):
            widget.setVisible(deep)

    def _fill_axes(self, info: TensorInfo, layout: Layout) -> None:
        names = [f"{axis_name(a, info.axes)}  ({n})" for a, n in enumerate(info.shape)]
        axes = plain_axes(layout)
        for at, (combo, side) in enumerate(zip(self._sides, (layout.rows, layout.cols, layout.depth), strict=True)):
            plain_side = axes is not None and at < len(axes)
            several = [] if plain_side else [side_name(layout, side, info.axes)]
            _fill(combo, names + several, axes[at] if axes is not None and plain_side else len(names))

    def _fill_sliders(self, specs: list[SliderSpec]) -> None:
        while len(self.sliders) < len(specs):
            slider = AxisSlider()
            slider.moved.connect(self._slid)
            self.sliders.append(slider)
            self._box.addWidget(slider)
        for slider, spec in zip(self.sliders, specs, strict=False):
            slider.show_spec(spec)
        for at, slider in enumerate(self.sliders):
            slider.setVisible(at < len(specs))

    def _preset_chosen(self, at: int) -> None:
        if at < len(self._presets):
            self.chosen.emit(self._presets[at].layout, False)

    def _axis_chosen(self, side: int) -> None:
        axis = self._sides[side].currentIndex()
        if self._layout is not None and axis < len(self._layout.shape):
            self.chosen.emit(reassigned(self._layout, side, axis), False)

    def _slid(self, axis: int, index: int) -> None:
        if self._layout is not None:
            self.chosen.emit(self._layout.with_fixed(axis, index), True)


def _same(preset: Layout, shown: Layout) -> bool:
    """Whether they differ in slider positions at most."""
    return (preset.rows, preset.cols, preset.depth, preset.split) == (shown.rows, shown.cols, shown.depth, shown.split)


def _presets(info: TensorInfo, view: View, deep: bool) -> list[Preset]:
    default = view.layout(info)
    if view.absorbed(info):
        return [Preset("Default", default)]
    offer = volume_presets if deep else presets
    return offer(info.shape, info.axes, default)


def _combo(name: str) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    guard_wheel(combo)
    return combo


def _fill(combo: QComboBox, titles: list[str], at: int) -> None:
    texts = [plain(title, 48) for title in titles]
    with QSignalBlocker(combo):
        if [combo.itemText(i) for i in range(combo.count())] != texts:
            combo.clear()
            combo.addItems(texts)
        combo.setCurrentIndex(at)
