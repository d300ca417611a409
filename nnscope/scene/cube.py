"""The little cube in the lower left of a picture of three dimensions: how it lies, which face is at a pixel. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye, pencil
from nnscope.core.frame import Rect

if TYPE_CHECKING:
    from nnscope.compute.space.perspective import Eye
    from nnscope.core.space import Camera3D

SIDE = 56  # logical pixels of its square
LEAST = 4  # squares a side that a picture must have room for
_SHAPE = (1.0, 1.0, 1.0)
_FACES = (("left", "right"), ("top", "bottom"), ("front", "back"))  # by axis x, y, z: at 0 and at 1


def cube_place(picture: Rect, scale: float) -> Rect | None:
    """The square it is drawn in; None where a picture is too small for it."""
    side = round(SIDE * scale)
    if min(picture.w, picture.h) < LEAST * side:
        return None
    return Rect(picture.x, picture.y + picture.h - side, side, side)


def cube_eye(camera: Camera3D, place: Rect) -> Eye:
    """The cube from 0 to 1 as it appears in its square, turned as the picture is."""
    return eye(_before(camera), _SHAPE, place)


def face_at(camera: Camera3D, picture: Rect, scale: float, x: float, y: float) -> str:
    """The name of the face under a screen position, a key of `nnscope.scene.directions`; empty for none."""
    place = cube_place(picture, scale)
    if place is None or not place.contains(x, y):
        return ""
    origin, towards = pencil(_before(camera), _SHAPE, place).ray(x + 0.5 - place.x, y + 0.5 - place.y)
    towards = np.where(np.abs(towards) < 1e-12, 1e-12, towards)
    ends = np.sort(np.stack((-origin, 1 - origin)) / towards, axis=0)
    axis = int(np.argmax(ends[0]))
    if ends[0, axis] >= ends[1].min():
        return ""
    return _FACES[axis][0 if towards[axis] > 0 else 1]


def _before(camera: Camera3D) -> Camera3D:
    return replace(camera, centre=None, distance=2.2, fov=0.0)
