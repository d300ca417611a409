"""Which leaf of an octree is the first that a ray meets. Pure; the shaders' plain twin in float64.

Where a plane cuts the volume, rays begin on it. There a cube that is cut open is seen, or of a slab what it is reduced
to of the cubes through it that are shown; where there is none, the ray goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.cutting import begin, column
from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.rays import crossed
from nnscope.core.picture import State
from nnscope.core.space_picture import Picked
from nnscope.core.voxels import LeafPicture, VoxelPicture
from nnscope.views.volume_pick import Met, through_slab

if TYPE_CHECKING:
    from nnscope.core.cut import CutPlane
    from nnscope.core.frame import PaneFrame, SpaceFrame

Ray = tuple[np.ndarray, np.ndarray]  # origin and direction
ROUNDING = 1e-9  # of the way behind a plane: what begins there lies behind it


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
    first, last = meets(ray, *limits(space))
    if not first < last:
        return None
    start = None if space.plane is None else begin(space.plane, *ray, float(first))
    if start is not None and space.plane is not None:
        if start > last:
            return None
        picked = _on_cut(space, space.plane, ray[0] + start * ray[1])
        if picked is not None:
            return picked
        first = start + ROUNDING * (last - start)
    span = (float(first), float(last))
    if isinstance(space.picture, LeafPicture):
        return _in_list(space, space.picture, ray, span)
    assert isinstance(space.picture, VoxelPicture)
    return _in_grid(space.picture, ray, span, space.threshold)


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


def _on_cut(space: SpaceFrame, plane: CutPlane, point: np.ndarray) -> Picked | None:
    """The voxel that a cut shows at a place of it, and the level of its cube; None where no cube is cut."""
    picture = space.picture
    assert isinstance(picture, (VoxelPicture, LeafPicture))
    voxels = column(plane, point, picture.shape)
    if not len(voxels):
        return None
    at = _leaves_of(picture, voxels) if isinstance(picture, LeafPicture) else tuple((voxels >> picture.level).T)
    states = np.zeros(len(voxels), np.uint8) if picture.states is None else picture.states[at]
    values = picture.values[at].astype(np.float64)
    held = shown(picture.values[at], states, space.threshold)
    if isinstance(picture, LeafPicture):
        held &= np.asarray(at) >= 0
    found = through_slab(plane, Met(voxels, values, states, np.ones(len(voxels))), held)
    if found is None:
        return None
    depth, row, col = voxels[found].tolist()
    return Picked((row, col, depth), int(picture.nodes[at][found]))


def _leaves_of(picture: LeafPicture, voxels: np.ndarray) -> np.ndarray:
    """The number of the leaf that holds each voxel [z, y, x]; −1 where there is none."""
    low, high = boxes(picture)
    numbers = np.full(len(voxels), -1)
    for i, place in enumerate(voxels[:, ::-1]):
        inside = ((low <= place) & (place < high)).all(1)
        numbers[i] = int(np.argmax(inside)) if inside.any() else -1
    return numbers


def _in_grid(picture: VoxelPicture, ray: Ray, span: tuple[float, float], threshold: float) -> Picked | None:
    side = 2.0**picture.level
    cells, bounds = crossed(ray[0] / side, ray[1] / side, np.array(picture.shape[::-1]) / side)
    bounds = np.clip(bounds, *span)
    at = tuple(cells.T)
    drawn = shown(picture.values[at], None if picture.states is None else picture.states[at], threshold)
    drawn &= np.diff(bounds) > 0
    if not drawn.any():
        return None
    first = int(np.argmax(drawn))
    z, y, x = cells[first].tolist()
    corner = np.array((x, y, z)) * side
    t = (bounds[first], bounds[first + 1])
    return _picked(ray, t, (corner, corner + side), int(picture.nodes[z, y, x]))


def _in_list(space: SpaceFrame, picture: LeafPicture, ray: Ray, span: tuple[float, float]) -> Picked | None:
    low, high = boxes(picture)
    least, most = limits(space)
    first, last = meets(ray, np.maximum(low, least), np.minimum(high, most))
    first = np.maximum(first, span[0])
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


def meets(ray: Ray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def _picked(ray: Ray, t: tuple[float, float], box: tuple[np.ndarray, np.ndarray], level: int) -> Picked:
    """The voxel just inside a box that a ray crosses from t[0] to t[1]."""
    inside = np.floor(ray[0] + (t[0] + min(1e-6, 0.5) * (t[1] - t[0])) * ray[1])
    col, row, depth = np.clip(inside, box[0], np.ceil(box[1]) - 1).astype(int).tolist()
    return Picked((row, col, depth), level)
