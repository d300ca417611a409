"""Volumes while they are moved: fewer rays, as few as a smooth drag needs, and all of them again at rest."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from nnscope.gui.timers import once

if TYPE_CHECKING:
    from nnscope.gui.canvas import Canvas
    from nnscope.scene.controller import Controller

TARGET = 0.03  # seconds from a move to its picture on the screen
REST = 160  # ms without a move after which the exact picture is drawn
COARSEST = 6  # device pixels a side for one ray


def next_coarseness(now: int, seconds: float) -> int:
    """Device pixels a side for one ray, from what the last frame took with ``now``: time goes with the rays."""
    wanted = now * math.sqrt(seconds / TARGET)
    return min(max(round(wanted), 1), COARSEST)


class Motion(QObject):
    """Sets the controller's ``coarseness`` while a volume is moved."""

    def __init__(self, controller: Controller, canvas: Canvas) -> None:
        super().__init__(canvas.native)
        self._controller = controller
        self._coarseness = 2
        self._since: float | None = None  # when the move was made that is not on the screen yet
        self._rest = once(self, REST, self._be_exact)
        canvas.painted.connect(self._painted)

    def moved(self) -> None:
        """A camera is about to move."""
        if self._since is None:
            self._since = time.perf_counter()
        self._controller.coarseness = self._coarseness
        self._rest.start()

    def _painted(self) -> None:
        if self._since is not None:
            self._coarseness = next_coarseness(self._controller.coarseness, time.perf_counter() - self._since)
            self._since = None

    def _be_exact(self) -> None:
        self._since = None
        if self._controller.coarseness != 1:
            self._controller.coarseness = 1
            self._controller.redraw.emit()
