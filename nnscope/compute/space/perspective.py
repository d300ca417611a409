"""The ray through each pixel of a picture of a volume, and where points of the volume appear.

Positions are in voxels, (x, y, z); see `nnscope.core.space`. Everything is float64, and one function, `pencil`, says
which ray belongs to a pixel: drawing, picking and tests all take it from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.space import FOV

if TYPE_CHECKING:
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds


@dataclass(frozen=True, slots=True, eq=False)
class Pencil:
    """The rays of a picture: origin + t·towards, t ≥ 0, at each position (px, py) in device pixels from its corner.

    Both are affine in it: ``origin`` + px·``origin_x`` + py·``origin_y``, likewise ``towards``. In perspective all rays
    start in the eye; in a parallel projection all have one direction, and start on a plane in front of the volume. Each
    is an array (3,) of float64 in voxels.
    """

    origin: np.ndarray
    origin_x: np.ndarray
    origin_y: np.ndarray
    towards: np.ndarray
    towards_x: np.ndarray
    towards_y: np.ndarray

    def ray(self, px: float, py: float) -> tuple[np.ndarray, np.ndarray]:
        """Origin and direction (not of length 1) of one ray; the centre of a pixel is at its index + ½."""
        return (
            self.origin + px * self.origin_x + py * self.origin_y,
            self.towards + px * self.towards_x + py * self.towards_y,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """A camera before a volume and a picture, worked out.

    Attributes
    ----------
    right, down, ahead : ndarray (3,)
        Unit vectors along the picture's axes and into it.
    centre, position : ndarray (3,)
        What is in the middle of the picture, and the eye, in voxels.
    scale : float
        Voxels per device pixel on the plane through the centre.
    middle : (float, float)
        The picture's centre in device pixels from its corner.
    parallel : bool
    """

    right: np.ndarray
    down: np.ndarray
    ahead: np.ndarray
    centre: np.ndarray
    position: np.ndarray
    scale: float
    middle: tuple[float, float]
    parallel: bool

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where points (n, 3) in voxels appear.

        Returns
        -------
        pixels : ndarray (n, 2)
            From the picture's corner.
        depth : ndarray (n,)
            Distance from the eye along the line of sight, in voxels; not above 0 behind a perspective eye, whose pixels
            mean nothing.
        """
        offset = np.asarray(points, np.float64) - self.centre
        distance = float(np.linalg.norm(self.centre - self.position))
        depth = offset @ self.ahead + distance
        near = 1.0 if self.parallel else distance / np.where(depth > 0, depth, np.inf)
        flat = np.stack((offset @ self.right, offset @ self.down), 1) / self.scale
        return flat * np.broadcast_to(near, depth.shape)[:, None] + self.middle, depth


@lru_cache(maxsize=32)
def eye(camera: Camera3D, shape: Bounds, picture: Rect) -> Eye:
    """The camera before a picture with these bounds [z, y, x], drawn into ``picture``; a frame asks many times."""
    azimuth, elevation = math.radians(camera.azimuth), math.radians(camera.elevation)
    right = np.array((math.cos(azimuth), 0.0, math.sin(azimuth)))
    back = math.cos(elevation)
    ahead = -np.array((math.sin(azimuth) * back, -math.sin(elevation), -math.cos(azimuth) * back))
    size = np.array(shape[::-1], np.float64)
    centre = size / 2 if camera.centre is None else np.array(camera.centre, np.float64)
    distance = camera.distance * float(np.linalg.norm(size))
    half = distance * math.tan(math.radians(camera.fov or FOV) / 2)
    scale = 2 * half / max(1, min(picture.w, picture.h))
    down = np.array((ahead[1] * right[2], ahead[2] * right[0] - ahead[0] * right[2], -ahead[1] * right[0]))  # a × r
    middle = (picture.w / 2, picture.h / 2)
    position = centre - distance * ahead
    for shared in (right, down, ahead, centre, position):
        shared.flags.writeable = False
    return Eye(right, down, ahead, centre, position, scale, middle, camera.fov == 0)


def pencil(camera: Camera3D, shape: Bounds, picture: Rect) -> Pencil:
    """The rays of a picture with these bounds [z, y, x]."""
    seen = eye(camera, shape, picture)
    across, along = seen.right * seen.scale, seen.down * seen.scale
    corner = seen.centre - seen.middle[0] * across - seen.middle[1] * along
    nothing = np.zeros(3)
    if not seen.parallel:
        return Pencil(seen.position, nothing, nothing, corner - seen.position, across, along)
    diagonal = float(np.linalg.norm(shape))
    before = -diagonal - float(
        (seen.centre - np.array(shape[::-1]) / 2) @ seen.ahead
    )  # all of the volume lies behind it
    return Pencil(corner + before * seen.ahead, across, along, seen.ahead, nothing, nothing)
