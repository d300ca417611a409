"""Which leaf of an octree is the first that a ray meets. Pure; the shaders' plain twin in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.rays import crossed
from nnscope.core.picture import State
from nnscope.core.space_picture import Picked
from nnscope.core.voxels import LeafPicture, VoxelPicture

if TYPE_CHECKING:
    from nnscope.core.frame import PaneFrame, SpaceFrame


def leaf_under(pane: PaneFrame, x: float, y: float) -> Picked | None:
    """The voxel of level 0 at which a ray meets the first cube that is shown, and the level of that cube.

    Parameters
    ----------
    pane : PaneFrame
        With a picture of voxels or leaves.
    x, y : float
        Screen position in device pixels; the centre of a pixel is at its index + ½.
    """
    space = pane.space
    assert space is not None
    ray = pencil(space.camera, space.picture.bounds, pane.picture).ray(x - pane.picture.x, y - pane.picture.y)
    if isinstance(space.picture, LeafPicture):
        return _in_list(space, space.picture, ray)
    assert isinstance(space.picture, VoxelPicture)
    return _in_grid(space, space.picture, ray)


def shown(values: np.ndarray, states: np.ndarray | None, threshold: float) -> np.ndarray:
    """Whether cubes are drawn: those of magnitudes from the threshold on, and what is no finite number."""
    large: np.ndarray = np.abs(values) >= threshold
    return large if states is None else np.where(states == State.FINITE, large, states != State.PADDING)


def limits(space: SpaceFrame) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest corner (x, y, z) of what is drawn: the whole volume, or what a clip leaves of it."""
    low, high = np.zeros(3), np.array(space.picture.bounds[::-1], np.float64)
    if space.clip is not None:
        low, high = np.maximum(low, space.clip[0]), np.minimum(high, space.clip[1])
    return low, high


def _in_grid(space: SpaceFrame, picture: VoxelPicture, ray: tuple[np.ndarray, np.ndarray]) -> Picked | None:
    side, (low, high) = 2.0**picture.level, limits(space)
    cells, bounds = crossed(ray[0] / side, ray[1] / side, np.array(picture.shape[::-1]) / side)
    entered = _between(ray, low, high)
    if entered is None:
        return None
    bounds = np.clip(bounds, *entered)
    at = tuple(cells.T)
    drawn = shown(picture.values[at], None if picture.states is None else picture.states[at], space.threshold)
    drawn &= np.diff(bounds) > 0
    if not drawn.any():
        return None
    first = int(np.argmax(drawn))
    z, y, x = cells[first].tolist()
    corner = np.array((x, y, z)) * side
    t = (bounds[first], bounds[first + 1])
    return _picked(ray, t, (corner, corner + side), int(picture.nodes[z, y, x]))


def _in_list(space: SpaceFrame, picture: LeafPicture, ray: tuple[np.ndarray, np.ndarray]) -> Picked | None:
    low, high = boxes(picture)
    least, most = limits(space)
    first, last = meets(ray, np.maximum(low, least), np.minimum(high, most))
    hit = (first < last) & shown(picture.values, picture.states, space.threshold)
    if not hit.any():
        return None
    at = int(np.argmin(np.where(hit, first, np.inf)))
    return _picked(ray, (first[at], last[at]), (low[at], high[at]), int(picture.nodes[at]))


def boxes(picture: LeafPicture) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest corner (x, y, z) of each leaf, as far as it is in the volume: float64, shape (n, 3)."""
    low = picture.origin[:, ::-1].astype(np.float64)
    side = np.left_shift(1, picture.nodes, dtype=np.int64)[:, None]
    return low, np.minimum(low + side, picture.shape[::-1])


def meets(ray: tuple[np.ndarray, np.ndarray], low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a ray enters and leaves boxes, t ≥ 0; the ends of one that it misses are not in order."""
    origin, towards = ray
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack(((low - origin) / towards, (high - origin) / towards))
    beside = (towards == 0) & ((origin < low) | (origin >= high))
    along = towards == 0
    ends[0][..., along], ends[1][..., along] = -np.inf, np.inf
    first = np.maximum(ends.min(0).max(-1), 0.0)
    last = np.where(beside.any(-1), -np.inf, ends.max(0).min(-1))
    return first, last


def _between(ray: tuple[np.ndarray, np.ndarray], low: np.ndarray, high: np.ndarray) -> tuple[float, float] | None:
    first, last = meets(ray, low, high)
    return (float(first), float(last)) if first < last else None


def _picked(
    ray: tuple[np.ndarray, np.ndarray], t: tuple[float, float], box: tuple[np.ndarray, np.ndarray], level: int
) -> Picked:
    """The voxel just inside a box that a ray crosses from t[0] to t[1]."""
    inside = np.floor(ray[0] + (t[0] + min(1e-6, 0.5) * (t[1] - t[0])) * ray[1])
    col, row, depth = np.clip(inside, box[0], np.ceil(box[1]) - 1).astype(int).tolist()
    return Picked((row, col, depth), level)
