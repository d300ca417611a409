"""Which axes are rows, columns and sliders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QVBoxLayout, QWidget

from nnscope.core.text import plain
from nnscope.gui.inspector.axis_slider import AxisSlider
from nnscope.gui.inspector.presets import Preset, plain_axes, presets, side_name, sliders, with_axes
from nnscope.gui.text import Label
from nnscope.gui.wheel import guard_wheel
from nnscope.scene.ticks import axis_name

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.tensor import TensorInfo
    from nnscope.gui.inspector.presets import SliderSpec
    from nnscope.views.base import View

CUSTOM = "Custom"


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
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        named = (("Arrange", self.preset), ("Rows", self.rows), ("Columns", self.columns))
        for row, (name, combo) in enumerate(named):
            self._grid.addWidget(Label(name, "secondary"), row, 0)
            self._grid.addWidget(combo, row, 1)
        self._box = QVBoxLayout(self)
        self._box.setSpacing(4)
        self._box.addLayout(self._grid)
        self.sliders: list[AxisSlider] = []
        self.preset.activated.connect(self._preset_chosen)
        self.rows.activated.connect(lambda: self._axis_chosen(self.rows, self.columns))
        self.columns.activated.connect(lambda: self._axis_chosen(self.columns, self.rows))

    def show_layout(self, info: TensorInfo, layout: Layout, view: View) -> None:
        """Fill in. A view that absorbs axes has an arrangement of its own: only its sliders can be moved."""
        self._layout = layout
        absorbed = view.absorbed(info)
        default = view.layout(info)
        self._presets = [Preset("Default", default)] if absorbed else presets(info.shape, info.axes, default)
        titles = [preset.title for preset in self._presets]
        current = [preset.layout for preset in self._presets]
        at = next((i for i, known in enumerate(current) if _same(known, layout)), -1)
        _fill(self.preset, titles if at >= 0 else [*titles, CUSTOM], at if at >= 0 else len(titles))
        self._fill_axes(info, layout)
        for combo in (self.preset, self.rows, self.columns):
            combo.setEnabled(info.ndim >= 2 and not absorbed)
        self._fill_sliders(sliders(layout, info.axes, absorbed))

    def step(self, by: int) -> None:
        """Move the first slider."""
        if self.sliders and self.sliders[0].isVisibleTo(self):
            slider = self.sliders[0].slider
            slider.setValue(slider.value() + by)

    def _fill_axes(self, info: TensorInfo, layout: Layout) -> None:
        names = [f"{axis_name(a, info.axes)}  ({n})" for a, n in enumerate(info.shape)]
        axes = plain_axes(layout)
        for combo, at, side in ((self.rows, 0, layout.rows), (self.columns, 1, layout.cols)):
            several = [] if axes else [side_name(layout, side, info.axes)]
            _fill(combo, names + several, axes[at] if axes else len(names))

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

    def _axis_chosen(self, changed: QComboBox, other: QComboBox) -> None:
        if self._layout is None or changed.currentIndex() >= len(self._layout.shape):
            return
        rank = len(self._layout.shape)
        axis, beside = changed.currentIndex(), other.currentIndex()
        if beside >= rank:
            beside = rank - 1 if axis != rank - 1 else rank - 2
        if beside == axis:  # the other side gives way to what this one was
            before = plain_axes(self._layout)
            beside = (before[0] if changed is self.rows else before[1]) if before else (axis + 1) % rank
        row, column = (axis, beside) if changed is self.rows else (beside, axis)
        self.chosen.emit(with_axes(self._layout.shape, row, column, self._layout), False)

    def _slid(self, axis: int, index: int) -> None:
        if self._layout is not None:
            self.chosen.emit(self._layout.with_fixed(axis, index), True)


def _same(preset: Layout, shown: Layout) -> bool:
    """Whether they differ in slider positions at most."""
    return (preset.rows, preset.cols, preset.split) == (shown.rows, shown.cols, shown.split)


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
