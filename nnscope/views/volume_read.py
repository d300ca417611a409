"""Reading a tensor as voxels: a whole level, and what lies under one voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.parallel import map_blocks
from nnscope.compute.space.voxels import reduce_block
from nnscope.core.picture import State
from nnscope.core.volume import volume_level_shape
from nnscope.views.cells import read_voxels

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.layout import Layout
    from nnscope.core.volume import Shape3, VolumePicture
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.cells import Span

    Spans = tuple[Span, Span, Span]

BLOCK = 1 << 20  # elements read at once, about; several blocks wait for each other

EXACT = ("float32", "float16", "bfloat16", "int16", "uint16", "int8", "uint8", "bool")  # in float32

Reduced = tuple[np.ndarray, np.ndarray | None]


def read_level(context: BuildContext, reader: TensorReader, layout: Layout, level: int, reduction: str) -> Reduced:
    """Values and states of a level; see `nnscope.compute.space.voxels.reduce_block`."""

    def read(spans: Spans) -> Reduced:
        x, padding = read_voxels(reader, layout, spans)
        return to_float(x), padding

    return _reduced(context, read, layout.volume_shape, level, reduction)


def from_finer(context: BuildContext, finer: VolumePicture, level: int, reduction: str) -> Reduced:
    """Values and states of a level, from those of a finer one; see `stands_for`."""

    def read(spans: Spans) -> Reduced:
        part = tuple(slice(*span) for span in spans)
        x = finer.values[part]
        if finer.states is None:
            return x, None
        states = finer.states[part]
        held = [states == state for state in (State.NAN, State.POSINF, State.NEGINF)]
        return np.select(held, [np.float32(x) for x in (np.nan, np.inf, -np.inf)], x), states == State.PADDING

    return _reduced(context, read, volume_level_shape(finer.shape, finer.level), level - finer.level, reduction)


def stands_for(finer: VolumePicture, dtype: str, reduction: str) -> bool:
    """Whether a level that is at hand gives coarser ones as the tensor would, to the bit.

    Level 0 does where float32 holds the values; another one where it was reduced alike, to extremes, and all is finite:
    a mean of means is no mean at the edges.
    """
    if not finer.level:
        return dtype in EXACT
    return finer.reduction == reduction != "mean" and finer.states is None


def _reduced(
    context: BuildContext, read: Callable[[Spans], Reduced], whole: Shape3, level: int, reduction: str
) -> Reduced:
    """``level`` levels above a volume of size ``whole`` that is read in blocks."""
    shape = volume_level_shape(whole, level)
    values, states = np.empty(shape, np.float32), None
    parts = _parts(shape, whole, level)

    def reduced(number: int) -> Reduced:
        return reduce_block(*read(_spans(parts[number], whole, level)), 1 << level, reduction)

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
