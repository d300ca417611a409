"""Paths drawn into a picture: straight from one place to the next, one and a half pixels wide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled

if TYPE_CHECKING:
    import numpy as np

_FARTHEST = 4.0  # sizes of the picture beyond which a piece of a path is left out
_APART = 0.5  # pixels


@compiled
def trace(places: np.ndarray, colours: np.ndarray, out: np.ndarray) -> None:
    """Draw paths over ``out`` float32 [v, u], the last over those before.

    ``places`` (n, t, 2) are u and v in pixels, NaN where nothing is seen; ``colours`` (n,) are the paths' values.
    """
    height, width = out.shape
    most = _FARTHEST * max(height, width)
    for k in range(places.shape[0]):
        for i in range(places.shape[1] - 1):
            u, v = places[k, i, 0], places[k, i, 1]
            du, dv = places[k, i + 1, 0] - u, places[k, i + 1, 1] - v
            if not (abs(u) < most and abs(v) < most and abs(du) < most and abs(dv) < most):
                continue
            pieces = max(1, math.ceil(max(abs(du), abs(dv)) / _APART))
            for j in range(pieces + 1):
                x, y = math.floor(u + du * j / pieces - 0.5), math.floor(v + dv * j / pieces - 0.5)
                for row in range(max(y, 0), min(y + 2, height)):
                    for column in range(max(x, 0), min(x + 2, width)):
                        out[row, column] = colours[k]
