"""The mip pyramid of a 2D grid: mean, minimum, maximum and variance of all level-0 elements under each cell.

Level 0 is the grid itself; level k+1 halves both sides, rounding up, so the last cell of an odd side covers one row or
column. Each cell carries the number of finite elements under it, which is its weight: padding and NaN count nothing,
and edges weigh what they cover. Variances join by the law of total variance; the mean of the top cell is the tensor's,
its extremes are the tensor's. (methods.md §4; oracle: NumPy block reduction in float64.)

`reduce_times` goes many levels at once, straight from stored values, in chunks that stay in the cache: rows are summed
first, which NumPy does at full width, and the sums that remain (2^k times fewer) are folded along the columns. Sums are
float64, of each cell's values less their minimum, so that the cancellation in Σ(x−K)²/n − (Σ(x−K)/n)² is bounded by
the number of values in the cell, whatever their mean and whatever stands in other cells. Large grids go through
compiled code (`nnscope.compute.pyramid.fused`) wherever all their elements are finite.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnscope.compute.decode import to_float, to_float32
from nnscope.compute.parallel import map_blocks
from nnscope.compute.pyramid.fused import FusedLevels
from nnscope.compute.statistics.looks import COMPILED_FROM
from nnscope.core.errors import NnscopeError
from nnscope.core.picture import State, level_count, level_shape

Window = tuple[slice, slice]
Span = tuple[int, int]
_Read = Callable[[Span, Span], tuple[np.ndarray, "np.ndarray | None"]]
_Progress = Callable[[int, int], None]

REDUCTIONS = ("mean", "extremes", "variance", "min", "max")
DIRECT = 6  # levels that `reduce_times` makes at once; further ones by halving

# What is odd about a cell: NaN before +Inf before −Inf before nothing. Ranks join by their maximum.
ODD = np.array([State.FINITE, State.NEGINF, State.POSINF, State.NAN], np.uint8)
_RANK = np.argsort(ODD).astype(np.uint8)
_CHUNK = 1 << 20  # elements worked on at a time: fewer, and threads meet at the interpreter's lock
_BAND = 1 << 22  # elements read at a time
_F32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One level; all arrays have the same shape: (rows, columns), or (depth, rows, columns) of a volume.

    Attributes
    ----------
    mean : ndarray of float64 (float32 at level 0)
        Of the finite elements under each cell, within float32's range; 0 where there is none.
    std : ndarray of float32
        Population standard deviation, whose square can leave float32's range.
    min, max : ndarray of float32
        Extremes of the finite elements; +inf and −inf where there is none.
    count : ndarray of unsigned integers
        Number of finite elements.
    odd : ndarray of uint8
        The most remarkable `State` among the elements that are not finite (NAN, then POSINF, then NEGINF); 0 when
        there is none. Padding is no element: a cell of padding only has count 0 and odd 0.
    """

    mean: np.ndarray
    std: np.ndarray
    min: np.ndarray
    max: np.ndarray
    count: np.ndarray
    odd: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a grid's level."""
        rows, cols = self.mean.shape
        return rows, cols

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays, in the order of the fields."""
        return self.mean, self.std, self.min, self.max, self.count, self.odd

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(a.nbytes for a in self.arrays)

    @property
    def variance(self) -> np.ndarray:
        """Population variance of the finite elements under each cell, float64."""
        return self.std.astype(np.float64) ** 2

    def window(self, where: Window) -> Level:
        """A part of the level (views)."""
        return Level(*(a[where] for a in self.arrays))


def level_from_array(values: np.ndarray, padding: np.ndarray | None = None) -> Level:
    """Level 0 of a grid.

    Parameters
    ----------
    values : ndarray, shape (rows, columns) or (depth, rows, columns)
        Any numeric dtype.
    padding : ndarray of bool or None
        True where a cell stands for no element.
    """
    x = to_float32(values)
    none = np.broadcast_to(np.float32(0), x.shape)
    if padding is None and _all_finite(x):
        return Level(x, none, x, x, np.broadcast_to(np.uint8(1), x.shape), np.broadcast_to(np.uint8(0), x.shape))
    finite, rank = _inspect(x, padding)
    inf = np.float32(np.inf)
    low, high, mean = (np.where(finite, x, other) for other in (inf, -inf, np.float32(0)))
    return Level(mean, none, low, high, finite.astype(np.uint8), ODD[rank])


def reduce_level(level: Level) -> Level:
    """The next coarser level."""
    result = _empty(level_shape(level.shape, 1), 4 * int(level.count.max(initial=0)))
    for rows, cols in _parts(level.shape, 2, _CHUNK):
        part = join_corners(level.window((slice(*rows), slice(*cols))))
        _paste(result, part, rows[0] // 2, cols[0] // 2)
    return result


def reduce_times(values: np.ndarray, times: int, padding: np.ndarray | None = None) -> Level:
    """Level ``times`` of a grid, without making those between.

    Parameters
    ----------
    values : ndarray, shape (rows, columns)
        Any numeric dtype and strides; at no time is the whole of it copied.
    times : int
        How often both sides are halved.
    padding : ndarray of bool or None
        True where a cell stands for no element.
    """
    if times == 0 or values.size < COMPILED_FROM:
        return _reduce_plainly(values, times, padding)

    def read(rows: Span, cols: Span) -> tuple[np.ndarray, np.ndarray | None]:
        where = slice(*rows), slice(*cols)
        return values[where], None if padding is None else padding[where]

    level = _build_fused(read, (len(values), values.shape[1]), min(times, DIRECT), lambda done, total: None)[0]
    return _raise(level, times - DIRECT)


def _reduce_plainly(values: np.ndarray, times: int, padding: np.ndarray | None) -> Level:
    if times == 0 or 0 in values.shape:
        return level_from_array(values, padding)
    return _raise(_reduce_directly(values, min(times, DIRECT), padding), times - DIRECT)


def _raise(level: Level, times: int) -> Level:
    for _ in range(times):
        level = reduce_level(level)
    return level


def build_levels(
    read: Callable[[Span, Span], tuple[np.ndarray, np.ndarray | None]],
    grid: tuple[int, int],
    base: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    room: tuple[Level, ...] = (),
) -> tuple[Level, ...]:
    """All levels from ``base`` to the single cell, in one pass over the grid with a thread for each CPU.

    Parameters
    ----------
    read : callable
        ``read((row0, row1), (col0, col1))`` gives the values of that part of the grid in any dtype, and where they are
        padding (or None). Called from several threads, with at most a few million cells at once.
    grid : (int, int)
        Rows and columns of level 0.
    base : int
        The finest level to make.
    progress : callable
        Called as ``progress(done, total)`` between parts; may raise `Cancelled`.
    room : tuple of Level
        What an earlier call gave, and nobody looks at any more. Its memory is written over where it fits, as it does
        for a large grid of the same shape and base: new memory costs a third of the time.
    """
    if base and math.prod(grid) >= COMPILED_FROM:
        levels = _build_fused(read, grid, base, progress, room)
    else:
        levels = [_build_base(read, grid, base, progress)]
    while len(levels) < level_count(grid) - base:
        levels.append(reduce_level(levels[-1]))
    return tuple(levels)


def _build_base(read: _Read, grid: tuple[int, int], base: int, progress: _Progress) -> Level:
    parts = _parts(grid, 1 << base, _BAND)
    level = _empty(level_shape(grid, base), 4**base)
    made = map_blocks(lambda i: _reduce_part(read(*parts[i]), base), len(parts))
    for done, (part, (rows, cols)) in enumerate(zip(made, parts, strict=True), 1):
        _paste(level, part, rows[0] >> base, cols[0] >> base)
        progress(done, len(parts))
    return level


def _build_fused(
    read: _Read, grid: tuple[int, int], base: int, progress: _Progress, room: tuple[Level, ...] = ()
) -> list[Level]:
    """Levels from ``base`` up to about `DIRECT`, each part of the grid going through all of them at once."""
    top = max(base, min(DIRECT, level_count(grid) - 1))
    fused = FusedLevels(grid, base, top, room[0].arrays if room else ())
    parts = _parts(grid, 1 << top, _BAND // 2)

    def work(number: int) -> Level | None:
        (rows, cols), (values, padding) = parts[number], read(*parts[number])
        if padding is None and fused.reduce(to_float(values), rows[0], cols[0]):
            return None
        return _reduce_plainly(values, base, padding)

    others = []
    for number, part in enumerate(map_blocks(work, len(parts))):
        if part is not None:
            others.append((parts[number], part))
        progress(number + 1, len(parts))
    levels = [Level(*arrays) for arrays in fused.levels(plain=not others)]
    for (rows, cols), part in others:
        for number, level in enumerate(levels, base):
            _paste(level, part, rows[0] >> number, cols[0] >> number)
            part = reduce_level(part)
    return levels


def tile_values(level: Level, reduction: str, where: Window) -> tuple[np.ndarray, np.ndarray]:
    """What a part of a level shows.

    Parameters
    ----------
    level : Level
    reduction : {"mean", "extremes", "variance", "min", "max"}
        ``extremes`` is the value of largest magnitude (the greater of two that tie), and with it any element that
        is not finite shows; the others are over finite elements only.
    where : (slice, slice)
        Rows and columns.

    Returns
    -------
    values : ndarray of float32
        0 where the state is not FINITE.
    states : ndarray of uint8
        `State` of each cell.

    Raises
    ------
    NnscopeError
        If there is no such reduction.
    """
    part = level.window(where)
    states = np.where(part.count > 0, State.FINITE, np.where(part.odd > 0, part.odd, State.PADDING))
    if reduction == "extremes":
        states = np.where(part.odd > 0, part.odd, states)
    values = np.where(states == State.FINITE, _shown(part, reduction), np.float32(0))
    return values, states.astype(np.uint8)


def _shown(part: Level, reduction: str) -> np.ndarray:
    match reduction:
        case "mean":
            return part.mean.astype(np.float32)
        case "min":
            return part.min
        case "max":
            return part.max
        case "extremes":
            return np.asarray(np.where(-part.min > part.max, part.min, part.max))
        case "variance":
            return np.asarray(np.minimum(part.variance, _F32_MAX), np.float32)
    raise NnscopeError("There is no reduction of this name.", reduction, f"There are: {', '.join(REDUCTIONS)}.")


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What a level is assembled from: float64 count, mean and variance, extremes, and rank of what is odd."""

    count: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rank: np.ndarray


def _assemble(sums: _Sums) -> Level:
    return Level(
        sums.mean.clip(-_F32_MAX, _F32_MAX),
        np.sqrt(sums.variance).clip(0, _F32_MAX).astype(np.float32),
        _clip(sums.low),
        _clip(sums.high),
        sums.count.astype(np.min_scalar_type(int(sums.count.max(initial=0)))),
        ODD[sums.rank],
    )


def _reduce_directly(values: np.ndarray, times: int, padding: np.ndarray | None) -> Level:
    side = 1 << times
    grid = len(values), values.shape[1]
    level = _empty(level_shape(grid, times), side * side)
    with np.errstate(all="ignore"):
        for rows, cols in _parts(grid, side, _CHUNK):
            where = slice(*rows), slice(*cols)
            cells = (-1, min(side, rows[1] - rows[0]), cols[1] - cols[0])
            pad = None if padding is None else padding[where].reshape(cells)
            sums = _sums(to_float(values[where]).reshape(cells), pad, side)
            _paste(level, _assemble(sums), rows[0] // side, cols[0] // side)
    return level


def _sums(x: np.ndarray, padding: np.ndarray | None, side: int) -> _Sums:
    """Of a chunk x[cell row, row in the cell, column]; cells have ``side`` columns, fewer at the end."""
    low, high = np.minimum.reduce(x, axis=1), np.maximum.reduce(x, axis=1)
    finite: np.ndarray | None = None
    if padding is None and np.isfinite(low.min()) and np.isfinite(high.max()):
        widths = np.minimum(side, x.shape[2] - np.arange(0, x.shape[2], side, dtype=np.float64))
        n, rank = np.tile(x.shape[1] * widths, (len(x), 1)), np.zeros((len(x), widths.size), np.uint8)
    else:
        finite, ranks = _inspect(x, padding)
        n = _join(np.add, np.add.reduce(finite, axis=1, dtype=np.float64), side)
        rank = _join(np.maximum, np.maximum.reduce(ranks, axis=1), side)
        low = np.minimum.reduce(np.where(finite, x, np.inf), axis=1)
        high = np.maximum.reduce(np.where(finite, x, -np.inf), axis=1)
    low, high = _join(np.minimum, low, side), _join(np.maximum, high, side)
    mean, variance = _moments(x, finite, np.where(n > 0, low, 0.0), n, side)
    return _Sums(n, mean, variance, low, high, rank)


def _moments(
    x: np.ndarray, finite: np.ndarray | None, shift: np.ndarray, n: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the ``n`` finite values of each cell, summed less ``shift``, which is one of them."""
    work = x.astype(np.float64)
    work -= np.repeat(shift, side, axis=1)[:, None, : x.shape[2]]
    if finite is not None:
        work = np.where(finite, work, 0.0)
    total = _join(np.add, np.add.reduce(work, axis=1), side)
    squares = _join(np.add, np.add.reduce(np.square(work, out=work), axis=1), side)
    weight = np.maximum(n, 1.0)
    mean = total / weight
    variance = np.maximum(squares / weight - mean * mean, 0.0)
    return mean + shift, np.nan_to_num(variance, copy=False, nan=np.inf, posinf=np.inf)  # where squares overflowed


def _join(join: np.ufunc, a: np.ndarray, side: int) -> np.ndarray:
    """Join each ``side`` (a power of two) neighbours in a row, fewer at the end, by halves."""
    while side > 1:
        even = a.shape[1] & ~1
        joined = np.asarray(join(a[:, 0:even:2], a[:, 1:even:2]))
        a = joined if even == a.shape[1] else np.concatenate([joined, a[:, even:]], axis=1)
        side //= 2
    return a


def join_corners(level: Level) -> Level:
    """The next coarser level of a small one, of two dimensions or three."""
    n, mean, std = (_corners(a.astype(np.float64), 0.0) for a in (level.count, level.mean, level.std))
    total = np.add.reduce(n)
    weight = n / np.maximum(total, 1.0)
    middle = np.add.reduce(weight * mean)
    variance = np.add.reduce(weight * (std**2 + (mean - middle) ** 2))
    low, high = np.minimum.reduce(_corners(level.min, np.inf)), np.maximum.reduce(_corners(level.max, -np.inf))
    rank = np.maximum.reduce(_corners(_RANK[level.odd], 0))
    return _assemble(_Sums(total, middle, variance, low, high, rank))


def _clip(extreme: np.ndarray) -> np.ndarray:
    """Finite values within float32's range; infinities, which stand for nothing, as they are."""
    return np.where(np.isfinite(extreme), np.clip(extreme, -_F32_MAX, _F32_MAX), extreme)


def _corners(a: np.ndarray, fill: float) -> np.ndarray:
    """The cells under each coarser cell, shape (4 or 8, …); cells beyond an odd edge are ``fill``."""
    if any(extent % 2 for extent in a.shape):
        a = np.pad(a, [(0, extent % 2) for extent in a.shape], constant_values=fill)
    places = itertools.product((0, 1), repeat=a.ndim)
    return np.stack([a[tuple(slice(start, None, 2) for start in place)] for place in places])


def _inspect(x: np.ndarray, padding: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Which elements are finite, and the rank of what is odd about each."""
    finite = np.isfinite(x)
    rank = np.zeros(x.shape, np.uint8)
    for state, found in ((State.NEGINF, x == -np.inf), (State.POSINF, x == np.inf), (State.NAN, np.isnan(x))):
        rank[found] = _RANK[state]
    if padding is not None:
        finite &= ~padding
        rank[padding] = 0
    return finite, rank


def _all_finite(x: np.ndarray) -> bool:
    with np.errstate(invalid="ignore"):
        return x.size == 0 or bool(np.isfinite(x.min()) and np.isfinite(x.max()))


def _parts(grid: tuple[int, int], side: int, elements: int) -> list[tuple[Span, Span]]:
    """Parts of about ``elements`` elements that cover the grid: bands of whole cells, cut into columns where they are
    very wide; rows that make no whole cell are a band of their own."""
    width = max(side, min(grid[1], elements // side // side * side))
    height = max(side, elements // width // side * side)
    whole = grid[0] // side * side
    rows = [(row, min(row + height, whole)) for row in range(0, whole, height)]
    if whole != grid[0]:
        rows.append((whole, grid[0]))
    return [(span, (col, min(col + width, grid[1]))) for span in rows for col in range(0, grid[1], width)]


def _reduce_part(read: tuple[np.ndarray, np.ndarray | None], base: int) -> Level:
    values, padding = read
    return _reduce_plainly(values, base, padding)


def _empty(shape: tuple[int, int], elements: int) -> Level:
    """A level to paste into, whose cells cover at most ``elements`` elements each."""
    kinds = (np.float64, np.float32, np.float32, np.float32, np.min_scalar_type(elements), np.uint8)
    return Level(*(np.empty(shape, kind) for kind in kinds))


def _paste(level: Level, part: Level, row: int, col: int) -> None:
    rows, cols = part.shape
    target = level.window((slice(row, row + rows), slice(col, col + cols)))
    for whole, piece in zip(target.arrays, part.arrays, strict=True):
        whole[...] = piece
