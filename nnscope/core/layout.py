"""Which axes of a tensor are rows, columns and depth of its picture, and the way back.

A `Layout` turns a tensor of any rank into a 2D grid of cells, or a 3D one of voxels when it has a depth. Rows, columns
and depth are each an ordered tuple of axes (outermost first), so that a convolution's kernels (O, I, kh, kw) become a
mosaic with rows (O, kh) and columns (I, kw). Axes in none of them are fixed at an index (the sliders). One axis may be
*split* into two, so that a vector becomes a near-square grid and the channels of a feature map a mosaic; cells past its
end are padding, not zero. The parts of a mosaic may have a *gap* between them, of cells that are padding too.

After a split of axis ``a`` into ``(ceil(n/width), width)`` the tensor has one more (virtual) axis: ``a`` is the
outer part, ``a + 1`` the inner part, and later axes move up by one. ``rows``, ``cols``, ``depth`` and ``fixed`` speak
of virtual axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Layout:
    """A view of a tensor as a grid; see the module docstring.

    Attributes
    ----------
    shape : tuple of int
        Shape of the tensor.
    rows, cols : tuple of int
        Virtual axes that make up the rows and the columns, outermost first.
    fixed : tuple of (axis, index)
        The remaining virtual axes, each at one index.
    split : (axis, width) or None
        Axis of the tensor that is split, and the size of the inner part.
    depth : tuple of int
        Virtual axes that make up the depth, outermost first; none for a picture of two dimensions.
    gap : int
        Cells between the parts of a mosaic: after each index but the last of the outermost axis of rows and of columns,
        where there are axes within. Only views that arrange their own layouts read those with a gap.
    """

    shape: tuple[int, ...]
    rows: tuple[int, ...]
    cols: tuple[int, ...]
    fixed: tuple[tuple[int, int], ...] = ()
    split: tuple[int, int] | None = None
    depth: tuple[int, ...] = ()
    gap: int = 0

    def __post_init__(self) -> None:
        used = sorted((*self.rows, *self.cols, *self.depth, *(axis for axis, _ in self.fixed)))
        if used != list(range(len(self.virtual_shape))):
            raise ValueError(f"layout {self} does not use each axis once")
        for axis, index in self.fixed:
            if not 0 <= index < self.virtual_shape[axis]:
                raise ValueError(f"layout {self}: index {index} is outside axis {axis}")

    @property
    def virtual_shape(self) -> tuple[int, ...]:
        """The shape after the split; the tensor's own without one."""
        if self.split is None:
            return self.shape
        axis, width = self.split
        outer = -(-self.shape[axis] // width) if width else 0
        return (*self.shape[:axis], outer, width, *self.shape[axis + 1 :])

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of the picture in cells."""
        return self._opened(self.rows, self._size(self.rows)), self._opened(self.cols, self._size(self.cols))

    @property
    def volume_shape(self) -> tuple[int, int, int]:
        """(depth, rows, columns) in voxels; the depth is 1 without depth axes."""
        return self._size(self.depth), *self.grid

    def index_at(self, row: int, col: int, depth: int = 0) -> tuple[int, ...] | None:
        """The tensor index shown in cell (row, col) at a depth; None for padding or outside the grid."""
        if not all(0 <= at < size for at, size in zip((depth, row, col), self.volume_shape, strict=True)):
            return None
        v = self.virtual_shape
        index = dict(self.fixed)
        for axes, at in ((self.rows, row), (self.cols, col), (self.depth, depth)):
            place = at if axes is self.depth else self._closed(axes, at)
            if place is None:
                return None
            for axis in reversed(axes):
                place, index[axis] = divmod(place, v[axis])
        return self._merge(tuple(index[a] for a in range(len(v))))

    def cell_of(self, index: tuple[int, ...]) -> tuple[int, int] | None:
        """The cell that shows tensor index ``index``, at whatever depth; None when a fixed axis is elsewhere."""
        voxel = self.voxel_of(index)
        return None if voxel is None else voxel[1:]

    def voxel_of(self, index: tuple[int, ...]) -> tuple[int, int, int] | None:
        """(depth, row, column) of tensor index ``index``; None when a fixed axis is elsewhere."""
        virtual = list(index)
        if self.split is not None:
            axis, width = self.split
            virtual[axis : axis + 1] = divmod(index[axis], width)
        if any(virtual[axis] != at for axis, at in self.fixed):
            return None
        row, col = (self._place(axes, virtual) for axes in (self.rows, self.cols))
        return self._place(self.depth, virtual), self._opened(self.rows, row), self._opened(self.cols, col)

    def part(self, axes: tuple[int, ...]) -> int:
        """Cells along rows or columns that show one index of the outermost axis, without the gap after them."""
        return self._size(axes[1:])

    def virtual(self, axis: int) -> int:
        """The virtual axis of an axis of the tensor (the outer part of a split one)."""
        return axis if self.split is None or axis <= self.split[0] else axis + 1

    def tensor_axis(self, virtual: int) -> int:
        """The axis of the tensor that a virtual axis belongs to."""
        return virtual - 1 if self.split is not None and virtual > self.split[0] else virtual

    def with_fixed(self, axis: int, index: int) -> Layout:
        """The same layout with virtual axis ``axis`` fixed at ``index``."""
        return replace(self, fixed=tuple((a, index if a == axis else i) for a, i in self.fixed))

    def _size(self, axes: tuple[int, ...]) -> int:
        return math.prod(self.virtual_shape[a] for a in axes)

    def _place(self, axes: tuple[int, ...], virtual: list[int]) -> int:
        """Where an index stands among the cells of merged axes."""
        place = 0
        for axis in axes:
            place = place * self.virtual_shape[axis] + virtual[axis]
        return place

    def _opened(self, axes: tuple[int, ...], place: int) -> int:
        """A place, or the number of places, among the cells of merged axes, with the gaps before it."""
        if not self.gap or len(axes) < 2 or not place:
            return place
        whole = place == self._size(axes)
        return place + (place - whole) // self.part(axes) * self.gap

    def _closed(self, axes: tuple[int, ...], place: int) -> int | None:
        """A place without the gaps before it; None inside of one."""
        if not self.gap or len(axes) < 2:
            return place
        part = self.part(axes)
        outer, within = divmod(place, part + self.gap)
        return None if within >= part else outer * part + within

    def _merge(self, virtual: tuple[int, ...]) -> tuple[int, ...] | None:
        if self.split is None:
            return virtual
        axis, width = self.split
        at = virtual[axis] * width + virtual[axis + 1]
        if at >= self.shape[axis]:
            return None
        return (*virtual[:axis], at, *virtual[axis + 2 :])


def default_layout(shape: tuple[int, ...]) -> Layout:
    """What people expect to see first.

    0-d: one cell. Vectors: one row up to 64 elements, else a near-square grid. Matrices: as they are, long and narrow
    ones folded. Three axes (C, H, W): a mosaic of channels. Four axes (O, I, kh, kw) or (B, C, H, W): with small
    trailing axes (≤ 16) a mosaic of kernels, else the first batch item's mosaic of channels. More axes: the last two,
    the others fixed at 0.
    """
    rank = len(shape)
    if rank == 0:
        return Layout((), (), ())
    if rank == 1:
        return _vector(shape)
    if rank == 2:
        return folded(shape) if is_elongated(shape) else planes(shape)
    if rank == 3:
        return mosaic(shape, 0)
    if rank == 4 and max(shape[2:]) <= 16 and shape[0] * shape[1] > 1:
        if shape[1] == 1 or shape[0] == 1:
            axis = 0 if shape[1] == 1 else 1
            return mosaic(shape, axis)
        return Layout(shape, (0, 2), (1, 3))
    if rank == 4:
        return mosaic(shape, 1)
    return planes(shape)


def sheet(shape: tuple[int, ...]) -> Layout:
    """Every element on one sheet: the `default_layout` where that leaves none out.

    Batches of feature maps have a row of maps for each item and a column for each channel; of more axes all but the
    last go into the rows.
    """
    layout = default_layout(shape)
    if all(shape[layout.tensor_axis(axis)] == 1 for axis, _ in layout.fixed):
        return layout
    if len(shape) == 4:
        return Layout(shape, (0, 2), (1, 3))
    return Layout(shape, tuple(range(len(shape) - 1)), (len(shape) - 1,))


def volume_layout(shape: tuple[int, ...]) -> Layout:
    """What people expect to see first in three dimensions (needs rank ≥ 3).

    The last two axes as rows and columns and the one before as depth, the others fixed at 0. Kernels (O, I, kh, kw)
    with small trailing axes: each filter is a block of depth I, as it is drawn in papers, and the blocks stand in a
    near-square mosaic; where O or I is 1, one stack of kernels.
    """
    rank = len(shape)
    if 0 in shape:
        return Layout(shape, (rank - 2,), (rank - 1,), depth=tuple(range(rank - 2)))
    if rank == 4 and max(shape[2:]) <= 16:
        if min(shape[:2]) == 1:
            return Layout(shape, (2,), (3,), depth=(0, 1))
        return replace(mosaic(shape, 0), fixed=(), depth=(2,))  # virtual axes: O, O within it, I, kh, kw
    return Layout(shape, (rank - 2,), (rank - 1,), tuple((a, 0) for a in range(rank - 3)), depth=(rank - 3,))


def planes(shape: tuple[int, ...]) -> Layout:
    """The last two axes as rows and columns, all others fixed at 0 (needs rank ≥ 2)."""
    rank = len(shape)
    if 0 in shape[:-2]:  # nothing to fix an index in: every axis goes into the rows
        return Layout(shape, tuple(range(rank - 1)), (rank - 1,))
    return Layout(shape, (rank - 2,), (rank - 1,), tuple((a, 0) for a in range(rank - 2)))


def is_elongated(shape: tuple[int, ...]) -> bool:
    """Whether a matrix is so long and narrow that a picture of it as it is would be a line."""
    long, short = max(shape), min(shape)
    return short > 0 and long >= 1024 and long >= 8 * short


def folded(shape: tuple[int, ...]) -> Layout:
    """A long matrix cut into pieces that lie side by side, near square together (a wide one: one below the other)."""
    long = 0 if shape[0] >= shape[1] else 1
    pieces = max(1, round(math.sqrt(shape[long] / shape[1 - long])))
    split = (long, -(-shape[long] // pieces))
    if long == 0:  # virtual axes: piece, row within it, column
        return Layout(shape, (1,), (0, 2), (), split)
    return Layout(shape, (1, 0), (2,), (), split)  # row, piece, column within it


def mosaic(shape: tuple[int, ...], axis: int) -> Layout:
    """The last two axes as small pictures, those of ``axis`` side by side in a near-square mosaic; others at 0."""
    rank = len(shape)
    others = [a for a in range(rank - 2) if a != axis]
    if 0 in shape:
        return planes(shape)
    height, width = shape[-2:]
    columns = _mosaic_columns(shape[axis], height / width)
    fixed = tuple((a if a < axis else a + 1, 0) for a in others)
    return Layout(shape, (axis, rank - 1), (axis + 1, rank), fixed, (axis, columns))


def _mosaic_columns(count: int, aspect: float) -> int:
    """How many of ``count`` parts (``aspect`` = height/width each) stand in a row: few empty places, near square."""
    ideal = math.sqrt(1.4 * count * aspect)  # a little wider than high, as screens are

    def cost(columns: int) -> float:
        empty = (-(-count // columns) * columns - count) / count
        return 2 * empty + abs(math.log(columns / ideal))

    near = range(max(1, int(ideal / 2)), min(count, math.ceil(ideal * 2.5)) + 1)
    return min(near, key=cost, default=max(1, min(count, round(ideal))))


def _vector(shape: tuple[int, ...]) -> Layout:
    if shape[0] <= 64:
        return Layout(shape, (), (0,))
    return Layout(shape, (0,), (1,), (), (0, math.isqrt(shape[0] - 1) + 1))
