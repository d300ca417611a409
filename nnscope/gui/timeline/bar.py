"""The timeline at the bottom of the window, shown while the active pane's source is a recorded run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QSlider, QToolBar, QToolButton, QWidget

from nnscope.gui import fonts, icons
from nnscope.gui.comparing import can_compare
from nnscope.gui.flow import has_flow
from nnscope.gui.subscriptions import Subscriptions
from nnscope.gui.text import Label
from nnscope.gui.timeline.offered import Offer
from nnscope.gui.timeline.player import SPEEDS
from nnscope.gui.timeline.plot import LEFT, Plotted, SeriesPlot
from nnscope.gui.timeline.range_bar import Ends, RangeBar
from nnscope.gui.timers import once
from nnscope.gui.toolbar.choice import Choice, Entry
from nnscope.gui.wheel import guard_wheel
from nnscope.scene.timeline import at_or_before, deaths, events

if TYPE_CHECKING:
    from PyQt6.QtGui import QKeyEvent

    from nnscope.core.answer import Series
    from nnscope.core.frame import Theme
    from nnscope.gui.actions import ActionTable
    from nnscope.gui.timeline.player import Player
    from nnscope.scene.controller import Controller
    from nnscope.scene.timeline import Event

RANGE = ("begin_range", "end_range", "whole_range")
BUTTONS = ("first_step", "previous_step", "play", "next_step", "last_step")
DEAD = "dead"  # the series of dead units of an output
DOMAINS = (
    Entry("all", "Colours of all steps", "One domain for the whole run: a colour means the same value at every step"),
    Entry("each", "Colours of each step", "Each step fills the colours; steps can't be compared by eye"),
)
KEYS = {
    Qt.Key.Key_Left: "previous_step",
    Qt.Key.Key_Right: "next_step",
    Qt.Key.Key_Home: "first_step",
    Qt.Key.Key_End: "last_step",
    Qt.Key.Key_Space: "play",
}
FINEST = 1 << 30  # places of a slider


class StepSlider(QSlider):
    """Its keys are those of the timeline: it emits ``wanted`` (id of an action)."""

    wanted = pyqtSignal(str)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Steps, ends, play."""
        id = KEYS.get(Qt.Key(event.key())) if event is not None else None
        if id is None:
            super().keyPressEvent(event)
        else:
            self.wanted.emit(id)


class TimelineBar(QToolBar):
    """Shows what a controller's `Timeline` knows of the active pane's run, and changes its step."""

    def __init__(self, controller: Controller, player: Player, actions: ActionTable) -> None:
        super().__init__("Timeline")
        self.setObjectName("timeline")
        self.setMovable(False)
        self.setIconSize(QSize(16, 16))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._controller = controller
        self._player = player
        self._actions = actions
        self._theme: Theme | None = None
        self._found: tuple[Series, tuple[Event, ...]] | None = None  # events of the series plotted
        self._first, self._unit = 0, 1  # of the slider's places
        self._wanted = ""  # what to plot, where it was chosen by hand
        self.slider = StepSlider(Qt.Orientation.Horizontal)
        self.label = Label("", "secondary")
        self.range = RangeBar()
        self.live = self._button("follow")
        self._actions["follow"].setIconText("Live")
        self.live.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.plotted = Choice("Plot", 176)
        self.plot = SeriesPlot()
        self.speed = Choice("Speed", 112)
        self.domain = Choice("Colours", 176)
        self._lay_out()
        self._soon = once(self, 0, self.refresh)
        self._subscriptions = Subscriptions()
        self._listen()
        self.hide()

    def apply(self, theme: Theme) -> None:
        """Colour the icon that changes."""
        self._theme = theme
        self._show_playing(self._player.playing)

    def stop(self) -> None:
        """Stop playing and listening."""
        self._player.stop()
        self._subscriptions.close()
        self._soon.stop()

    @property
    def _source(self) -> str:
        """The run whose steps these are."""
        return self._controller.timeline.led(self._controller.workspace.pane.source)

    def refresh(self) -> None:
        """Fill everything in now."""
        timeline, pane, source = self._controller.timeline, self._controller.workspace.pane, self._source
        steps = timeline.steps(source)
        self.setVisible(timeline.run(source) is not None)
        kept = timeline.kept_here()
        self._actions.enable(**dict.fromkeys((*BUTTONS, *RANGE, "loop"), len(kept) > 1))
        self.live.setVisible(timeline.is_live(source))
        self._actions.enable(follow=timeline.is_live(source))
        self._actions.check(follow=timeline.is_live(source) and timeline.follows())
        self._actions.enable(gradient_flow=has_flow(self._controller), compare=can_compare(self._controller))
        at = timeline.chosen()
        if at is None:
            return
        self._show_place(int(steps[0]), int(steps[-1]), at)
        self.range.show_ends(Ends(int(steps[0]), int(steps[-1]), self._player.ranges.of(source)))
        shown = at_or_before(kept, at) if len(kept) else at
        self.label.setText(told(at, int(steps[-1]), shown))
        self.domain.choose("each" if pane.each_step else "all")
        self._show_plot(int(steps[0]), int(steps[-1]), at)

    def _show_place(self, first: int, last: int, at: int) -> None:
        self._first, self._unit = first, 1 + (last - first) // FINEST
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, (last - first) // self._unit)
            self.slider.setValue((at - first) // self._unit)

    def _show_plot(self, first: int, last: int, at: int) -> None:
        timeline, pane, source = self._controller.timeline, self._controller.workspace.pane, self._source
        offer = Offer(timeline.scalars(source), pane.address)
        self.plotted.offer(offer.entries)
        self.plotted.choose(offer.plotted(self._wanted))
        series = timeline.series(source, *offer.series(self.plotted.value))
        lack = offer.lack(self.plotted.value, series)
        if series is None or lack:
            self.plot.show_series(None, lack)
            return
        dead = timeline.series(source, pane.address, DEAD)
        if self._found is None or self._found[0] is not series:
            self._found = series, events(series)
        died = deaths(dead) if dead is not None else ()
        self.plot.show_series(Plotted(series, first, last, at, (*self._found[1], *died)))

    def _want(self, value: str) -> None:
        self._wanted = value
        self.refresh()

    def _show_playing(self, playing: bool) -> None:
        action = self._actions["play"]
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(("Pause" if playing else "Play") + (f" ({keys})" if keys else ""))
        if self._theme is not None:
            action.setIcon(icons.icon("pause" if playing else "play", self._theme))

    def _slid(self, place: int) -> None:
        self._player.stop()
        step = at_or_before(self._controller.timeline.steps(self._source), self._first + place * self._unit)
        if step is not None:
            self._controller.timeline.choose(step)

    def _chosen(self, step: int) -> None:
        self._player.stop()
        self._controller.timeline.choose(step)

    # -- putting together

    def _listen(self) -> None:
        controller = self._controller
        for signal in (controller.timeline_changed, controller.listing_changed, controller.workspace.changed):
            self._subscriptions.connect(signal, lambda *_: self._soon.start())
        ranges = self._player.ranges
        self._subscriptions.connect(ranges.changed, lambda *_: self._soon.start())
        self.range.begun.connect(lambda step: ranges.begin(self._source, step))
        self.range.ended.connect(lambda step: ranges.end(self._source, step))
        self.range.cleared.connect(lambda: ranges.choose(self._source, None, None))
        self.slider.valueChanged.connect(self._slid)
        self.slider.wanted.connect(lambda id: self._actions[id].trigger())
        self.plot.chosen.connect(self._chosen)
        self.plotted.chosen.connect(self._want)
        self.speed.chosen.connect(lambda value: setattr(self._player, "speed", int(value)))
        self.domain.chosen.connect(
            lambda value: controller.workspace.update_pane(each_step=value == "each", limits=None)
        )
        self._player.changed.connect(self._show_playing)

    def _lay_out(self) -> None:
        self.slider.setAccessibleName("Step")
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        guard_wheel(self.slider)
        self.label.setFont(fonts.tabular())
        self.label.setMinimumWidth(220)
        self.speed.offer([Entry(str(speed), f"{speed} steps/s") for speed in SPEEDS])
        self.speed.choose(str(self._player.speed))
        self.domain.offer(DOMAINS)
        page = QWidget()
        page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        grid = QGridLayout(page)
        grid.setContentsMargins(4, 0, 4, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addLayout(_row(*(self._button(id) for id in BUTTONS)), 0, 0)
        sliding = _row(self.slider)
        sliding.setContentsMargins(LEFT, 0, 0, 0)
        grid.addLayout(sliding, 0, 1)
        told_place = _row(self.label, self.live)
        grid.addLayout(told_place, 0, 2)
        grid.addWidget(self.plotted, 2, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.range, 1, 1)
        grid.addWidget(self.plot, 2, 1)
        playing = _row(self.speed, self._button("loop"))
        playing.addStretch(1)
        below = QGridLayout()
        below.setVerticalSpacing(4)
        below.addLayout(playing, 0, 0)
        below.addWidget(self.domain, 1, 0)
        grid.addLayout(below, 2, 2)
        self.addWidget(page)

    def _button(self, id: str) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self._actions[id])
        button.setAccessibleName(self._actions[id].text().replace("&", ""))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button


def told(at: int, last: int, shown: int | None) -> str:
    """``step 1200 / 5000``, and where the tensor was kept, if not there."""
    if shown is None:
        return f"step {at} / {last}  ·  not kept yet"
    return f"step {at} / {last}" + (f"  ·  kept at {shown}" if shown != at else "")


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(2)
    for widget in widgets:
        row.addWidget(widget)
    return row
