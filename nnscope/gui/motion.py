"""Volumes while they are moved: fewer rays, as few as a smooth drag needs, and all of them again at rest."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject

from nnscope.gui.timers import once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.gui.canvas import Canvas
    from nnscope.scene.controller import Controller

TARGET = 0.032  # seconds from a move to its picture on the screen
FIXED = 0.01  # seconds of a frame that do not go with its rays, as long as nothing better is known
REST = 160  # ms without a move after which the exact picture is drawn
COARSEST = 6  # device pixels a side for one ray
KNOWN = 12  # frames that tell how long the next one will take
SLACK = 0.1  # of a pixel a side, by which rays may be more than fit


def next_coarseness(frames: Sequence[tuple[int, float]]) -> int:
    """Device pixels a side for one ray, the fewest with which a frame is expected to be in time.

    A frame takes a + b/q² seconds: a for what is drawn around the volume, b for its rays when there is one for each
    pixel. Both are fitted to the medians of the last frames of each q, so that a single slow one changes little; where
    all had one q, a is taken to be `FIXED`, or as much as there was.

    Parameters
    ----------
    frames : sequence of (int, float)
        Their q and the seconds they took, the last one last.
    """
    spent = {q: float(np.median([t for at, t in frames if at == q])) for q, _ in frames}
    rays, seconds = np.array([1 / q**2 for q in spent]), np.array(list(spent.values()))
    if len(spent) > 1:
        per_ray, fixed = np.polyfit(rays, seconds, 1)
    else:
        fixed = min(FIXED, float(seconds[0]))
        per_ray = float(seconds[0] - fixed) / rays[0]
    if per_ray < 0 or fixed >= TARGET:  # rays are not what takes the time, or this can't be told
        fixed, per_ray = 0.0, spent[frames[-1][0]] * frames[-1][0] ** 2
    return min(max(math.ceil(math.sqrt(per_ray / (TARGET - fixed)) - SLACK), 1), COARSEST)


class Motion(QObject):
    """Sets the controller's ``coarseness`` while a volume is moved."""

    def __init__(self, controller: Controller, canvas: Canvas) -> None:
        super().__init__(canvas.native)
        self._controller = controller
        self._coarseness = 2
        self._frames: deque[tuple[int, float]] = deque(maxlen=KNOWN)
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
            self._frames.append((self._controller.coarseness, time.perf_counter() - self._since))
            self._coarseness = next_coarseness(self._frames)
            self._since = None

    def _be_exact(self) -> None:
        self._since = None
        if self._controller.coarseness != 1:
            self._controller.coarseness = 1
            self._controller.redraw.emit()
