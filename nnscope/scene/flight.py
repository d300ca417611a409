"""Flying through a picture of three dimensions: the eye moves, and looks around from where it is. Pure arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.core.space import FOV
from nnscope.scene.orbit import turned

if TYPE_CHECKING:
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds

PACE = 0.35  # diagonals a second
LOOK = 0.5  # of the turn that a drag of as many pixels makes


def airborne(camera: Camera3D) -> Camera3D:
    """A camera that can fly: a parallel projection has no eye."""
    return camera if camera.fov else replace(camera, fov=FOV)


def looked_around(camera: Camera3D, bounds: Bounds, picture: Rect, by: tuple[float, float]) -> Camera3D:
    """The eye stays and looks ``by`` logical pixels of the pointer to the right and down."""
    before = eye(camera, bounds, picture)
    aside = turned(camera, LOOK * by[0], LOOK * by[1])
    after = eye(aside, bounds, picture)
    return _centred(aside, before.position + (after.centre - after.position))


def flown(camera: Camera3D, bounds: Bounds, picture: Rect, way: tuple[float, float, float]) -> Camera3D:
    """The eye and what it looks at move: to the right, up and ahead, in diagonals of the picture's box."""
    seen = eye(camera, bounds, picture)
    right, up, ahead = np.array(way) * float(np.linalg.norm(bounds))
    return _centred(camera, seen.centre + right * seen.right - up * seen.down + ahead * seen.ahead)


def _centred(camera: Camera3D, centre: np.ndarray) -> Camera3D:
    x, y, z = centre.tolist()
    return replace(camera, centre=(x, y, z))
