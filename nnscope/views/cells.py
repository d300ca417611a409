"""Reading a window of cells or voxels: from a layout's grid back to a region of the tensor, and its values as a block.

A run of cells in merged axes is not one box of the tensor, so the smallest box that holds it is read, laid out and
cropped. Only the run's own outermost moving axis is cut; what lies inside it is small in every layout we offer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.request import Region
    from nnscope.sources.base import TensorReader

Span = tuple[int, int]
Group = tuple[tuple[int, ...], Span]  # merged axes, and the run of places among them

SPARE = 4  # a part of a split axis is read with what lies between as long as that is less than so many times more


def read_cells(
    reader: TensorReader, layout: Layout, rows: Span, cols: Span, row_step: int = 1
) -> tuple[np.ndarray, np.ndarray | None]:
    """The cells [rows) × [cols) of the layout's grid, in the tensor's own dtype.

    Parameters
    ----------
    reader : TensorReader
    layout : Layout
    rows, cols : (start, stop)
        Within the grid.
    row_step : int
        Take every ``row_step``-th row only; needs a layout whose rows are one axis, or the inner part of a split one.

    Returns
    -------
    values : ndarray, shape (number of rows, number of columns)
    padding : ndarray of bool of the same shape, or None when there is none
        True where the cell stands for no element; its value is 0.
    """
    return _read_groups(reader, layout, ((layout.rows, rows), (layout.cols, cols)), row_step)


def read_voxels(
    reader: TensorReader, layout: Layout, spans: tuple[Span, Span, Span]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The voxels [depth) × [rows) × [cols) of a layout, in the tensor's own dtype.

    Parameters
    ----------
    reader : TensorReader
    layout : Layout
    spans : three of (start, stop)
        Along depth, rows and columns, within ``layout.volume_shape``.

    Returns
    -------
    values : ndarray, shape (depth, rows, columns) of the block
    padding : ndarray of bool of the same shape, or None when there is none
        As in `read_cells`.
    """
    axes = (layout.depth, layout.rows, layout.cols)
    return _read_groups(reader, layout, tuple(zip(axes, spans, strict=True)))


def _read_groups(
    reader: TensorReader, layout: Layout, groups: tuple[Group, ...], first_step: int = 1
) -> tuple[np.ndarray, np.ndarray | None]:
    """A block with one axis for each group of merged axes; of the first, every ``first_step``-th place in its box."""
    shape = layout.virtual_shape
    box: list[Span] = [(0, 0)] * len(shape)
    for axis, at in layout.fixed:
        box[axis] = (at, at + 1)
    crop = [_bound(box, shape, axes, span) for axes, span in groups]
    steps = [1] * len(shape)
    if first_step != 1:
        steps[groups[0][0][0]] = first_step
        crop[0] = slice(None)
    region: Region = tuple((a, b, s) for (a, b), s in zip(box, steps, strict=True))
    values, padding = _read_virtual(reader, layout, region)
    values = _lay(values, layout, groups)[tuple(crop)]
    if padding is None:
        return values, None
    mask = _lay(padding, layout, groups)[tuple(crop)]
    return values, mask if mask.any() else None


def _bound(box: list[Span], shape: tuple[int, ...], axes: tuple[int, ...], span: Span) -> slice:
    """Set the smallest ranges of ``axes`` that hold the run ``span``; return where it lies among their cells."""
    first, last = span[0], span[1] - 1
    offset = 0  # of the box's first cell within all cells of the axes
    inner = 1
    for axis in axes:
        inner *= shape[axis]
    fixed_so_far = True
    for axis in axes:
        inner //= shape[axis]
        if not fixed_so_far:
            box[axis] = (0, shape[axis])
            continue
        a, b = first // inner, last // inner
        box[axis] = (a, b + 1)
        offset += a * inner
        first, last = first - a * inner, last - b * inner
        fixed_so_far = a == b
    return slice(span[0] - offset, span[1] - offset)


def _read_virtual(reader: TensorReader, layout: Layout, region: Region) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a box given in virtual axes. Along a split axis it is one run, or a run for each outer index."""
    if layout.split is None:
        return reader.read(region), None
    axis, width = layout.split
    (o0, o1, _), (i0, i1, step) = region[axis], region[axis + 1]
    if step == 1 and (o1 - o0 == 1 or (i1 - i0) * SPARE >= width):
        whole = (0, width) if o1 - o0 > 1 else (i0, i1)
        values, padding = _read_run(reader, layout, region, (o0 * width + whole[0], (o1 - 1) * width + whole[1], 1))
        shape = (*values.shape[:axis], o1 - o0, whole[1] - whole[0], *values.shape[axis + 1 :])
        crop = (slice(None),) * (axis + 1) + (slice(i0 - whole[0], i1 - whole[0]),)
        return values.reshape(shape)[crop], None if padding is None else padding.reshape(shape)[crop]
    runs = [_read_run(reader, layout, region, (o * width + i0, o * width + i1, step)) for o in range(o0, o1)]
    values = np.stack([values for values, _ in runs], axis)
    if all(padding is None for _, padding in runs):
        return values, None
    marks = [np.zeros(values.shape, bool) if padding is None else padding for values, padding in runs]
    return values, np.stack(marks, axis)


def _read_run(
    reader: TensorReader, layout: Layout, region: Region, run: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Indices ``range(*run)`` of the split axis, the other axes as in ``region``; those past its end are padding."""
    assert layout.split is not None
    axis, n = layout.split[0], layout.shape[layout.split[0]]
    start, stop, step = run
    values = reader.read((*region[:axis], (min(start, n), min(stop, n), step), *region[axis + 2 :]))
    missing = len(range(*run)) - values.shape[axis]
    if not missing:
        return values, None
    pad = [(0, missing if a == axis else 0) for a in range(values.ndim)]
    padding = np.pad(np.zeros(values.shape, bool), pad, constant_values=True)
    zeros = np.zeros_like(values, shape=_padded(values.shape, axis, missing))
    return np.concatenate([values, zeros], axis), padding


def _padded(shape: tuple[int, ...], axis: int, count: int) -> tuple[int, ...]:
    return (*shape[:axis], count, *shape[axis + 1 :])


def _lay(values: np.ndarray, layout: Layout, groups: tuple[Group, ...]) -> np.ndarray:
    """Transpose a box to (fixed…, group, group, …) and merge the axes of each group."""
    fixed = [axis for axis, _ in layout.fixed]
    sizes = [math.prod(values.shape[axis] for axis in axes) for axes, _ in groups]
    return values.transpose([*fixed, *(axis for axes, _ in groups for axis in axes)]).reshape(sizes)
