"""What lifts the cells of a landscape: their values, magnitudes, or the norm of the row, column or part they lie in.

A norm is Euclidean, over the finite elements: each cell of the row (the column, the part of a mosaic) has it as height.
Heights and colours are reduced to a level alike, as the tiles of a heat map are, and from the same pyramid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.parallel import map_blocks
from nnscope.compute.pyramid.levels import reduce_times, tile_values
from nnscope.core.landscape import HEIGHTS
from nnscope.core.picture import level_shape
from nnscope.views.cells import read_cells
from nnscope.views.tiling import base_level, kept_levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.layout import Layout
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

    Read = Callable[[Span, Span], tuple[np.ndarray, np.ndarray | None]]

BLOCK = 1 << 21  # elements read at once, about
SPREAD = 4.0  # standard deviations about the mean


@dataclass(frozen=True, slots=True, eq=False)
class Lift:
    """The cells of a layout with what lifts them.

    Attributes
    ----------
    reader : TensorReader
    layout : Layout
    by : str
        A name of `HEIGHTS`.
    """

    reader: TensorReader
    layout: Layout
    by: str

    def domain(self, context: BuildContext, spread: bool = False) -> tuple[float, float]:
        """The least and the greatest height there can be, a little apart.

        With ``spread`` no farther than `SPREAD` standard deviations from the mean, so that outliers don't flatten the
        rest.
        """
        (low, high), mean, std = self._facts(context)
        if spread and std > 0:
            low, high = max(low, mean - SPREAD * std), min(high, mean + SPREAD * std)
        return (low, high) if low < high else _around(low)

    def level(self, context: BuildContext, level: int, reduction: str) -> tuple[np.ndarray, np.ndarray]:
        """Values and states of all cells of a level."""
        base, everything = base_level(self.layout.grid), (slice(None), slice(None))
        if level >= base:
            kept = kept_levels(context, self.reader, self.layout, *self._lifted(context))
            return tile_values(kept[level - base], reduction, everything)
        read, shape = self._read(context), level_shape(self.layout.grid, level)
        values, states = np.empty(shape, np.float32), np.empty(shape, np.uint8)
        parts = _bands(self.layout.grid, 1 << level)

        def work(number: int) -> tuple[np.ndarray, np.ndarray]:
            cells, padding = read(parts[number], (0, self.layout.grid[1]))
            return tile_values(reduce_times(cells, level, padding), reduction, everything)

        for number, found in enumerate(map_blocks(work, len(parts))):
            context.progress(number, len(parts), "Reading the landscape")
            where = slice(parts[number][0] >> level, -(-parts[number][1] >> level))
            values[where], states[where] = found
        return values, states

    def _facts(self, context: BuildContext) -> tuple[tuple[float, float], float, float]:
        """Least and greatest, mean and standard deviation of what lifts the cells."""
        if self.by not in ("value", "magnitude"):
            norms = self._norms(context)
            return (0.0, float(norms.max(initial=0.0))), float(norms.mean()), float(norms.std())
        stats = context.stats(self.reader.info.address)
        if not stats.finite:
            return (0.0, 1.0), 0.0, 0.0
        if self.by == "value":
            return (stats.min, stats.max), stats.mean, stats.std
        square = stats.variance + stats.mean**2 - stats.abs_mean**2
        return (0.0, stats.abs_max), stats.abs_mean, math.sqrt(max(square, 0.0))

    def _lifted(self, context: BuildContext) -> tuple[str, Read | None]:
        """What the pyramid is called, and how its cells are read if they are not the tensor's."""
        return ("", None) if self.by == "value" else (self.by, self._read(context))

    def _read(self, context: BuildContext) -> Read:
        reader, layout = self.reader, self.layout
        if self.by == "value":
            return lambda rows, cols: read_cells(reader, layout, rows, cols)
        if self.by == "magnitude":
            return lambda rows, cols: _magnitudes(*read_cells(reader, layout, rows, cols))
        norms, (height, width) = self._norms(context), part_size(layout, self.by)

        def read(rows: Span, cols: Span) -> tuple[np.ndarray, np.ndarray | None]:
            values, padding = read_cells(reader, layout, rows, cols)
            lifted = norms[np.ix_(np.arange(*rows) // height, np.arange(*cols) // width)]
            x = to_float(values)
            return np.where(np.isfinite(x), lifted, x), padding

        return read

    def _norms(self, context: BuildContext) -> np.ndarray:
        """The norm of each part of the grid: float64, (parts along the rows, parts along the columns)."""
        key = ("norms", self.reader.info.address, self.reader.info.version, self.layout, self.by)
        found: np.ndarray = context.memo(key, lambda: self._measure(context), lambda norms: norms.nbytes)
        return found

    def _measure(self, context: BuildContext) -> np.ndarray:
        (rows, cols), (height, width) = self.layout.grid, part_size(self.layout, self.by)
        most = context.stats(self.reader.info.address).abs_max
        unit = most if math.isfinite(most) and most > 0 else 1.0  # squares of such numbers neither overflow nor vanish
        total = np.zeros((-(-rows // height), -(-cols // width)))
        bands = _bands(self.layout.grid, 1)
        for number, band in enumerate(bands):
            context.progress(number, len(bands), "Measuring norms")
            values, padding = read_cells(self.reader, self.layout, band, (0, cols))
            squares = np.square(to_float(values).astype(np.float64) / unit)
            keep = np.isfinite(squares) if padding is None else np.isfinite(squares) & ~padding
            by_column = np.add.reduceat(np.where(keep, squares, 0.0), range(0, cols, width), axis=1)
            np.add.at(total, np.arange(*band) // height, by_column)
        return np.sqrt(total) * unit


def part_size(layout: Layout, by: str) -> tuple[int, int]:
    """Rows and columns of cells that have one norm.

    There is one for each index of the outermost axis along the rows, or along the columns, or for each pair of them;
    where a split axis is outermost along both, its indices are the pairs.
    """
    inner = _inner(layout, layout.rows), _inner(layout, layout.cols)
    if by == "parts" or _one_axis(layout):
        return inner
    return (inner[0], max(layout.grid[1], 1)) if by == "rows" else (max(layout.grid[0], 1), inner[1])


def lifted_by(layout: Layout, names: tuple[str, ...], by: str) -> str:
    """What lifts the cells, in words; ``names`` are those of the tensor's axes."""
    if by in ("value", "magnitude"):
        return HEIGHTS[by]
    outermost = [axes[0] for axes, which in ((layout.rows, "columns"), (layout.cols, "rows")) if axes and by != which]
    per = dict.fromkeys(_name(layout.tensor_axis(axis), names) for axis in outermost)
    return f"Euclidean norm, one per {' and '.join(per)}" if per else HEIGHTS["magnitude"]


def _name(axis: int, names: tuple[str, ...]) -> str:
    return names[axis] if axis < len(names) and names[axis] else f"axis {axis}"


def _one_axis(layout: Layout) -> bool:
    """Whether one axis, split, is outermost along rows and columns."""
    outermost = {axes[0] for axes in (layout.rows, layout.cols) if axes}
    return layout.split is not None and outermost == {layout.split[0], layout.split[0] + 1}


def _inner(layout: Layout, axes: tuple[int, ...]) -> int:
    """Cells under one index of the outermost of some axes; one cell where there is only one axis."""
    return max(1, math.prod(layout.virtual_shape[axis] for axis in axes[1:]))


def _magnitudes(values: np.ndarray, padding: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    return np.abs(to_float(values)), padding


def _around(value: float) -> tuple[float, float]:
    """A range with ``value`` in its middle."""
    return (value - abs(value) / 2, value + abs(value) / 2) if value else (-1.0, 1.0)


def _bands(grid: tuple[int, int], side: int) -> list[Span]:
    """Rows in bands of whole cells of ``side`` rows and about `BLOCK` elements."""
    height = max(side, BLOCK // max(grid[1], 1) // side * side)
    return [(row, min(row + height, grid[0])) for row in range(0, grid[0], height)]
