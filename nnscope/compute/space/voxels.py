"""Levels of a volume and what its bricks hold (methods.md §4, in three dimensions).

A voxel of level k is reduced from the block of 2**k voxels a side under it, smaller at the upper ends of the axes, in
one step and in float64 where sums are made. Values that are no finite number take no part in a mean. A maximum is +∞
where there is one, a minimum −∞, the largest magnitude either; else they stand for a block only when it has nothing
finite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.picture import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.volume import Shape3

REDUCTIONS = ("max", "min", "extremes", "mean")

_F32_MAX = float(np.finfo(np.float32).max)
_SHOWN = {"max": (State.POSINF,), "min": (State.NEGINF,), "extremes": (State.NEGINF, State.POSINF), "mean": ()}


def reduce_block(
    x: np.ndarray, padding: np.ndarray | None, side: int, reduction: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """A block at a coarser level.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape [z, y, x]
    padding : ndarray of bool, same shape, or None
        True where a voxel stands for no element.
    side : int
        Voxels of ``x`` along a voxel of the result, a power of two; 1 changes nothing but the type.
    reduction : str
        One of `REDUCTIONS`.

    Returns
    -------
    values : ndarray of float32, sides rounded up
        0 where the state is not FINITE; values beyond float32's range are its extremes.
    states : ndarray of uint8, same shape, or None
        `State`; None when all are finite.
    """
    if padding is None and _all_finite(x):
        return _single(_REDUCE[reduction](x, side)), None
    finite = np.isfinite(x)
    if padding is not None:
        finite, x = finite & ~padding, np.where(padding, x.dtype.type(0), x)
    count = _blocks(np.add, finite, side, np.int32)
    states = _states(x, padding, side, count)
    for state in _SHOWN[reduction]:
        states[_blocks(np.logical_or, x == (np.inf if state is State.POSINF else -np.inf), side) & (count > 0)] = state
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(states == State.FINITE, _MASKED[reduction](x, finite, side, count), 0)
    return _single(values), states


def brick_ranges(values: np.ndarray, states: np.ndarray | None, brick: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest finite value of each brick and of the voxels that touch it.

    Parameters
    ----------
    values : ndarray of float32, shape [z, y, x]
    states : ndarray of uint8 or None
    brick : int
        Voxels a side.

    Returns
    -------
    low, high : ndarray of float32, shape (bricks along z, y, x)
        +∞ and −∞ for a brick without a finite value.
    """
    low = np.empty(_bricks(values.shape, brick), np.float32)
    high = np.empty_like(low)
    for k, (start, stop) in enumerate(_windows(values.shape[0], brick)):
        part, odd = values[start:stop], None if states is None else states[start:stop] != State.FINITE
        for join, empty, found in ((np.minimum, np.inf, low), (np.maximum, -np.inf, high)):
            slab = part if odd is None else np.where(odd, np.float32(empty), part)
            found[k] = _touching(join, _touching(join, join.reduce(slab, axis=0), brick, 0), brick, 1)
    return low, high


def brick_peaks(values: np.ndarray, states: np.ndarray | None, brick: int) -> np.ndarray:
    """Largest magnitude in each brick; the largest float32 for one with a value that is not finite.

    Parameters
    ----------
    values, states, brick
        As in `brick_ranges`. Padding counts as −1.

    Returns
    -------
    ndarray of float32, shape (bricks along z, y, x)
    """
    size = np.abs(values)
    if states is not None:
        odd = np.where(states == State.PADDING, np.float32(-1), np.float32(_F32_MAX))
        size = np.where(states == State.FINITE, size, odd)
    return block_maxima(size, brick)


def block_maxima(values: np.ndarray, side: int) -> np.ndarray:
    """Greatest value in each block of ``side`` cells a side, smaller at the upper ends: float32."""
    return np.ascontiguousarray(_blocks(np.maximum, values, side), np.float32)


def _bricks(shape: tuple[int, ...], brick: int) -> Shape3:
    depth, rows, cols = (-(-side // brick) for side in shape)
    return depth, rows, cols


def _windows(size: int, brick: int) -> list[tuple[int, int]]:
    """Bricks along an axis with one voxel more on either side."""
    return [(max(start - 1, 0), min(start + brick + 1, size)) for start in range(0, size, brick)]


def _touching(join: np.ufunc, plane: np.ndarray, brick: int, axis: int) -> np.ndarray:
    """The join of each of the `_windows` along an axis of a plane."""
    ends = [end for window in _windows(plane.shape[axis], brick) for end in window]
    longer = np.pad(plane, [(0, int(a == axis)) for a in range(2)], mode="edge")  # the end of a window must lie within
    joined = np.asarray(join.reduceat(longer, ends, axis=axis))
    return joined[::2] if axis == 0 else joined[:, ::2]


def _all_finite(x: np.ndarray) -> bool:
    if not x.size:
        return True
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite(x.min()) and np.isfinite(x.max()))


def _single(values: np.ndarray) -> np.ndarray:
    if values.dtype != np.float32:
        values = np.clip(values, -_F32_MAX, _F32_MAX)
    return np.ascontiguousarray(values, np.float32)


def _blocks(join: np.ufunc, x: np.ndarray, side: int, dtype: type | None = None) -> np.ndarray:
    """``join`` over the blocks of ``side`` voxels a side, a power of two; the last ones may be smaller."""
    if side == 1:
        return x if dtype is None else x.astype(dtype)
    for axis in range(3):  # the slow axis first, so that little is left for the fast one
        for _ in range(side.bit_length() - 1):
            x = _pairs(join, x, axis, dtype)
    return x


def _pairs(join: np.ufunc, x: np.ndarray, axis: int, dtype: type | None) -> np.ndarray:
    """``join`` of every two neighbours along an axis; the last one may have none. Plain operations on whole slices."""
    before = (slice(None),) * axis
    even, odd = x[(*before, slice(0, None, 2))], x[(*before, slice(1, None, 2))]
    joined = np.empty(even.shape, x.dtype if dtype is None else dtype)
    both = odd.shape[axis]
    join(even[(*before, slice(0, both))], odd, out=joined[(*before, slice(0, both))], dtype=dtype)
    joined[(*before, slice(both, None))] = even[(*before, slice(both, None))]
    return joined


def _extremes(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(-low > high, low, high))


def _sizes(shape: tuple[int, ...], side: int) -> np.ndarray:
    """Voxels in each block."""
    along = [np.minimum(side, size - np.arange(0, size, side)) for size in shape]
    return along[0][:, None, None] * along[1][:, None] * along[2]


def _mean(x: np.ndarray, side: int) -> np.ndarray:
    return x if side == 1 else np.asarray(_blocks(np.add, x, side, np.float64) / _sizes(x.shape, side))


def _masked_mean(x: np.ndarray, finite: np.ndarray, side: int, count: np.ndarray) -> np.ndarray:
    return np.asarray(_blocks(np.add, np.where(finite, x, 0), side, np.float64) / count)


def _masked(join: np.ufunc, empty: float) -> Callable[[np.ndarray, np.ndarray, int, np.ndarray], np.ndarray]:
    return lambda x, finite, side, count: _blocks(join, np.where(finite, x, x.dtype.type(empty)), side)


_LEAST, _GREATEST = _masked(np.minimum, np.inf), _masked(np.maximum, -np.inf)
_REDUCE: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "max": lambda x, side: _blocks(np.maximum, x, side),
    "min": lambda x, side: _blocks(np.minimum, x, side),
    "extremes": lambda x, side: _extremes(_blocks(np.minimum, x, side), _blocks(np.maximum, x, side)),
    "mean": _mean,
}
_MASKED: dict[str, Callable[[np.ndarray, np.ndarray, int, np.ndarray], np.ndarray]] = {
    "max": _GREATEST,
    "min": _LEAST,
    "extremes": lambda *given: _extremes(_LEAST(*given), _GREATEST(*given)),
    "mean": _masked_mean,
}


def _states(x: np.ndarray, padding: np.ndarray | None, side: int, count: np.ndarray) -> np.ndarray:
    """FINITE where anything is; else what the block holds, NaN before infinities before padding."""
    states = np.full(count.shape, State.PADDING, np.uint8)
    held = np.ones(x.shape, bool) if padding is None else ~padding
    for state, found in ((State.NEGINF, x == -np.inf), (State.POSINF, x == np.inf), (State.NAN, np.isnan(x))):
        states[_blocks(np.logical_or, found & held, side)] = state
    states[count > 0] = State.FINITE
    return states
