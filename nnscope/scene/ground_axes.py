"""The axes of a landscape: rows run away from the eye, and heights stand for numbers. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.core.frame import AxisTicks
from nnscope.scene.numbers import short
from nnscope.scene.ticks import nice_step

if TYPE_CHECKING:
    from nnscope.core.landscape import LandscapePicture

SPACING = 16.0  # logical pixels between ticks of a height, at least
NAMES = {"value": "value", "magnitude": "|value|"}  # all else are norms

Axes = tuple[AxisTicks, AxisTicks, AxisTicks]


def over_ground(axes: Axes, picture: LandscapePicture, zoom: float) -> Axes:
    """The axes of a landscape.

    Parameters
    ----------
    axes : three AxisTicks
        Along rows, nothing and columns, rows counted from the side nearest to the eye.
    picture : LandscapePicture
    zoom : float
        Logical pixels along the height of a cell.
    """
    rows = picture.bounds[0]
    along = AxisTicks(axes[0].name, tuple((rows - position, label) for position, label in axes[0].ticks))
    return along, height_ticks(picture.domain, picture.height, zoom, NAMES.get(picture.lifted_by, "norm")), axes[2]


def height_ticks(domain: tuple[float, float], height: float, zoom: float, name: str) -> AxisTicks:
    """Round numbers up the side of the box, whose top is at 0."""
    low, high = domain
    unit = high / height - low / height  # of the scale, per cell; the range itself may overflow
    step = nice_step(max(SPACING / max(zoom, 1e-9) * unit, 1e-300))
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    values = [k * step for k in range(first, last + 1)] if last - first < 100 else []
    return AxisTicks(name, tuple(((high / unit - value / unit), short(value, 6)) for value in values))
