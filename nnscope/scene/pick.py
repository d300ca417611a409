"""What is under a pixel: a cell, or the voxel that made what is seen there, found by a walk along its ray. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.perspective import pencil
from nnscope.compute.rays import comb, crossed, interpolated
from nnscope.core.picture import State
from nnscope.scene.camera import cell_at

if TYPE_CHECKING:
    from nnscope.core.frame import Rect, SpaceFrame
    from nnscope.core.volume import Shape3, VolumePicture
    from nnscope.scene.compose import Composed

Ray = tuple[np.ndarray, np.ndarray, np.ndarray]


def place_under(composed: Composed, picture: Rect, x: float, y: float) -> tuple[int, ...] | None:
    """The level-0 cell (row, column) at a screen position; in three dimensions (row, column, depth) of the voxel."""
    frame = composed.frame
    if frame.space is not None:
        voxel = voxel_under(frame.space, picture, x, y)
        if voxel is None:
            return None
        depth, row, col = (i << composed.level for i in voxel)
        return row, col, depth
    if composed.camera is None:
        return None
    across, down = cell_at(composed.camera, picture, x, y)
    rows, cols = frame.grid
    return (int(down), int(across)) if 0 <= down < rows and 0 <= across < cols else None


def voxel_under(space: SpaceFrame, picture: Rect, x: float, y: float) -> Shape3 | None:
    """[z, y, x] in voxels of the level that is drawn; None where the ray meets no element.

    Parameters
    ----------
    space : SpaceFrame
    picture : Rect
        Where it is drawn.
    x, y : float
        Screen position in device pixels; the centre of a pixel is at its index + ½.
    """
    voxels, values, states = along(space, ray_at(space, picture, x, y))
    if not len(voxels) or (states == State.PADDING).all():
        return None
    z, row, col = voxels[_best(space.mode, values, states)].tolist()
    return z, row, col


def ray_at(space: SpaceFrame, picture: Rect, x: float, y: float) -> Ray:
    """Origin, direction and box of the ray at a screen position, in voxels of the level."""
    volume = space.picture
    origin, towards = pencil(space.camera, volume.shape, picture).ray(x - picture.x, y - picture.y)
    side = 2.0**volume.level
    return origin / side, towards / side, np.array(volume.shape[::-1]) / side


def along(space: SpaceFrame, ray: Ray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a ray meets, in order: voxels (n, 3) as [z, y, x], values (float64) and states."""
    volume = space.picture
    if space.interpolation == "linear" and volume.states is None:
        positions, _ = comb(*ray, space.step)
        last = np.array(volume.values.shape) - 1
        voxels = np.clip(np.floor(positions[:, ::-1]).astype(np.int64), 0, last)
        return voxels, interpolated(volume.values, positions), np.zeros(len(voxels), np.uint8)
    voxels, _ = crossed(*ray)
    values = volume.values[tuple(voxels.T)].astype(np.float64)
    return voxels, values, _states(volume, voxels)


def _states(volume: VolumePicture, voxels: np.ndarray) -> np.ndarray:
    if volume.states is None:
        return np.zeros(len(voxels), np.uint8)
    found: np.ndarray = volume.states[tuple(voxels.T)]
    return found


def _best(mode: str, values: np.ndarray, states: np.ndarray) -> int:
    """The place whose value the ray shows; among equals the first. NaN stands for a ray with nothing else."""
    values = np.where(states == State.POSINF, np.inf, np.where(states == State.NEGINF, -np.inf, values))
    score = np.abs(values) if mode == "signed" else -values if mode == "minip" else values
    none = states == State.PADDING
    order = np.lexsort((np.arange(len(values)), -score, states == State.NAN, none))
    return int(order[0])
