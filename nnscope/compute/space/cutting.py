"""Cuts through volumes in float64: where they lie, where a ray meets them, and what is shown there. The plain twin.

Positions are (x, y, z) in voxels of level 0, arrays are [z, y, x]; see `nnscope.core.cut`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.compute.space.rays import inside
from nnscope.core.cut import AXES, Cut, CutPlane

if TYPE_CHECKING:
    from nnscope.core.cut import Box
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.volume import Shape3


ON_PLANE = 1e-6  # voxels: a plane may lie on a face of the volume, where rounding must not decide


def placed(cut: Cut, shape: Shape3) -> Cut:
    """The cut as far as it lies within a volume of this shape [z, y, x]."""
    if cut.axis:
        size = shape[2 - AXES.index(cut.axis)]
        at = min(max(int(cut.at), 0), size - 1)
        return replace(cut, at=at, thickness=min(max(cut.thickness, 1), size - at))
    half = float(np.abs(direction(cut)) @ np.array(shape[::-1])) / 2
    return replace(cut, at=min(max(cut.at, -half), half), thickness=max(cut.thickness, 1))


def clipped_to(box: Box, shape: Shape3) -> Box | None:
    """The part of a box inside a volume, one voxel at least along each axis; None when that is all of the volume."""
    ends = []
    for low, high, size in zip(*box, reversed(shape), strict=True):
        first = min(max(math.floor(low), 0), size - 1)
        ends.append((float(first), float(min(max(math.ceil(high), first + 1), size))))
    (x0, x1), (y0, y1), (z0, z1) = ends
    found = (x0, y0, z0), (x1, y1, z1)
    return None if found == ((0.0, 0.0, 0.0), tuple(map(float, reversed(shape)))) else found


def told(cut: Cut) -> str:
    """In words: ``cut across z at 12``, ``cut across z at 12 … 15, mean``."""
    last = f" … {cut.at + cut.thickness - 1:g}" if cut.axis and cut.thickness > 1 else ""
    where = f"cut across {cut.axis} at {cut.at:g}{last}" if cut.axis else "free cut, nearest values"
    through = f" of {cut.thickness} voxels" if not cut.axis else ""
    return f"{where}, {cut.reduction}{through}" if cut.thickness > 1 else where


def parts_told(cut: Cut | None, clip: Box | None) -> tuple[str, ...]:
    """Which parts of a volume are shown, in words; nothing when all of it is."""
    parts = [] if cut is None else [told(cut)]
    if clip is not None:
        spans = zip(AXES, *clip, strict=True)
        parts.append(f"shown: {', '.join(f'{axis} {low:g} … {high - 1:g}' for axis, low, high in spans)}")
    return tuple(parts)


def direction(cut: Cut) -> np.ndarray:
    """The unit vector (x, y, z) across a cut: away from a camera that it faces, or along its axis."""
    if cut.axis:
        along: np.ndarray = np.eye(3)[AXES.index(cut.axis)]
        return along
    azimuth, elevation = math.radians(cut.azimuth), math.radians(cut.elevation)
    back = math.cos(elevation)
    return np.array((-math.sin(azimuth) * back, math.sin(elevation), math.cos(azimuth) * back))


def slab(cut: Cut, shape: Shape3) -> tuple[float, float]:
    """Where it begins and ends along its `direction`, from the origin."""
    if cut.axis:
        return cut.at, cut.at + cut.thickness
    middle = float(direction(cut) @ np.array(shape[::-1])) / 2 + cut.at
    return middle - cut.thickness / 2, middle + cut.thickness / 2


def facing(cut: Cut, camera: Camera3D, shape: Shape3, picture: Rect) -> CutPlane:
    """The cut with the side that is turned to the eye."""
    seen, across = eye(camera, shape, picture), direction(cut)
    low, high = slab(cut, shape)
    away = float(across @ seen.ahead) if seen.parallel else (low + high) / 2 - float(across @ seen.position)
    sign, first = (1.0, low) if away >= 0 else (-1.0, -high)
    x, y, z = (sign * across + 0.0).tolist()
    return CutPlane((x, y, z), first, cut.thickness, cut.reduction)


def begin(plane: CutPlane, origin: np.ndarray, towards: np.ndarray, first: float) -> float | None:
    """Where a ray that comes from before a plane, or enters at ``first`` upon it, meets that: ∞ for nowhere.

    None for a ray that begins behind it.
    """
    normal = np.array(plane.normal)
    facing_it = float(normal @ towards)
    if facing_it <= 0:
        return np.inf
    if float(normal @ (origin + first * towards)) >= plane.first + ON_PLANE:
        return None
    return max(first, (plane.first - float(normal @ origin)) / facing_it)


def met(plane: CutPlane, origin: np.ndarray, towards: np.ndarray, box: Box) -> np.ndarray | None:
    """Where a ray meets a plane inside a box; None if it does not."""
    span = inside(origin, towards, np.array(box))
    if span is None:
        return None
    t = begin(plane, origin, towards, span[0])
    return None if t is None or t > span[1] else origin + t * towards


def hidden(plane: CutPlane, origin: np.ndarray, towards: np.ndarray, box: Box) -> bool:
    """Whether all that a ray would meet inside a box lies before the plane, or behind what the plane shows."""
    span = inside(origin, towards, np.array(box))
    return span is not None and begin(plane, origin, towards, span[0]) is not None


def column(plane: CutPlane, point: np.ndarray, shape: Shape3) -> np.ndarray:
    """The voxels [z, y, x] through the slab under a point of its plane, (n, 3) int64, nearest to the eye first."""
    steps = np.arange(plane.thickness) + 0.5
    places = np.floor(point + steps[:, None] * np.array(plane.normal)).astype(np.int64)[:, ::-1]
    kept: np.ndarray = places[((places >= 0) & (places < shape)).all(1)]
    return kept


def outline(plane: CutPlane, box: Box) -> np.ndarray:
    """The corners (n, 3) of the polygon that a plane cuts out of a box, in order; n is 0 or 3 … 6."""
    low, high = np.array(box)
    ends = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    edges = [(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit]
    normal = np.array(plane.normal)
    heights = ends @ normal - plane.first
    points = [
        ends[a] + heights[a] / (heights[a] - heights[b]) * (ends[b] - ends[a])
        for a, b in edges
        if heights[a] != heights[b] and min(heights[a], heights[b]) <= 0 <= max(heights[a], heights[b])
    ]
    if len(points) < 3:
        return np.zeros((0, 3))
    found = np.unique(np.round(points, 9), axis=0)
    across = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    flat = (found - found.mean(0)) @ np.stack((across, np.cross(normal, across)), 1)
    corners: np.ndarray = found[np.argsort(np.arctan2(flat[:, 1], flat[:, 0]))]
    return corners
