"""Rays and height fields in float64: which cell a ray meets first. The plain twin of ``shaders/landscape``.

Positions are (column, height, row): cells are unit squares of a level, row 0 from 0 to 1, and heights go from 0 on the
ground to 1. Below its surface a landscape is solid. Either each cell has a flat top, or the surface is bilinear between
the middles of the cells, and level from the outer ones to the edge. A ray meets the surface where it first is not above
it, be it in a wall between cells or at the edge.

What is no finite number is a hole down to the ground. Its colour must be seen from aslant, so the walls around it
belong to it; of a smooth surface, the patches that touch its middle do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import Pencil
from nnscope.compute.space.rays import inside
from nnscope.core.picture import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.space_picture import Bounds

GROUND = -1e-3  # the box reaches so far below the ground, so that rounding loses no ray that meets it


@dataclass(frozen=True, slots=True, eq=False)
class Struck:
    """Where a ray meets a height field.

    Attributes
    ----------
    row, col : int
    position : ndarray (3,)
        (column, height, row).
    """

    row: int
    col: int
    position: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """A height field.

    Attributes
    ----------
    heights : ndarray of float32, shape (rows, columns)
        In [0, 1].
    smooth : bool
        Bilinear between the middles of the cells, else flat tops.
    states : ndarray of uint8, same shape, or None
        `State` of each cell; None when every one is a finite value.
    """

    heights: np.ndarray
    smooth: bool
    states: np.ndarray | None = None

    def holes(self, cells: np.ndarray) -> np.ndarray:
        """Which of some cells (n, 2) are holes."""
        if self.states is None:
            return np.zeros(len(cells), bool)
        found = self.states[tuple(cells.T)]
        return np.asarray((found != State.FINITE) & (found != State.PADDING))


def struck(relief: Relief, origin: np.ndarray, towards: np.ndarray, box: np.ndarray) -> Struck | None:
    """Where a ray first meets a height field.

    Parameters
    ----------
    relief : Relief
    origin, towards : ndarray (3,)
        The ray origin + t·towards, t ≥ 0, in (column, height, row).
    box : ndarray (3,)
        (columns, 1, rows); the field may end within its last cells.
    """
    low = np.array((0.0, GROUND, 0.0))
    span = inside(origin - low, towards, box - low)
    if span is None:
        return None
    shift = 0.5 if relief.smooth else 0.0  # patches between middles are cells of a grid that lies half a cell off
    ground = (origin[[0, 2]] + shift, towards[[0, 2]])
    bounds = np.unique(np.concatenate([span, *(_crossings(o, d, span) for o, d in zip(*ground, strict=True))]))
    first = (_first_patch if relief.smooth else _first_top)(relief, origin, towards, bounds)
    if first is None:
        return None
    row, col = first[1].tolist()
    return Struck(row, col, origin + first[0] * towards)


def _crossings(origin: float, towards: float, span: tuple[float, float]) -> np.ndarray:
    """t at which a coordinate is a whole number, within ``span``."""
    if towards == 0:
        return np.zeros(0)
    ends = sorted(origin + t * towards for t in span)
    t = (np.arange(math.ceil(ends[0]), math.floor(ends[1]) + 1) - origin) / towards
    return np.asarray(t[(t > span[0]) & (t < span[1])])


def _cells(origin: np.ndarray, towards: np.ndarray, bounds: np.ndarray, shift: float) -> np.ndarray:
    """Row and column of each piece between two bounds: (n, 2)."""
    middles = (bounds[:-1] + bounds[1:]) / 2
    places = np.floor(origin[[2, 0]] + shift + middles[:, None] * towards[[2, 0]])
    return np.asarray(places, np.int64)


def _first_top(
    relief: Relief, origin: np.ndarray, towards: np.ndarray, bounds: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """t and cell of the first cell whose flat top or wall is met."""
    cells = np.clip(_cells(origin, towards, bounds, 0.0), 0, np.array(relief.heights.shape) - 1)
    tops = relief.heights[tuple(cells.T)].astype(np.float64)
    ends = origin[1] + bounds * towards[1]
    met = np.minimum(ends[:-1], ends[1:]) <= tops
    if not met.any():
        return None
    at = int(np.argmax(met))
    if ends[at] > tops[at]:
        return float((tops[at] - origin[1]) / towards[1]), cells[at]
    within = at > 0 and relief.holes(cells[at - 1 : at]).all()
    return float(bounds[at]), cells[at - 1 if within else at]


def _first_patch(
    relief: Relief, origin: np.ndarray, towards: np.ndarray, bounds: np.ndarray
) -> tuple[float, np.ndarray] | None:
    """t at which the first bilinear patch is met, and the cell that it is part of there.

    Over the piece of the ray from t, surface less ray is a + bτ + cτ² with τ = 0 at t: the ray is below from the start
    where a ≥ 0, else from −2a/(b + √(b² − 4ac)) on, if that is a number above 0.
    """
    patches = _cells(origin, towards, bounds, 0.5)
    a, b, c = _quadratics(relief.heights, patches, origin + bounds[:-1, None] * towards, towards)
    with np.errstate(invalid="ignore", divide="ignore"):
        after = np.where(a >= 0, 0.0, -2 * a / (b + np.sqrt(b * b - 4 * a * c)))
        met = (after >= 0) & (after <= np.diff(bounds))
    if not met.any():
        return None
    at = int(np.argmax(met))
    t = float(bounds[at] + after[at])
    return t, _part_of(relief, patches[at], (origin + t * towards)[[2, 0]])


def _part_of(relief: Relief, patch: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The cell at a place (row, column) within a patch, or the nearest hole that the patch touches."""
    last = np.array(relief.heights.shape) - 1
    corners = np.clip(patch - np.array(((0, 0), (0, 1), (1, 0), (1, 1))), 0, last)
    holes = corners[relief.holes(corners)]
    if len(holes):
        return np.asarray(holes[np.argmin(np.abs(holes + 0.5 - place).sum(1))])
    return np.asarray(np.clip(np.floor(place), 0, last), np.int64)


def _quadratics(
    heights: np.ndarray, patches: np.ndarray, starts: np.ndarray, towards: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    last = np.array(heights.shape) - 1
    low, high = np.clip(patches - 1, 0, last), np.clip(patches, 0, last)
    corners = ((low, low), (low, high), (high, low), (high, high))
    h00, h01, h10, h11 = (heights[i[:, 0], j[:, 1]].astype(np.float64) for i, j in corners)
    across, along, twist = h01 - h00, h10 - h00, h00 - h01 - h10 + h11
    u, v = starts[:, 0] + 0.5 - patches[:, 1], starts[:, 2] + 0.5 - patches[:, 0]
    du, dy, dv = towards
    a = h00 + u * across + v * along + u * v * twist - starts[:, 1]
    b = du * across + dv * along + (u * dv + v * du) * twist - dy
    return a, b, np.broadcast_to(du * dv * twist, a.shape)


def peaks(heights: np.ndarray, smooth: bool) -> np.ndarray:
    """The greatest height over every block of 2**k cells a side, for all k, in one array: what rays skip by.

    Blocks of k = 0 lie first. Those of k ≥ 1 are in a strip beside them, one level after the other from P − 2P/2**k
    on, P being the power of two that is not below the longer side: to the right, from the top down, where there are at
    least as many rows as columns, else below, from the left. Of a smooth surface it is patches instead of cells:
    patch (i, j) lies between the middles of cells i − 1, i and j − 1, j, so there is one more along each side.

    Parameters
    ----------
    heights : ndarray of float32, shape (rows, columns)
    smooth : bool

    Returns
    -------
    ndarray of float32
    """
    level = _patch_peaks(heights) if smooth else heights
    if level.shape[0] < level.shape[1]:
        return np.ascontiguousarray(_beside(level.T, _strip(level.T, _halved)).T)
    return _beside(level, _strip(level, _halved))


def means(heights: np.ndarray) -> np.ndarray:
    """Mean heights of blocks of 2**k cells a side, for all k ≥ 1, in a strip as in `peaks`: for soft light.

    At odd edges the last cell counts twice. An array of float32.
    """
    if heights.shape[0] < heights.shape[1]:
        return np.ascontiguousarray(_strip(heights.T, _joined).T)
    return _strip(heights, _joined)


def _strip(level: np.ndarray, coarser: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The levels above one with at least as many rows as columns, one below the other."""
    whole, side = power_of_two(len(level)), 1
    found = np.zeros((whole, -(-level.shape[1] // 2)), np.float32)
    while len(level) > 1:
        level, side = coarser(level), 2 * side
        row = whole - 2 * whole // side
        found[row : row + len(level), : level.shape[1]] = level
    return found


def _beside(level: np.ndarray, strip: np.ndarray) -> np.ndarray:
    found = np.zeros((len(strip), level.shape[1] + strip.shape[1]), np.float32)
    found[: len(level), : level.shape[1]] = level
    found[:, level.shape[1] :] = strip
    return found


def _joined(level: np.ndarray) -> np.ndarray:
    level = np.pad(level, [(0, side % 2) for side in level.shape], mode="edge")
    high = level[::2] + level[1::2]
    return np.asarray((high[:, ::2] + high[:, 1::2]) / 4)


def power_of_two(count: int) -> int:
    """The least power of two that is not below ``count`` ≥ 1."""
    return 1 << (count - 1).bit_length()


def _patch_peaks(heights: np.ndarray) -> np.ndarray:
    wide = np.pad(heights, 1, mode="edge")
    high = np.maximum(wide[:-1], wide[1:])
    return np.asarray(np.maximum(high[:, :-1], high[:, 1:]))


def _halved(level: np.ndarray) -> np.ndarray:
    level = np.pad(level, [(0, side % 2) for side in level.shape])
    high = np.maximum(level[::2], level[1::2])
    return np.asarray(np.maximum(high[:, ::2], high[:, 1::2]))


def normalised(heights: np.ndarray, domain: tuple[float, float]) -> np.ndarray:
    """Heights from 0 to 1 over a domain: float32. What lies outside is at its end."""
    low, high = domain[0] / 2, domain[1] / 2  # halved: the range itself may overflow
    share = (heights.astype(np.float64) / 2 - low) / (high - low)
    return np.asarray(np.clip(share, 0.0, 1.0), np.float32)


def over_ground(rays: Pencil, bounds: Bounds, side: float) -> Pencil:
    """Rays of a picture with these bounds, in (column, height, row) of a level whose cells are ``side`` wide."""
    depth, height, _ = bounds
    scale = np.array((1 / side, -1 / height, -1 / side))
    corner = np.array((0.0, 1.0, depth / side))
    return Pencil(
        corner + rays.origin * scale,
        rays.origin_x * scale,
        rays.origin_y * scale,
        rays.towards * scale,
        rays.towards_x * scale,
        rays.towards_y * scale,
    )


def ground_box(bounds: Bounds, side: float) -> np.ndarray:
    """The box that rays `over_ground` are in: (columns, 1, rows), which may end within the last cells."""
    return np.array((bounds[2] / side, 1.0, bounds[0] / side))
