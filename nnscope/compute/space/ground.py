"""How much detail of a landscape a camera calls for. Pure arithmetic.

The level is the finest of which a column that stands out, wherever it is seen, covers the centre of some pixel: a spike
among millions of cells is never missed by all rays. What lies outside the picture calls for nothing.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye, pencil

if TYPE_CHECKING:
    from nnscope.compute.space.perspective import Eye
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds

RAYS = 9  # a side, whose way through the box is followed


def ground_level(camera: Camera3D, bounds: Bounds, picture: Rect, levels: range) -> int:
    """The finest of ``levels`` of which every column in the picture covers the centre of a pixel, else the coarsest."""
    seen = eye(camera, bounds, picture)
    pixels = cell_pixels(camera, bounds, picture)
    return next((k for k in levels if pixels * 2**k >= _least(seen, bounds[1] / 2**k)), levels[-1])


def cell_pixels(camera: Camera3D, bounds: Bounds, picture: Rect) -> float:
    """Device pixels along a side of the farthest cell in the picture, as it would appear seen at a right angle."""
    seen = eye(camera, bounds, picture)
    if seen.parallel:
        return 1 / seen.scale
    box = np.array(bounds[::-1], np.float64)
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3))) * box
    pixels, depth = seen.project(corners)
    inside = (depth > 0) & (pixels >= 0).all(1) & (pixels <= (picture.w, picture.h)).all(1)
    farthest = max([*depth[inside], *_exits(camera, bounds, picture)], default=0.0)
    distance = float(np.linalg.norm(seen.position - seen.centre))
    return distance / max(float(farthest), 1e-9) / seen.scale if farthest else 1 / seen.scale


def _exits(camera: Camera3D, bounds: Bounds, picture: Rect) -> np.ndarray:
    """How far along the line of sight some rays leave the box."""
    seen, rays = eye(camera, bounds, picture), pencil(camera, bounds, picture)
    places = np.stack(np.meshgrid(np.linspace(0, picture.w, RAYS), np.linspace(0, picture.h, RAYS)), -1).reshape(-1, 2)
    towards = rays.towards + places[:, :1] * rays.towards_x + places[:, 1:] * rays.towards_y
    towards = np.where(np.abs(towards) < 1e-12, 1e-12, towards)
    ends = np.stack((-rays.origin / towards, (np.array(bounds[::-1]) - rays.origin) / towards))
    first, last = np.maximum(ends.min(0).max(1), 0.0), ends.max(0).min(1)
    met = first < last
    return np.asarray((towards[met] * last[met, None]) @ seen.ahead)


def _least(seen: Eye, height: float) -> float:
    """Pixels along a side from which a column, ``height`` times as high, is sure to cover the centre of one.

    It is when its outline, the sum of its three edges as they appear, is as wide across each of them as a square of one
    pixel.
    """
    edges = np.stack((seen.right, seen.down), 1) * np.array((1.0, height, 1.0))[:, None]
    sizes = np.linalg.norm(edges, axis=1)
    across = (edges[:, ::-1] * (1, -1))[sizes > 1e-9] / sizes[sizes > 1e-9, None]
    width, square = np.abs(across @ edges.T).sum(1), np.abs(across).sum(1)
    return float((square / np.maximum(width, 1e-9)).max())
