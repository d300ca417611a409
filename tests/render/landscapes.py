"""Panes with landscapes for the tests, and what their rays must meet by plain float64 arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.relief import means, normalised, peaks
from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
from nnscope.core.landscape import LandscapePicture, box_height
from nnscope.core.layout import planes
from nnscope.core.picture import State
from nnscope.core.space import Camera3D
from nnscope.views.registry import find_space_view
from tests.render import building

if TYPE_CHECKING:
    from nnscope.core.space_picture import Picked

ABOVE = Camera3D(0.0, 90.0, 2.0, None, 0.0)
FRONT = Camera3D(0.0, 0.0, 2.0, None, 0.0)
NOTHING = 7


def picture(
    values: np.ndarray, smooth: bool = False, domain: tuple[float, float] = (-1.0, 1.0), relief: float = 0.3
) -> LandscapePicture:
    """The landscape of an array; what is no finite number lies on the ground."""
    x = np.asarray(values, np.float32)
    states = np.select([np.isnan(x), x == np.inf, x == -np.inf], [1, 2, 3], 0).astype(np.uint8)
    finite = states == State.FINITE
    x = np.where(finite, x, np.float32(0))
    heights, layout = np.where(finite, normalised(x, domain), np.float32(0)), planes(x.shape)
    return LandscapePicture(
        "t",
        "landscape",
        layout,
        0,
        0,
        heights,
        x,
        None if finite.all() else states,
        peaks(heights, smooth),
        means(heights) if smooth else None,
        domain,
        box_height(layout.grid, relief),
        "value",
        "",
        (),
    )


def pane(shown: LandscapePicture, camera: Camera3D = FRONT, size: tuple[int, int] = (96, 80)) -> PaneFrame:
    """A pane of nothing but a landscape."""
    space = SpaceFrame(("landscape", next(building.numbers)), shown, camera, shaded=shown.smooth)
    rect = Rect(0, 0, size[0] + 8, size[1] + 12)
    return PaneFrame(rect, Rect(4, 6, *size), normalisation=building.linear(), style=building.style(), space=space)


def picked(shown: PaneFrame, x: float, y: float) -> Picked | None:
    """What is picked at a position (the centre of a pixel is at its index + ½) from the picture's corner."""
    return find_space_view("landscape").pick(shown, shown.picture.x + x, shown.picture.y + y)
