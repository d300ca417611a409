"""One palette of 256 colours for all pictures of an animation, so that no colour flickers between them.

Colours are counted in cells of 4 × 4 × 4 levels. Their boxes are cut as in Wu's quantiser (Graphics Gems II, 1991):
always the box with the largest sum of squared errors, across the channel that has most of it, at its mean. A few
Lloyd iterations then move each colour to the mean of what is nearest to it.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np

COLOURS = 256
BITS = 6  # of each channel
CELLS = 1 << (3 * BITS)
LLOYD = 3  # iterations
CHUNK = 4096  # cells whose distances are looked at together


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours, and which of them stands for each cell.

    Attributes
    ----------
    colours : ndarray of uint8, shape (256, 3)
        Black where fewer are needed.
    nearest : ndarray of uint8, shape (262144,)
        By the cell's number; 0 for cells that were not counted.
    """

    colours: np.ndarray
    nearest: np.ndarray


class ColourCount:
    """How often colours occur, over any number of pictures."""

    def __init__(self) -> None:
        self._counts = np.zeros(CELLS, np.int64)
        self._sums = np.zeros((3, CELLS))

    def add(self, rgb: np.ndarray) -> None:
        """Count a picture: uint8, shape (height, width, 3)."""
        cells = cells_of(rgb).ravel()
        self._counts += np.bincount(cells, minlength=CELLS)
        for channel in range(3):
            self._sums[channel] += np.bincount(cells, rgb[..., channel].ravel(), CELLS)

    def palette(self) -> Palette:
        """The palette of all that was counted."""
        used = np.flatnonzero(self._counts)
        weights = self._counts[used].astype(np.float64)
        points = (self._sums[:, used] / weights).T
        colours = _lloyd(points, weights, _cut(points, weights)) if len(used) > COLOURS else points
        colours = np.rint(colours).astype(np.uint8)
        nearest = np.zeros(CELLS, np.uint8)
        nearest[used] = _nearest(points, colours.astype(np.float64))
        padded = np.zeros((COLOURS, 3), np.uint8)
        padded[: len(colours)] = colours
        return Palette(padded, nearest)


def cells_of(rgb: np.ndarray) -> np.ndarray:
    """The number of each pixel's cell: int32, shape (height, width)."""
    r, g, b = ((rgb[..., channel] >> (8 - BITS)).astype(np.int32) for channel in range(3))
    return (r << (2 * BITS)) | (g << BITS) | b


def _cut(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean colours of at most 256 boxes around all points [point, channel]."""
    order = itertools.count()
    boxes = [(-_error(points, weights).sum(), next(order), np.arange(len(points)))]
    while len(boxes) < COLOURS and boxes[0][0] < 0:
        inside = heapq.heappop(boxes)[2]
        for half in _halves(points[inside], weights[inside]):
            part = inside[half]
            heapq.heappush(boxes, (-_error(points[part], weights[part]).sum(), next(order), part))
    return np.array([np.average(points[part], axis=0, weights=weights[part]) for *_, part in boxes])


def _halves(points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which points lie on either side of the mean, along the channel with the largest error."""
    channel = int(np.argmax(_error(points, weights)))
    middle = np.average(points[:, channel], weights=weights)
    above = points[:, channel] > middle
    return above, ~above


def _error(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of squared differences from the mean, of each channel."""
    if len(points) < 2:
        return np.zeros(3)
    apart = points - np.average(points, axis=0, weights=weights)
    return np.asarray(weights @ (apart * apart))


def _lloyd(points: np.ndarray, weights: np.ndarray, colours: np.ndarray) -> np.ndarray:
    for _ in range(LLOYD):
        owner = _nearest(points, colours)
        total = np.bincount(owner, weights, len(colours))
        sums = np.stack([np.bincount(owner, weights * points[:, c], len(colours)) for c in range(3)], axis=1)
        colours = np.where(total[:, None] > 0, sums / np.maximum(total, 1)[:, None], colours)
    return colours


def _nearest(points: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The place of the nearest colour for each point."""
    found = np.empty(len(points), np.intp)
    squares = (colours * colours).sum(axis=1)
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        found[start : start + CHUNK] = np.argmin(squares - 2 * part @ colours.T, axis=1)
    return found
