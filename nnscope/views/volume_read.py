"""Reading a tensor as voxels: a whole level, and what lies under one voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.parallel import map_blocks
from nnscope.compute.space.voxels import reduce_block
from nnscope.core.volume import volume_level_shape
from nnscope.views.cells import read_voxels

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.volume import Shape3
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

BLOCK = 1 << 22  # elements read at once, about

Reduced = tuple[np.ndarray, np.ndarray | None]


def read_level(context: BuildContext, reader: TensorReader, layout: Layout, level: int, reduction: str) -> Reduced:
    """Values and states of a level; see `nnscope.compute.space.voxels.reduce_block`."""
    shape = volume_level_shape(layout.volume_shape, level)
    values, states = np.empty(shape, np.float32), None
    parts = _parts(shape, layout.volume_shape, level)

    def reduced(number: int) -> Reduced:
        x, padding = read_voxels(reader, layout, _spans(parts[number], layout.volume_shape, level))
        return reduce_block(to_float(x), padding, 1 << level, reduction)

    for number, (part, odd) in enumerate(map_blocks(reduced, len(parts))):
        context.progress(number, len(parts), "Reading the volume")
        values[parts[number]] = part
        if odd is not None:
            states = np.zeros(shape, np.uint8) if states is None else states
            states[parts[number]] = odd
    return values, states


def spans_under(layout: Layout, place: tuple[int, ...], level: int) -> tuple[Span, Span, Span]:
    """The level-0 voxels, along depth, rows and columns, under the voxel of a level that holds (row, column, depth)."""
    row, col, depth = (at >> level for at in place)
    depths, rows, cols = (
        (min(at << level, n - 1), min((at + 1) << level, n))
        for at, n in zip((depth, row, col), layout.volume_shape, strict=True)
    )
    return depths, rows, cols


def voxel_shown(values: np.ndarray, padding: np.ndarray | None, reduction: str) -> Shape3:
    """The voxel [z, y, x] of a block whose value stands for it; the first one for a mean."""
    x = to_float(values)
    missing = np.isnan(x) if padding is None else np.isnan(x) | padding
    score = {"max": x, "min": -x, "extremes": np.abs(x)}.get(reduction)
    best = 0 if score is None else int(np.argmax(np.where(missing, -np.inf, score)))
    depth, row, col = (int(i) for i in np.unravel_index(best, x.shape))
    return depth, row, col


def _parts(shape: Shape3, whole: Shape3, level: int) -> list[tuple[slice, slice]]:
    """Depths and rows of the level in pieces that stand for about `BLOCK` elements each."""
    side = 1 << level
    rows = max(1, min(shape[1], BLOCK // (side * side * whole[2])))
    planes_at_once = max(1, BLOCK // (side * whole[1] * whole[2])) if rows == shape[1] else 1
    return [
        (slice(z, min(z + planes_at_once, shape[0])), slice(y, min(y + rows, shape[1])))
        for z in range(0, shape[0], planes_at_once)
        for y in range(0, shape[1], rows)
    ]


def _spans(part: tuple[slice, slice], whole: Shape3, level: int) -> tuple[Span, Span, Span]:
    """The level-0 voxels under a part."""
    depth, rows = ((s.start << level, min(s.stop << level, size)) for s, size in zip(part, whole, strict=False))
    return depth, rows, (0, whole[2])
