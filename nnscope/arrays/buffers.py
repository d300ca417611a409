"""Arrays that are used again from one picture to the next.

A fresh array of more than a few hundred KiB is fresh memory of the system, which hands it over page by page as it is
first touched. For 10⁵ splats (row ``splat-draw``) that took 27 of 36 ms a frame, more than all the drawing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_SPARE = 4  # times as large as what is asked for that an array may be; a larger one is let go


class Buffers:
    """Memory by name, for one thread at a time."""

    def __init__(self) -> None:
        self._held: dict[str, np.ndarray] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
        """An array with anything in it; what was taken by that name before must not be used any more."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        held = self._held.get(name)
        if held is None or not size <= held.nbytes <= _SPARE * max(size, 1):
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)
