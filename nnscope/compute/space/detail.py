"""How much detail a camera calls for. Pure arithmetic.

A level is chosen so that every voxel covers the centre of some pixel, wherever it lies: no voxel is ever missed by all
rays, so one outlier is seen from every distance.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye

if TYPE_CHECKING:
    from nnscope.compute.space.perspective import Eye
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds


def level_for(camera: Camera3D, bounds: Bounds, picture: Rect, levels: range) -> int:
    """The finest of ``levels`` of which every voxel covers the centre of a pixel, else the coarsest."""
    seen = eye(camera, bounds, picture)
    smallest, least = voxel_pixels(seen, bounds), least_size(seen)
    return next((level for level in levels if smallest * 2**level >= least), levels[-1])


def voxel_pixels(seen: Eye, bounds: Bounds) -> float:
    """Device pixels along a side of the farthest voxel, as it would appear seen at a right angle."""
    if seen.parallel:
        return 1 / seen.scale
    corners = np.array(list(itertools.product(*((0.0, float(size)) for size in reversed(bounds)))))
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
