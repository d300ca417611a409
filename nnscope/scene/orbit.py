"""Moving the camera around a picture of three dimensions. Pure arithmetic."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye

if TYPE_CHECKING:
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds

TURN = 0.4  # degrees by a logical pixel of a drag
ROOM = 0.14  # of half the picture, for labels
NEAREST, FARTHEST = 1e-3, 100.0  # diagonals


@lru_cache(16)  # asked for each frame of a camera that nobody has moved yet
def fitted(camera: Camera3D, bounds: Bounds, picture: Rect) -> Camera3D:
    """The camera at the distance from which the volume fills the picture, but for `ROOM` on each side."""
    corners = np.array(list(itertools.product(*((0.0, float(size)) for size in reversed(bounds)))))
    half = np.array((picture.w, picture.h)) / 2

    def reaches(distance: float) -> float:
        """How far the volume reaches from the middle, in halves of the picture."""
        pixels, depth = eye(replace(camera, centre=None, distance=distance), bounds, picture).project(corners)
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


def shifted(camera: Camera3D, bounds: Bounds, picture: Rect, dx: float, dy: float) -> Camera3D:
    """The camera after dragging the picture by (dx, dy) device pixels."""
    seen = eye(camera, bounds, picture)
    x, y, z = (seen.centre - (dx * seen.right + dy * seen.down) * seen.scale).tolist()
    return replace(camera, centre=(x, y, z))


def flat(camera: Camera3D, bounds: Bounds) -> bool:
    """Whether a picture without depth lies before the camera as a map does."""
    return bounds[0] <= 1 and (camera.azimuth, camera.elevation, camera.fov) == (0.0, 0.0, 0.0)


def kept_under(before: Camera3D, after: Camera3D, bounds: Bounds, picture: Rect, at: tuple[float, float]) -> Camera3D:
    """``after``, shifted so that what was at a screen position stays there, in parallel projection."""
    dx, dy = at[0] - picture.x - picture.w / 2, at[1] - picture.y - picture.h / 2
    factor = before.distance / after.distance
    return shifted(after, bounds, picture, dx * (1 - factor), dy * (1 - factor))


def approached(camera: Camera3D, factor: float) -> Camera3D:
    """The camera ``factor`` times as near to what it looks at."""
    return replace(camera, distance=min(max(camera.distance / factor, NEAREST), FARTHEST))
