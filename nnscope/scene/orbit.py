"""Moving the camera around a volume, and the level of the volume that it calls for. Pure arithmetic.

A level is chosen so that every voxel covers the centre of some pixel, wherever it lies: no voxel is ever missed by all
rays, so one outlier is seen from every distance.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.core.volume import least_level, volume_levels

if TYPE_CHECKING:
    from nnscope.compute.space.perspective import Eye
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.volume import Shape3

TURN = 0.4  # degrees by a logical pixel of a drag
ROOM = 0.14  # of half the picture, for labels
NEAREST, FARTHEST = 1e-3, 100.0  # diagonals


def fitted(camera: Camera3D, shape: Shape3, picture: Rect) -> Camera3D:
    """The camera at the distance from which the volume fills the picture, but for `ROOM` on each side."""
    corners = np.array(list(itertools.product(*((0.0, float(size)) for size in reversed(shape)))))
    half = np.array((picture.w, picture.h)) / 2

    def reaches(distance: float) -> float:
        """How far the volume reaches from the middle, in halves of the picture."""
        pixels, depth = eye(replace(camera, centre=None, distance=distance), shape, picture).project(corners)
        return float(np.abs(pixels / half - 1).max()) if (depth > 0).all() else np.inf

    near, far = 0.1, 100.0
    for _ in range(40):
        middle = math.sqrt(near * far)
        near, far = (middle, far) if reaches(middle) > 1 - ROOM else (near, middle)
    return replace(camera, centre=None, distance=far)


def turned(camera: Camera3D, dx: float, dy: float) -> Camera3D:
    """The camera after dragging the volume by (dx, dy) logical pixels: it follows the pointer, and never tips over."""
    azimuth = (camera.azimuth - TURN * dx + 180.0) % 360.0 - 180.0
    return replace(camera, azimuth=azimuth, elevation=min(max(camera.elevation + TURN * dy, -90.0), 90.0))


def shifted(camera: Camera3D, shape: Shape3, picture: Rect, dx: float, dy: float) -> Camera3D:
    """The camera after dragging the picture by (dx, dy) device pixels."""
    seen = eye(camera, shape, picture)
    x, y, z = (seen.centre - (dx * seen.right + dy * seen.down) * seen.scale).tolist()
    return replace(camera, centre=(x, y, z))


def approached(camera: Camera3D, factor: float) -> Camera3D:
    """The camera ``factor`` times as near to what it looks at."""
    return replace(camera, distance=min(max(camera.distance / factor, NEAREST), FARTHEST))


def level_for(camera: Camera3D, shape: Shape3, picture: Rect) -> int:
    """The finest level of which every voxel covers the centre of a pixel, and which is not too large."""
    seen = eye(camera, shape, picture)
    smallest = voxel_pixels(seen, shape)
    levels, level = volume_levels(shape), least_level(shape)
    while level < levels - 1 and smallest * 2**level < least_size(seen):
        level += 1
    return level


def voxel_pixels(seen: Eye, shape: Shape3) -> float:
    """Device pixels along a side of the farthest voxel, as it would appear seen at a right angle."""
    if seen.parallel:
        return 1 / seen.scale
    corners = np.array(list(itertools.product(*((0.0, float(size)) for size in reversed(shape)))))
    _, depth = seen.project(corners)
    return float(np.linalg.norm(seen.position - seen.centre) / max(depth.max(), 1e-9)) / seen.scale


def least_size(seen: Eye) -> float:
    """Pixels along a side from which a cube in this position is sure to cover the centre of one.

    It is when its outline holds a square of one pixel. The outline is the sum of three segments, the cube's edges as
    they appear: it holds the square if it is as wide as that across each of them.
    """
    edges = np.stack((seen.right, seen.down), 1)  # of x, y and z, as they appear
    across = edges[:, ::-1] * (1, -1)
    width = np.abs(across @ edges.T).sum(1)
    square = np.abs(across).sum(1)
    seen_edges = square > 1e-12
    return float((square[seen_edges] / width[seen_edges]).max())
