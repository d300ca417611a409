"""Frames per second of the canvas, while something moves."""

from __future__ import annotations

import time
from collections import deque
from itertools import pairwise

WINDOW = 1.0  # seconds
PAUSE = 0.2  # seconds between frames that belong to no movement
LEAST = 4  # gaps


class FrameRate:
    """Call `tick` at every frame; `value` is the rate, or 0 when the canvas rests."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=240)

    def tick(self) -> None:
        """A frame is being drawn."""
        self._times.append(time.monotonic())

    @property
    def value(self) -> float:
        """Frames per second while the canvas moves; single frames now and then are no rate."""
        now = time.monotonic()
        recent = [t for t in self._times if now - t <= WINDOW]
        gaps = [b - a for a, b in pairwise(recent) if b - a < PAUSE]
        return len(gaps) / sum(gaps) if len(gaps) >= LEAST and sum(gaps) > 0 else 0.0
