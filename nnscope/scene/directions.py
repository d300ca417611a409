"""The standard views of a picture of three dimensions, and the way from one camera to another. Pure arithmetic.

From the front a volume lies as a heat map does: columns to the right, rows downwards, depth away from the eye.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.core.space import Camera3D

DIRECTIONS = {  # azimuth and elevation in degrees
    "front": (0.0, 0.0),
    "back": (180.0, 0.0),
    "left": (-90.0, 0.0),
    "right": (90.0, 0.0),
    "top": (0.0, 90.0),
    "bottom": (0.0, -90.0),
    "isometric": (45.0, math.degrees(math.asin(1 / math.sqrt(3)))),  # three sides alike
}


def seen_from(camera: Camera3D, direction: str) -> Camera3D:
    """The camera moved around what it looks at, to one of `DIRECTIONS`."""
    azimuth, elevation = DIRECTIONS[direction]
    return replace(camera, azimuth=azimuth, elevation=elevation)


def between(start: Camera3D, end: Camera3D, share: float) -> Camera3D:
    """``share`` of the way from one camera to another, the shorter way around; both have a centre, or neither has."""
    if share >= 1:
        return end
    around = (end.azimuth - start.azimuth + 180.0) % 360.0 - 180.0
    centre = end.centre
    if start.centre is not None and end.centre is not None:
        x, y, z = (a + share * (b - a) for a, b in zip(start.centre, end.centre, strict=True))
        centre = (x, y, z)
    return replace(
        end,
        azimuth=(start.azimuth + share * around + 180.0) % 360.0 - 180.0,
        elevation=start.elevation + share * (end.elevation - start.elevation),
        distance=start.distance * (end.distance / start.distance) ** share,
        centre=centre,
    )
