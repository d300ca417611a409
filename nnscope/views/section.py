"""The section: a slab of a volume as a heat map, each cell reduced from the values through the slab.

Settings (all may be left out):

- ``at``: the first depth of the slab; −1 for the middle of the volume.
- ``thickness``: how many depths it has, as far as there are so many.
- ``through``: ``"mean"``, ``"max"`` or ``"extremes"`` of the finite values.

What is shown of many cells when zoomed out is the setting ``reduction``, as in the heat map. The layout has a depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.pyramid.levels import reduce_times, tile_values
from nnscope.compute.statistics.block import block_stats
from nnscope.core.cut import REDUCTIONS
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import TILE, Step, Tile, TilePicture, level_count
from nnscope.views.cells import read_voxels
from nnscope.views.probing import probe_element
from nnscope.views.setting import Setting, chosen
from nnscope.views.tiling import base_level, kept_levels

if TYPE_CHECKING:
    from nnscope.compute.pyramid.levels import Level
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.layout import Layout
    from nnscope.core.request import BuildPicture, Probe, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

    Cells = tuple[np.ndarray, np.ndarray | None]

READ = 1 << 22  # elements read at once, about


class Section:
    """Slabs as heat maps, coloured in the shader. Faithful."""

    name = "section"
    title = "Section"
    aesthetic = ""
    coloured = False
    deep = True
    options = (
        Setting("at", -1, -1, title="From depth"),
        Setting("thickness", 1, 1, title="Thickness"),
        Setting("through", "mean", choices=REDUCTIONS, title="Through it"),
    )

    def refuses(self, info: TensorInfo) -> str:
        """Only what has fewer than three axes."""
        return "" if info.ndim >= 3 else "A section needs a tensor of three axes or more."

    def layout(self, info: TensorInfo) -> Layout:
        """As a volume."""
        return volume_layout(info.shape) if info.ndim >= 3 else planes((1,) * (2 - info.ndim) + info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for, from the cells through the slab."""
        reader, layout = context.reader(request.address), request.layout
        depths, through = slab_of(layout, request.settings)
        reduction = str(dict(request.settings).get("reduction", "mean"))
        tiles = []
        for row, col in request.tiles:
            context.check()
            cells, window = _cells(context, reader, request, (row, col))
            values, states = tile_values(cells, reduction, window)
            tiles.append(Tile(row, col, np.ascontiguousarray(values), np.ascontiguousarray(states)))
        steps = [Step("read", True, reader.info.provenance)]
        count = depths[1] - depths[0]
        if count > 1:
            steps.append(Step(through, True, f"of {count} depths, {depths[0]} … {depths[1] - 1}, finite ones only"))
        if request.level:
            side = 2**request.level
            steps.append(Step(reduction, True, f"of {side}×{side} cells each"))
        where = f"depth {depths[0]}" if count == 1 else f"{through} of depths {depths[0]} … {depths[1] - 1}"
        return TilePicture(
            request.address,
            self.name,
            layout,
            reader.info.version,
            layout.grid,
            level_count(layout.grid),
            request.level,
            tuple(tiles),
            reduction if request.level else "",
            tuple(steps),
            1.0,
            (where,),
        )

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The first element through the slab, exactly, and the statistics of all under the cell."""
        reader, layout, side = context.reader(request.address), request.layout, 2**request.level
        (first, last), _ = slab_of(layout, request.settings)
        row, col = request.row * side, request.col * side
        index = layout.index_at(row, col, first)
        if index is None or (last - first == 1 and side == 1):
            return probe_element(context, reader, index)
        spans = (first, last), (row, min(row + side, layout.grid[0])), (col, min(col + side, layout.grid[1]))
        values, padding = read_voxels(reader, layout, spans)
        return probe_element(context, reader, index, block_stats(to_float(values), padding))


def slab_of(layout: Layout, settings: Settings) -> tuple[Span, str]:
    """The depths of the slab that the settings mean, within the volume; and what is made of them."""
    size, values = layout.volume_shape[0], chosen(Section.options, settings)
    at, thickness = int(values["at"] or 0), int(values["thickness"] or 1)
    first = size // 2 if at < 0 else min(at, size - 1)
    return (first, min(first + thickness, size)), str(values["through"])


def through_slab(values: np.ndarray, padding: np.ndarray | None, how: str) -> Cells:
    """Cells from voxels [depth, rows, columns]: float64, NaN where nothing is finite; and which are padding."""
    x = to_float(values).astype(np.float64)
    if len(x) == 1:
        return x[0], None if padding is None else padding[0]
    finite = np.isfinite(x) if padding is None else np.isfinite(x) & ~padding
    if how == "mean":
        count = finite.sum(0)
        cells = np.where(finite, x, 0).sum(0) / np.maximum(count, 1)
    else:
        score = np.where(finite, x if how == "max" else np.abs(x), -np.inf)
        cells = np.take_along_axis(x, score.argmax(0)[None], 0)[0]
    cells = np.where(finite.any(0), cells, np.nan)
    return cells, None if padding is None else np.asarray(padding.all(0))


def _cells(
    context: BuildContext, reader: TensorReader, request: BuildPicture, at: tuple[int, int]
) -> tuple[Level, tuple[slice, slice]]:
    """The cells that hold a tile, and where it lies among them."""
    layout, level = request.layout, request.level
    depths, through = slab_of(layout, request.settings)

    def read(rows: Span, cols: Span) -> Cells:
        """In strips, so that no more than about `READ` elements of the slab are held at a time."""
        wide = (cols[1] - cols[0]) * (depths[1] - depths[0])
        step = max(1, READ // max(wide, 1))
        strips = [(row, min(row + step, rows[1])) for row in range(rows[0], rows[1], step)]
        parts = [through_slab(*read_voxels(reader, layout, (depths, strip, cols)), through) for strip in strips]
        marks = [np.zeros(cells.shape, bool) if padding is None else padding for cells, padding in parts]
        whole = np.concatenate(marks)
        return np.concatenate([cells for cells, _ in parts]), whole if whole.any() else None

    base = base_level(layout.grid)
    if level >= base and base:
        kind = f"{through} of depths {depths[0]} to {depths[1]}"
        window = (slice(at[0] * TILE, (at[0] + 1) * TILE), slice(at[1] * TILE, (at[1] + 1) * TILE))
        return kept_levels(context, reader, layout, kind, read)[level - base], window
    side = TILE << level
    rows, cols = ((i * side, min((i + 1) * side, end)) for i, end in zip(at, layout.grid, strict=True))
    values, padding = read(rows, cols)
    return reduce_times(values, level, padding), (slice(None), slice(None))
