"""Playing a run by the clock: a step that is late is waited for, and those due meanwhile are left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from nnscope.gui.timers import every
from nnscope.scene.step_range import StepRanges

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from nnscope.scene.controller import Controller

SPEEDS = (1, 2, 5, 10, 25, 50)  # steps a second
SPEED = 10


class Player(QObject):
    """Goes through the steps at which the active pane's tensor was kept, inside the range chosen for its run.

    Emits ``changed`` when it begins or ends.

    Parameters
    ----------
    controller : Controller
    parent : QObject
    clock : callable
        Seconds that only rise.

    Attributes
    ----------
    loop : bool
        Whether it begins anew after the last step.
    ranges : StepRanges
    """

    changed = pyqtSignal(bool)

    def __init__(self, controller: Controller, parent: QObject, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._controller = controller
        self._clock = clock
        self._timer = every(self, 1000 // SPEED, self.advance)
        self._speed = SPEED
        self._place = 0  # among the kept steps, at the time of `_since`
        self._since = 0.0
        self._run = ("", "")
        self.loop = False
        self.ranges = StepRanges()

    @property
    def playing(self) -> bool:
        """Whether steps go by."""
        return self._timer.isActive()

    @property
    def speed(self) -> int:
        """Steps a second."""
        return self._speed

    @speed.setter
    def speed(self, speed: int) -> None:
        self._speed = speed
        self._timer.setInterval(1000 // speed)
        self._begin_here()

    def toggle(self) -> None:
        """Play or pause; at the last step or outside the range, play from the first."""
        if self.playing:
            self.stop()
            return
        self._begin_here()
        kept = self._kept()
        if len(kept) > 1:
            if self._place >= len(kept) - 1:
                self._place = -1  # the first step comes with the first tick
            self._timer.start()
            self.changed.emit(True)

    def stop(self) -> None:
        """Stay at this step."""
        if self.playing:
            self._timer.stop()
            self.changed.emit(False)

    def advance(self) -> None:
        """Show the step that is due, unless the one before is still on its way."""
        controller = self._controller
        kept = self._kept()
        if self._run != self._shown() or len(kept) < 2:
            self.stop()
        elif controller.in_time:
            due = self._place + max(1, round((self._clock() - self._since) * self._speed))
            last = len(kept) - 1
            controller.timeline.choose(int(kept[due % len(kept) if self.loop else min(due, last)]))
            if due >= last and not self.loop:
                self.stop()

    def _begin_here(self) -> None:
        """Count from the step that is shown."""
        at, kept = self._controller.timeline.chosen(), self._kept()
        self._place = 0 if at is None else int(kept.searchsorted(at, "right")) - 1
        self._since = self._clock()
        self._run = self._shown()

    def _kept(self) -> np.ndarray:
        timeline = self._controller.timeline
        return self.ranges.within(timeline.led(self._controller.workspace.pane.source), timeline.kept_here())

    def _shown(self) -> tuple[str, str]:
        pane = self._controller.workspace.pane
        return pane.source, pane.address
