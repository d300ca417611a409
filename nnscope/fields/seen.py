"""What is seen of a field's Gaussians, whichever way they are turned: what the colours of splats follow.

Sums along rays and largest values are no values of the tensor, so its own statistics say little of them. Here they are
drawn along z, y and x, and the statistics are those of these pictures together: they don't change while one looks
around, and the same field has the same colours. Sums have their peaks between pixels, so their extremes are taken a
little farther; largest values have theirs in the middles of Gaussians.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.frame import Rect
from nnscope.core.space import FOV, Camera3D
from nnscope.fields.splatting import colours_of, splat_image

if TYPE_CHECKING:
    from nnscope.core.splats import SplatPicture
    from nnscope.core.statistics import TensorStats

_SIDE = 256  # pixels along the longest side
_ROOM = 1.03  # of the extremes of sums
_ALONG = ((0.0, 0.0), (0.0, 90.0), (90.0, 0.0))  # azimuth and elevation: along z, y and x


def stats_of_seen(shown: SplatPicture) -> TensorStats:
    """Statistics of what is drawn along the axes of the box, or of the plane from the front.

    Where colours are of amplitudes or errors, they are those of the Gaussians themselves.
    """
    if shown.how.outlines or shown.how.colour != "density":
        return stats_of_array(np.append(colours_of(shown), 0.0) + shown.offset)
    ways = _ALONG if shown.layout.depth else _ALONG[:1]
    values = np.concatenate([splat_image(shown, *_towards(shown, *way)).ravel() for way in ways])
    ends = shown.weights if shown.how.mode != "sum" else values * _ROOM
    around = (0.0, ends.min(initial=0.0), ends.max(initial=0.0))
    return stats_of_array(np.append(values, around).astype(np.float32) + np.float32(shown.offset))


def _towards(shown: SplatPicture, azimuth: float, elevation: float) -> tuple[Camera3D, Rect]:
    """The camera from which the box fills a picture, in parallel projection."""
    depth, height, width = shown.bounds
    across, down = (width if not azimuth else depth), (height if not elevation else depth)
    pixel = max(shown.bounds) / _SIDE  # cells
    picture = Rect(0, 0, max(1, math.ceil(across / pixel)), max(1, math.ceil(down / pixel)))
    least, diagonal = min(picture.w, picture.h), math.hypot(*shown.bounds)
    distance = pixel * least / (2 * diagonal * math.tan(math.radians(FOV) / 2))
    return replace(Camera3D(azimuth, elevation, fov=0.0), distance=distance), picture
