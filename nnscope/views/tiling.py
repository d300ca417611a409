"""Tiles of the value pyramid of a layout (methods.md §4), from the cheapest place that has them.

Three ways, by level. Below the *base level* a tile covers at most a few million elements: it is read and reduced on
the spot. From the base level on, one streaming pass builds all upper levels, which are kept. And while a large tensor's
pass has not been made, a *labelled sample* stands in: every 2^j-th row, and within it one column of each 2^j, jittered so
that no periodic structure of the weights is mistaken for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute import pyramid
from nnscope.compute.decode import to_float
from nnscope.core.picture import TILE, Tile, level_count
from nnscope.views.cells import read_cells

if TYPE_CHECKING:
    from nnscope.compute.pyramid import Level

    from nnscope.core.layout import Layout
    from nnscope.core.request import BuildPicture
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

PYRAMID_CELLS = 1 << 22  # cells of the base level: about 100 MB of pyramid
SAMPLE_READ = 1 << 22  # elements read for a sampled tile
BAND = 1 << 22  # elements read at once while streaming


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
            cells = levels[level - base_level(layout.grid)]
            tiles.append(_cut(cells, reduction, row, col))
            continue
        cells, share = tile_cells(reader, layout, level, (row, col), sampled=not request.exact)
        tiles.append(_tile(cells, reduction, row, col))
    return tuple(tiles), share


def tile_cells(
    reader: TensorReader, layout: Layout, level: int, at: tuple[int, int], sampled: bool = False
) -> tuple[Level, float]:
    """The cells of one tile, reduced from the elements under it; and the share of them looked at."""
    side = TILE << level
    rows = (at[0] * side, min((at[0] + 1) * side, layout.grid[0]))
    cols = (at[1] * side, min((at[1] + 1) * side, layout.grid[1]))
    j = _sample_exponent(layout, level, rows, cols) if sampled else 0
    values, padding = read_cells(reader, layout, rows, cols, 1 << j)
    if j:
        values = _jittered(values, j)
    cells = pyramid.level_from_array(to_float(values), padding)
    for _ in range(level - j):
        cells = pyramid.reduce_level(cells)
    return cells, 0.25**j


def can_sample(layout: Layout) -> bool:
    """Whether rows can be skipped: they are one whole axis of the tensor."""
    return len(layout.rows) == 1 and (
        layout.split is None or layout.split[0] not in (layout.rows[0], layout.rows[0] - 1)
    )


def _kept_levels(context: BuildContext, reader: TensorReader, request: BuildPicture) -> tuple[Level, ...] | None:
    """The kept upper levels when the request needs them; None when its tiles are made on the spot."""
    layout = request.layout
    base = base_level(layout.grid)
    if request.level < base:
        return None
    key = ("pyramid", request.address, reader.info.version, layout)
    if not request.exact and can_sample(layout):
        found: tuple[Level, ...] | None = context.peek(key)
        return found
    levels: tuple[Level, ...] = context.memo(key, lambda: _stream(context, reader, layout, base), _size)
    return levels


def _stream(context: BuildContext, reader: TensorReader, layout: Layout, base: int) -> tuple[Level, ...]:
    """All levels from ``base`` up, in one pass over the tensor."""
    rows, cols = layout.grid
    height = max(1, BAND // max(1, cols) >> base) << base  # whole rows of base cells
    bands = []
    for start in range(0, rows, height):
        context.progress(start, rows, "Building the overview")
        values, padding = read_cells(reader, layout, (start, min(start + height, rows)), (0, cols))
        bands.append(pyramid.reduce_times(values, base, padding))
    levels = [pyramid.stack_rows(bands)]
    for _ in range(level_count(layout.grid) - 1 - base):
        levels.append(pyramid.reduce_level(levels[-1]))
    return tuple(levels)


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


def _cut(cells: Level, reduction: str, row: int, col: int) -> Tile:
    window = (slice(row * TILE, (row + 1) * TILE), slice(col * TILE, (col + 1) * TILE))
    values, states = pyramid.tile_values(cells, reduction, window)
    return Tile(row, col, np.ascontiguousarray(values), np.ascontiguousarray(states))


def _tile(cells: Level, reduction: str, row: int, col: int) -> Tile:
    values, states = pyramid.tile_values(cells, reduction, (slice(None), slice(None)))
    return Tile(row, col, values, states)


def _size(levels: tuple[Level, ...]) -> int:
    return sum(level.nbytes for level in levels)
