"""The settings that a view names itself, each with the control that its kind calls for, and what they come to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFormLayout, QWidget

from nnscope.core.voxels import LeafPicture, VoxelPicture
from nnscope.gui import fonts, numbers
from nnscope.gui.inspector.number_field import NumberField
from nnscope.gui.inspector.number_slider import NumberSlider, Range
from nnscope.gui.text import Label
from nnscope.gui.toolbar.choice import Choice, Entry
from nnscope.views.setting import chosen

if TYPE_CHECKING:
    from nnscope.core.request import Scalar
    from nnscope.core.statistics import TensorStats
    from nnscope.scene.resolve import Resolved
    from nnscope.views.setting import Setting

WIDTH = 150
Control = NumberField | NumberSlider | Choice | QCheckBox
FACTS = (("Leaves", "Cubes that the tolerances leave"), ("Compression", "Bytes of the volume over those of its nodes"))
ERROR = ("Largest error", "Largest distance of a value from the mean of its leaf")


class OptionsBox(QWidget):
    """Emits ``changed`` (name, value) when the user changes a setting."""

    changed = pyqtSignal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options: tuple[Setting, ...] = ()
        self.controls: dict[str, Control] = {}
        self.facts = [Label() for _ in (*FACTS, ERROR)]
        self._form = QFormLayout(self)
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(6)
        for (name, hint), value in zip((*FACTS, ERROR), self.facts, strict=True):
            value.setFont(fonts.tabular())
            value.setToolTip(hint)
            value.setAccessibleName(name)
            self._form.addRow(_named(name), value)

    def show_options(self, resolved: Resolved, picture: object) -> bool:
        """Fill in; whether there is anything to show."""
        options: tuple[Setting, ...] = getattr(resolved.view, "options", ())
        if options != self._options:
            self._make(options, resolved.stats)
        values = chosen(options, resolved.settings)
        for option in options:
            _show(self.controls[option.name], values[option.name])
        self._tell_idle(resolved)
        facts = picture.facts if isinstance(picture, VoxelPicture | LeafPicture) else None
        for label in self.facts:
            self._form.setRowVisible(label, facts is not None)
        if facts is not None:
            told = (numbers.count(facts.leaf_count), f"{facts.compression:.3g} ×", numbers.shown(facts.max_error))
            for label, text in zip(self.facts, told, strict=True):
                label.setText(text)
        return bool(options)

    def _tell_idle(self, resolved: Resolved) -> None:
        """Grey out controls that have no effect now, with the reason."""
        idle = getattr(resolved.view, "idle", None)
        if idle is None:
            return
        reason = idle(resolved.space, resolved.scientific)
        for control in self.controls.values():
            control.setEnabled(not reason)
            if reason:
                control.setToolTip(reason)

    def _make(self, options: tuple[Setting, ...], stats: TensorStats | None) -> None:
        """Controls of another view in place of those that are there."""
        for control in self.controls.values():
            self._form.removeRow(control)
        self.controls = {option.name: self._control(option, stats) for option in options}
        self._options = options
        for at, option in enumerate(options):
            control = self.controls[option.name]
            label = _named(option.title or option.name)
            label.setBuddy(control)
            self._form.insertRow(at, label, control)

    def _control(self, option: Setting, stats: TensorStats | None) -> Control:
        title, tell = option.title or option.name, self.changed.emit
        if option.choices:
            choice = Choice(title, WIDTH)
            choice.offer([Entry(name, name.capitalize()) for name in option.choices])
            choice.chosen.connect(lambda value: tell(option.name, value))
            return choice
        if isinstance(option.default, bool):
            box = QCheckBox()
            box.setAccessibleName(title)
            box.clicked.connect(lambda on: tell(option.name, on))
            return box
        if math.isfinite(option.low) and math.isfinite(option.high) and option.low > 0:
            slider = NumberSlider(title, title, Range(option.low, option.high, log=True))
            slider.moved.connect(lambda value: tell(option.name, _as(option, value)))
            return slider
        if option.name == "epsilon" and stats is not None and stats.finite and stats.max > stats.min:
            slider = NumberSlider(title, "Largest max − min of a leaf", Range(0.0, (stats.max - stats.min) / 2))
            slider.moved.connect(lambda value: tell(option.name, value))
            return slider
        field = NumberField(title, f"{title}; empty for the default", 0.1)
        field.limit(option.low, option.high)
        field.typed.connect(lambda value: tell(option.name, _as(option, value)))
        field.emptied.connect(lambda: tell(option.name, option.default))
        return field


def _show(control: Control, value: Scalar) -> None:
    if isinstance(control, Choice):
        control.choose(str(value))
    elif isinstance(control, QCheckBox):
        control.setChecked(bool(value))
    elif isinstance(value, int | float):
        control.show_value(float(value))


def _as(option: Setting, value: float) -> Scalar:
    return round(value) if isinstance(option.default, int) else value


def _named(name: str) -> Label:
    label = Label(name, "secondary")
    label.setMinimumWidth(64)
    return label
