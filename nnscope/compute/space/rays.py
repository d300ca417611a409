"""Rays through a volume in float64: which voxels they cross, and values between voxels. The shaders' plain twin.

Positions are (x, y, z) in voxels, arrays are [z, y, x]; see `nnscope.core.space`.
"""

from __future__ import annotations

import numpy as np

ROUNDING = 1e-3  # of a piece of a ray: whole numbers of pieces stay what they are in float32, too
_NONE = np.zeros(0)


def inside(origin: np.ndarray, towards: np.ndarray, box: np.ndarray) -> tuple[float, float] | None:
    """Where a ray origin + t·towards, t ≥ 0, enters a box and leaves it; None if it misses.

    ``box`` is its greatest corner (3,), when the least is 0, or both corners (2, 3).
    """
    low, high = corners(box)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack((low - origin, high - origin)) / towards
    parallel = towards == 0
    if (parallel & ((origin < low) | (origin >= high))).any():
        return None
    ends[0, parallel], ends[1, parallel] = -np.inf, np.inf
    first, last = max(float(ends.min(0).max()), 0.0), float(ends.max(0).min())
    return (first, last) if first < last else None


def corners(box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest corner of a box as `inside` has it."""
    low, high = (np.zeros(3), box) if box.ndim == 1 else box
    return low, high


def crossed(origin: np.ndarray, towards: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The voxels that a ray crosses.

    Parameters
    ----------
    origin, towards : ndarray (3,)
        In voxels (x, y, z).
    box : ndarray (3,) or (2, 3)
        The part of the volume to look at; it may begin and end within a voxel.

    Returns
    -------
    voxels : ndarray of int64, shape (n, 3)
        [z, y, x] of each, in order.
    bounds : ndarray of float64, shape (n + 1,)
        t at which each is entered, and at last left.
    """
    span = inside(origin, towards, box)
    if span is None:
        return np.zeros((0, 3), np.int64), _NONE
    bounds = np.concatenate([span, *(_planes(origin[a], towards[a], span) for a in range(3))])
    bounds = np.unique(bounds)
    middles = (bounds[:-1] + bounds[1:]) / 2
    places = np.floor(origin + middles[:, None] * towards).astype(np.int64)
    low, high = corners(box)
    places = np.clip(places, np.floor(low).astype(np.int64), np.ceil(high).astype(np.int64) - 1)
    return places[:, ::-1], bounds


def comb(origin: np.ndarray, towards: np.ndarray, box: np.ndarray, step: float) -> tuple[np.ndarray, float]:
    """Positions (n, 3) in the middles of equal pieces of the ray, up to ``step`` voxels long; and their length."""
    span = inside(origin, towards, box)
    if span is None:
        return np.zeros((0, 3)), 0.0
    length = (span[1] - span[0]) * float(np.linalg.norm(towards))
    count = max(int(np.ceil(length / step - ROUNDING)), 1)
    t = span[0] + (np.arange(count) + 0.5) * ((span[1] - span[0]) / count)
    return origin + t[:, None] * towards, length / count


def interpolated(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Trilinear interpolation between the voxels' centres at positions (n, 3); the edge goes on outside."""
    size = np.array(values.shape)[::-1]
    place = np.clip(positions - 0.5, 0, size - 1)
    low = np.minimum(np.floor(place).astype(np.int64), np.maximum(size - 2, 0))
    share = place - low
    high = np.minimum(low + 1, size - 1)
    found = np.zeros(len(positions))
    for corner in np.ndindex(2, 2, 2):
        at = np.where(corner, high, low)
        weight = np.where(corner, share, 1 - share).prod(1)
        found += weight * values[at[:, 2], at[:, 1], at[:, 0]]
    return found


def _planes(origin: float, towards: float, span: tuple[float, float]) -> np.ndarray:
    """t at each boundary between voxels along one axis, within ``span``."""
    if towards == 0:
        return _NONE
    ends = sorted(origin + t * towards for t in span)
    places = np.arange(np.ceil(ends[0]), np.floor(ends[1]) + 1)
    t = (places - origin) / towards
    return t[(t > span[0]) & (t < span[1])]
