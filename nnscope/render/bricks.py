"""What the bricks of a volume can do for a picture: their scores, which of them hold anything, and the faces of these.

Each mode scores what a brick of `BRICK` voxels a side, and the voxels that touch it, can hold. A ray passes over a
brick whose score is not above what it has found. Bricks with no more than the floor hold nothing that is seen: rays
begin and end at the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.transfer import COLOURS, colour_places, mean_side
from nnscope.core.picture import State
from nnscope.core.volume import BRICK

if TYPE_CHECKING:
    from nnscope.core.legend import Normalisation
    from nnscope.core.volume import Shape3, VolumePicture

EXTREMES = ("mip", "minip", "signed")  # modes in which a brick that can't surpass what was found is passed over
CLEAR = 1 / 512  # share of the light
GROWTH = 1.0  # voxels by which faces on the sides of the volume are moved outwards
_ROUNDING = 1e-5  # of a scale, by which float32 may find another colour
_F32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, eq=False)
class Bricks:
    """The bricks of a volume, for one mode.

    Attributes
    ----------
    scores : ndarray of float32, shape [z, y, x] of bricks
    floor : float
        The score of what holds nothing.
    """

    scores: np.ndarray
    floor: float

    @property
    def occupied(self) -> np.ndarray:
        """Which hold anything: bool, shape [z, y, x]."""
        return np.asarray(self.scores > self.floor)


def extreme_bricks(picture: VolumePicture, mode: str) -> Bricks:
    """For the extremes: the highest score of any voxel; see ``shaders/volume/extreme.frag``.

    The floor is the lowest score of all finite values, so what holds nothing above it is the same everywhere. A brick
    with odd values is never left out.
    """
    low, high = picture.low, picture.high
    scores = {"mip": high, "minip": -low, "signed": np.maximum(high, -low)}[mode]
    floor = {"mip": low.min(), "minip": -high.max(), "signed": 0.0 if (scores == 0).any() else -_F32_MAX}[mode]
    odd = _odd_bricks(picture)
    if odd is not None:
        scores = np.where(odd, _F32_MAX, scores)
    scores = np.ascontiguousarray(np.clip(scores, -_F32_MAX, _F32_MAX), np.float32)
    return Bricks(scores, float(np.clip(floor, -_F32_MAX, _F32_MAX)))


def summed_bricks(picture: VolumePicture) -> Bricks:
    """For sums and means: whether a brick holds anything but 0."""
    return _marked(picture, (picture.low != 0) | (picture.high != 0))


def surface_bricks(picture: VolumePicture, threshold: float) -> Bricks:
    """For surfaces: whether any magnitude reaches the threshold."""
    return _marked(picture, np.maximum(picture.high, -picture.low) >= np.float32(threshold))


def cleared(extinctions: np.ndarray, shape: Shape3) -> np.ndarray:
    """Extinctions with 0 for what would take less than `CLEAR` of the light on the way through a whole cube."""
    return np.where(extinctions * mean_side(shape) * np.sqrt(3) < CLEAR, 0.0, extinctions)


def misty_bricks(picture: VolumePicture, normalisation: Normalisation, extinctions: np.ndarray) -> Bricks:
    """For translucent pictures: whether any value between a brick's least and greatest absorbs light.

    Parameters
    ----------
    picture : VolumePicture
    normalisation : Normalisation
    extinctions : ndarray, shape (258,)
        As of `nnscope.compute.space.transfer.extinctions`.
    """
    absorbs = extinctions > 0
    along = np.concatenate((absorbs[COLOURS : COLOURS + 1], absorbs[:COLOURS], absorbs[COLOURS + 1 :]))
    before = np.concatenate(([0], np.cumsum(along)))
    spare = _ROUNDING * (normalisation.domain[1] - normalisation.domain[0])
    ends = (np.clip(x.astype(np.float64), -_F32_MAX, _F32_MAX) for x in (picture.low - spare, picture.high + spare))
    first, last = (_in_order(colour_places(normalisation, x)) for x in ends)
    return _marked(picture, before[np.maximum(last, first) + 1] > before[first])


def faces(occupied: np.ndarray, box: tuple[float, ...]) -> np.ndarray:
    """The faces between bricks that hold something and those that do not, or the outside.

    Parameters
    ----------
    occupied : ndarray of bool, shape [z, y, x]
    box : (float, float, float)
        Size (x, y, z) of the volume in voxels.

    Returns
    -------
    corners : ndarray of float32, shape (4·faces, 3)
        (x, y, z) in voxels: four for each face, row by row. Those on the sides of the box lie `GROWTH` outside.
    """
    size = np.array(box, np.float32)
    corners = np.concatenate([_across(occupied, axis) for axis in range(3)])[:, ::-1].astype(np.float32) * BRICK
    inside = np.where(corners >= size, size + np.float32(GROWTH), corners)
    return np.asarray(np.where(corners <= 0, np.float32(-GROWTH), inside), np.float32)


def _across(occupied: np.ndarray, axis: int) -> np.ndarray:
    """Corners [z, y, x], in bricks, of the faces across an axis."""
    grid = np.moveaxis(np.pad(occupied, 1), axis, 0)
    corners = np.repeat(np.argwhere(grid[1:, 1:-1, 1:-1] != grid[:-1, 1:-1, 1:-1])[:, None], 4, 1)
    corners[..., 1] += (0, 1, 0, 1)
    corners[..., 2] += (0, 0, 1, 1)
    return np.insert(corners[..., 1:], axis, corners[..., 0], axis=-1).reshape(-1, 3)


def _marked(picture: VolumePicture, holds: np.ndarray) -> Bricks:
    """1 where a brick holds anything, else 0."""
    odd = _odd_bricks(picture)
    return Bricks((holds if odd is None else holds | odd).astype(np.float32), 0.0)


def _odd_bricks(picture: VolumePicture) -> np.ndarray | None:
    """Which bricks have a voxel that is no finite number; None when there is none."""
    if picture.states is None:
        return None
    marked = np.asarray(picture.states != State.FINITE)
    for axis in range(3):
        marked = np.asarray(np.logical_or.reduceat(marked, range(0, marked.shape[axis], BRICK), axis=axis))
    return marked


def _in_order(places: np.ndarray) -> np.ndarray:
    """Places in a palette in the order of values: what is below the scale first."""
    return np.where(places == COLOURS, 0, np.where(places > COLOURS, places, places + 1))
