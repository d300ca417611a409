"""Tiles of the value pyramid of a layout (methods.md §4), from the cheapest place that has them.

Three ways, by level. Below the *base level* a tile covers at most a few million elements: it is read and reduced on
the spot. From the base level on, one streaming pass builds all upper levels, which are kept. And while a large tensor's
pass has not been made, a *labelled sample* stands in: every 2^j-th row, and within it one column of each 2^j, jittered
so that no periodic structure of the weights is mistaken for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.pyramid.levels import Level, build_levels, reduce_times, tile_values
from nnscope.compute.statistics.block import block_stats
from nnscope.core.answer import BlockStats
from nnscope.core.picture import TILE, Tile
from nnscope.views.cells import read_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from nnscope.core.layout import Layout
    from nnscope.core.request import BuildPicture, Probe
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

    Read = Callable[[Span, Span], tuple[np.ndarray, np.ndarray | None]]

PYRAMID_CELLS = 1 << 21  # cells of the base level: about 60 MB of pyramid
SAMPLE_READ = 1 << 22  # elements read for a sampled tile
BLOCK_READ = 1 << 22  # elements read for the statistics under one cell

Levels = tuple[Level, ...]


def base_level(grid: tuple[int, int]) -> int:
    """The lowest level that is kept in memory."""
    level = 0
    while (-(-grid[0] >> level)) * (-(-grid[1] >> level)) > PYRAMID_CELLS:
        level += 1
    return level


def build_tiles(
    context: BuildContext, reader: TensorReader, request: BuildPicture, reduction: str
) -> tuple[tuple[Tile, ...], float]:
    """The tiles of ``request``, and the share of the elements under them that was looked at."""
    layout, level = request.layout, request.level
    levels = _kept_levels(context, reader, request)
    tiles, share = [], 1.0
    for row, col in request.tiles:
        context.check()
        if levels is not None:
            window = (slice(row * TILE, (row + 1) * TILE), slice(col * TILE, (col + 1) * TILE))
            tiles.append(_tile(levels[level - base_level(layout.grid)], reduction, (row, col), window))
            continue
        cells, share = tile_cells(reader, layout, level, (row, col), sampled=not request.exact)
        tiles.append(_tile(cells, reduction, (row, col), (slice(None), slice(None))))
    return tuple(tiles), share


def tile_cells(
    reader: TensorReader, layout: Layout, level: int, at: tuple[int, int], sampled: bool = False
) -> tuple[Level, float]:
    """The cells of one tile, reduced from the elements under it; and the share of them looked at."""
    rows, cols = _span(at[0], TILE << level, layout.grid[0]), _span(at[1], TILE << level, layout.grid[1])
    j = _sample_exponent(layout, level, rows, cols) if sampled else 0
    values, padding = read_cells(reader, layout, rows, cols, 1 << j)
    if j:
        values = _jittered(values, j)
    return reduce_times(values, level - j, padding), 0.25**j


def block_under(context: BuildContext, reader: TensorReader, request: Probe) -> BlockStats:
    """Statistics of all elements under one cell of a level above 0, from the kept pyramid or read now."""
    layout, level = request.layout, request.level
    rows = _span(request.row, 1 << level, layout.grid[0])
    cols = _span(request.col, 1 << level, layout.grid[1])
    base = base_level(layout.grid)
    kept: Levels | None = context.peek(_key(reader, layout)) if level >= base else None
    if kept is None and (rows[1] - rows[0]) * (cols[1] - cols[0]) <= BLOCK_READ:
        values, padding = read_cells(reader, layout, rows, cols)
        return block_stats(to_float(values), padding)
    cells = (kept or kept_levels(context, reader, layout))[level - base]
    at = (request.row, request.col)
    moments = (float(a[at]) for a in (cells.mean, cells.min, cells.max, cells.std))
    return BlockStats((rows[1] - rows[0]) * (cols[1] - cols[0]), int(cells.count[at]), *moments)


def can_sample(layout: Layout) -> bool:
    """Whether rows can be skipped: they are one axis of the tensor, or the inner part of one that is split."""
    return len(layout.rows) == 1 and (layout.split is None or layout.rows[0] != layout.split[0])


def _kept_levels(context: BuildContext, reader: TensorReader, request: BuildPicture) -> Levels | None:
    """The kept upper levels when the request needs them; None when its tiles are made on the spot."""
    layout = request.layout
    if request.level < base_level(layout.grid):
        return None
    if not request.exact and can_sample(layout):
        found: Levels | None = context.peek(_key(reader, layout))
        return found
    return kept_levels(context, reader, layout)


def kept_levels(
    context: BuildContext, reader: TensorReader, layout: Layout, kind: str = "", read: Read | None = None
) -> Levels:
    """All levels from the base up, in one pass over the tensor, kept in memory and (when it took long) on disk.

    Parameters
    ----------
    context : BuildContext
    reader : TensorReader
    layout : Layout
    kind : str
        What the cells hold, where it is not the tensor's values.
    read : callable or None
        Gives the cells of that kind: see `build_levels`.
    """
    base, key = base_level(layout.grid), _key(reader, layout, kind)

    def build() -> Levels:
        return build_levels(
            read or (lambda rows, cols: read_cells(reader, layout, rows, cols)),
            layout.grid,
            base,
            lambda done, total: context.progress(done, total, "Building the overview"),
        )

    def durably() -> Levels:
        return context.durable(key, build, _to_arrays, _from_arrays) if base else build()

    levels: Levels = context.memo(key, durably, lambda held: sum(level.nbytes for level in held))
    return levels


def _key(reader: TensorReader, layout: Layout, kind: str = "") -> Hashable:
    name = f"pyramid of {kind}" if kind else "pyramid"
    return (name, reader.info.address, reader.info.version, layout)


def _to_arrays(levels: Levels) -> dict[str, np.ndarray]:
    return {f"{i}.{j}": a for i, level in enumerate(levels) for j, a in enumerate(level.arrays)}


def _from_arrays(arrays: dict[str, np.ndarray]) -> Levels:
    count = 1 + max(int(name.partition(".")[0]) for name in arrays)
    return tuple(Level(*(arrays[f"{i}.{j}"] for j in range(6))) for i in range(count))


def _span(at: int, side: int, end: int) -> tuple[int, int]:
    return at * side, min((at + 1) * side, end)


def _sample_exponent(layout: Layout, level: int, rows: tuple[int, int], cols: tuple[int, int]) -> int:
    if not can_sample(layout):
        return 0
    area = (rows[1] - rows[0]) * (cols[1] - cols[0])
    j = 0
    while j < level and area >> j > SAMPLE_READ:
        j += 1
    return j


def _jittered(values: np.ndarray, j: int) -> np.ndarray:
    """One column of every 2^j, at an offset that differs from row to row but is always the same."""
    height, width = values.shape
    step = 1 << j
    starts = np.arange(0, width, step)
    offsets = np.random.default_rng(7).integers(0, step, (height, len(starts)))
    columns = np.minimum(starts + offsets, width - 1)
    return np.take_along_axis(values, columns, axis=1)


def _tile(cells: Level, reduction: str, at: tuple[int, int], window: tuple[slice, slice]) -> Tile:
    values, states = tile_values(cells, reduction, window)
    return Tile(*at, np.ascontiguousarray(values), np.ascontiguousarray(states))
