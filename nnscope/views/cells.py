"""Reading a window of cells: from a layout's grid back to a region of the tensor, and its values as a 2D block.

A run of cells in merged axes is not one box of the tensor, so the smallest box that holds it is read, laid out and
cropped. Only the run's own outermost moving axis is cut; what lies inside it is small in every layout we offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.request import Region
    from nnscope.sources.base import TensorReader

Span = tuple[int, int]


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
        Take every ``row_step``-th row only; needs a layout whose rows are one axis that is not split.

    Returns
    -------
    values : ndarray, shape (number of rows, number of columns)
    padding : ndarray of bool of the same shape, or None when there is none
        True where the cell stands for no element; its value is 0.
    """
    shape = layout.virtual_shape
    box: list[Span] = [(0, 0)] * len(shape)
    for axis, at in layout.fixed:
        box[axis] = (at, at + 1)
    row_crop = _bound(box, shape, layout.rows, rows)
    col_crop = _bound(box, shape, layout.cols, cols)
    steps = [1] * len(shape)
    if row_step != 1:
        steps[layout.rows[0]] = row_step
        row_crop = slice(None)
    region: Region = tuple((a, b, s) for (a, b), s in zip(box, steps, strict=True))
    values, padding = _read_virtual(reader, layout, region)
    order = [*(a for a, _ in layout.fixed), *layout.rows, *layout.cols]
    values = _lay(values, order, layout)[row_crop, col_crop]
    if padding is None:
        return values, None
    mask = _lay(padding, order, layout)[row_crop, col_crop]
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
    """Read a box given in virtual axes: the split axis is read as one run and cut into (outer, inner)."""
    if layout.split is None:
        return reader.read(region), None
    axis, width = layout.split
    (o0, o1, _), (i0, i1, _) = region[axis], region[axis + 1]
    n = layout.shape[axis]
    start, stop = (o0 * width + i0, (o1 - 1) * width + i1) if o1 - o0 == 1 else (o0 * width, o1 * width)
    held = min(stop, n)
    real = (*region[:axis], (min(start, n), held, 1), *region[axis + 2 :])
    values = reader.read(real)
    missing = stop - max(start, held)
    padding = None
    if missing:
        pad = [(0, missing if a == axis else 0) for a in range(values.ndim)]
        padding = np.pad(np.zeros(values.shape, bool), pad, constant_values=True)
        values = np.concatenate([values, np.zeros_like(values, shape=_padded(values.shape, axis, missing))], axis)
    outer = o1 - o0
    cut = (*values.shape[:axis], outer, (stop - start) // outer, *values.shape[axis + 1 :])
    crop = (slice(None),) * (axis + 1) + ((slice(i0, i1),) if outer > 1 else ())
    return values.reshape(cut)[crop], None if padding is None else padding.reshape(cut)[crop]


def _padded(shape: tuple[int, ...], axis: int, count: int) -> tuple[int, ...]:
    return (*shape[:axis], count, *shape[axis + 1 :])


def _lay(values: np.ndarray, order: list[int], layout: Layout) -> np.ndarray:
    """Transpose a box to (fixed…, rows…, columns…) and merge rows and columns."""
    laid = values.transpose(order)
    skip, split = len(layout.fixed), len(layout.fixed) + len(layout.rows)
    height = int(np.prod(laid.shape[skip:split], dtype=np.int64))
    width = int(np.prod(laid.shape[split:], dtype=np.int64))
    return laid.reshape(height, width)
