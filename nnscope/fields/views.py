"""Cameras around a volume, and what they see of it: rings, pinholes, and true maximum projections (methods.md §13).

A pinhole's rotation has the rows right, down and ahead, so +z looks into the scene: with p' = R·p + t a point appears
at u = f·x/z + c_x, v = f·y/z + c_y in pixels from the picture's corner. Which way a camera looks is said by
`nnscope.compute.space.perspective`, here as in the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.parts import for_each, slices
from nnscope.compute.space.perspective import eye, pencil
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Rect
from nnscope.core.space import Camera3D
from nnscope.fields.settings import ELEVATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscope.core.volume import Shape3

STEP = 0.5  # voxels between samples along a ray

_ROWS = 8  # of a picture that a thread takes at a time


@dataclass(frozen=True, slots=True, eq=False)
class Pinhole:
    """A perspective camera, worked out.

    Attributes
    ----------
    rotation : ndarray of float64, shape (3, 3)
    translation : ndarray of float64, shape (3,)
    focal : float
        Pixels.
    middle : (float, float)
        (c_x, c_y) in pixels.
    size : (int, int)
        Width and height of the picture.
    near : float
        Points at z ≤ near are not seen.
    """

    rotation: np.ndarray
    translation: np.ndarray
    focal: float
    middle: tuple[float, float]
    size: tuple[int, int]
    near: float = 1.0


def pinhole(camera: Camera3D, shape: Shape3, size: tuple[int, int]) -> Pinhole:
    """A camera before a volume of ``shape`` [z, y, x].

    Raises
    ------
    NnscopeError
        If its projection is parallel.
    """
    if camera.fov == 0:
        raise NnscopeError("Views of a fit are in perspective.", "fov 0", "Give an angle.")
    seen = eye(camera, shape, Rect(0, 0, *size))
    rotation = np.stack([seen.right, seen.down, seen.ahead])
    distance = float((seen.centre - seen.position) @ seen.ahead)
    return Pinhole(rotation, -rotation @ seen.position, distance / seen.scale, seen.middle, size)


def ring_cameras(count: int, elevations: Sequence[float] = ELEVATIONS, distance: float = 2.0) -> list[Camera3D]:
    """Cameras on rings around a volume, as many on each as on the others (give or take one), evenly spaced.

    Rings are turned against each other, so that no two cameras stand above each other.

    Parameters
    ----------
    count : int
    elevations : sequence of float
        Of the rings, in degrees.
    distance : float
        In diagonals of the volume.
    """
    cameras = []
    for ring, elevation in enumerate(elevations):
        held = len(range(ring, count, len(elevations)))
        turn = ring / len(elevations)
        cameras += [Camera3D(360.0 * (i + turn) / held, elevation, distance) for i in range(held)]
    return cameras


def project_maxima(
    values: np.ndarray, camera: Camera3D, size: tuple[int, int], step: float = STEP, outside: float = 0.0
) -> np.ndarray:
    """The maximum projection of a volume: the largest trilinear sample along the ray through each pixel's centre.

    Parameters
    ----------
    values : ndarray of float32, shape [z, y, x]
    camera : Camera3D
    size : (int, int)
        Width and height in pixels.
    step : float
        Most voxels between samples.
    outside : float
        What pixels show whose ray misses the volume.

    Returns
    -------
    ndarray of float32, shape [height, width]
    """
    from nnscope.arrays.kernels.ray_maxima import ray_maxima

    depth, rows, cols = values.shape
    rays = pencil(camera, (depth, rows, cols), Rect(0, 0, *size))
    table = np.stack([rays.origin, rays.origin_x, rays.origin_y, rays.towards, rays.towards_x, rays.towards_y])
    out = np.full(size[::-1], outside, np.float32)
    x, parts = np.ascontiguousarray(values, np.float32), slices(size[1], _ROWS)
    for_each(lambda i: ray_maxima(x, table, step, (parts[i].start, parts[i].stop), out), len(parts))
    return out
