"""Frames per second of the canvas, over the last second in which it drew."""

from __future__ import annotations

import time
from collections import deque

WINDOW = 1.0  # seconds


class FrameRate:
    """Call `tick` at every frame; `value` is the rate, or 0 when the canvas rests."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=240)

    def tick(self) -> None:
        """A frame is being drawn."""
        self._times.append(time.monotonic())

    @property
    def value(self) -> float:
        """Frames per second."""
        now = time.monotonic()
        recent = [t for t in self._times if now - t <= WINDOW]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0]) if recent[-1] > recent[0] else 0.0
