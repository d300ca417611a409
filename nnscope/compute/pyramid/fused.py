"""Several levels of a pyramid at once by compiled code, written straight into the arrays that are kept.

Only parts of the grid in which every element is there and finite: their counts follow from the shape alone. The
definition is `nnscope.compute.pyramid.levels`, which also takes the other parts.
"""

from __future__ import annotations

import numpy as np

from nnscope.core.picture import level_shape

LevelArrays = tuple[np.ndarray, ...]


class FusedLevels:
    """Levels ``base`` (at least 1) to ``top`` of a grid, to be filled part by part."""

    def __init__(self, grid: tuple[int, int], base: int, top: int, room: LevelArrays = ()) -> None:
        """``room`` is a level that was made for the same grid, whose memory, and that of those made with it, is
        written over."""
        from nnscope.arrays.kernels import pyramid as kernels

        self._kernels, self._base, self._top = kernels, base, top
        shapes = [level_shape(grid, level) for level in range(base, top + 1)]
        sizes = [rows * cols for rows, cols in shapes]
        self._plan = np.stack([np.cumsum([0, *sizes[:-1]]), [cols for _, cols in shapes]], axis=1)
        kinds = np.float64, np.float32, np.float32, np.float32
        held = room[:4] or (None,) * 4
        self._flat = tuple(_memory(sum(sizes), kind, part) for kind, part in zip(kinds, held, strict=True))
        self._grid, self._shapes = grid, shapes

    def levels(self, plain: bool) -> list[LevelArrays]:
        """For each level the fields of `nnscope.compute.pyramid.levels.Level`.

        Counts and what is odd are those of a grid whose elements are all finite; ``plain`` says that it is one, and
        then they are views that can't be written.
        """
        made: list[LevelArrays] = []
        for level, (start, _), shape in zip(range(self._base, self._top + 1), self._plan, self._shapes, strict=True):
            held = (flat[start : start + shape[0] * shape[1]].reshape(shape) for flat in self._flat)
            odd = np.broadcast_to(np.uint8(0), shape) if plain else np.zeros(shape, np.uint8)
            made.append((*held, _counts(self._grid, level, plain), odd))
        return made

    def reduce(self, values: np.ndarray, row: int, col: int) -> bool:
        """Fill the cells over a part of the grid; False, and nothing of use, when not all values are finite.

        Parameters
        ----------
        values : ndarray of float32 or float64, C-contiguous
        row, col : int
            Where the part begins: at a cell of the coarsest level.
        """
        shifts = np.arange(self._base, self._top + 1)
        plan = self._plan.copy()
        plan[:, 0] += (row >> shifts) * plan[:, 1] + (col >> shifts)
        largest = values.dtype.type(np.finfo(values.dtype).max)
        return bool(self._kernels.reduce_part(values, largest, (self._base, self._top), plan, *self._flat))


def _memory(size: int, kind: type, part: np.ndarray | None) -> np.ndarray:
    """The array that ``part`` is a view of, where it is one of this size and kind; otherwise a new one."""
    whole = None if part is None else part.base
    if isinstance(whole, np.ndarray) and whole.shape == (size,) and whole.dtype == kind and whole.flags.writeable:
        return whole
    return np.empty(size, kind)


def _counts(grid: tuple[int, int], level: int, plain: bool) -> np.ndarray:
    """Elements under each cell."""
    side = 1 << level
    kind = np.min_scalar_type(side * side)
    if plain and grid[0] % side == grid[1] % side == 0:
        return np.broadcast_to(kind.type(side * side), (grid[0] // side, grid[1] // side))
    high, wide = (np.minimum(side, extent - np.arange(0, extent, side)).astype(kind) for extent in grid)
    return np.asarray(np.multiply.outer(high, wide))
