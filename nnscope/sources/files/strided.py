"""Reading a region of a strided tensor from bytes: only what the region needs, in as few reads as pay.

A region of a tensor with any strides is a set of arithmetic progressions. Its axes are sorted by stride, largest
first, and split in two: the outer ones are walked, the inner ones are read as one span, gaps included. Every split
is possible; the cheapest by a two-term cost model (a fixed price per read plus the bytes of its span) is taken. Where
the span has no gaps it goes straight into the result, which is laid out in memory as it lies in the file; otherwise it
passes through a scratch buffer of at most `SCRATCH_BYTES`.

Axes of stride 0 (expanded tensors) are read once and repeated in the result, whose size is checked against
`READ_BUDGET` before anything is allocated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.files.dtypes import Array, Element, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnscope.core.request import Region
    from nnscope.sources.files.handle import Fill, Section

READ_BUDGET = 1 << 30
"""Most bytes of one answer."""

SCRATCH_BYTES = 1 << 20
"""Most bytes of the buffer for spans with gaps: it should stay in the processor's cache."""

_CALL_BYTES = 1 << 14
"""Bytes that could be read in the time one more call takes."""

_MAX_AXES = 64
_MAX_ADDRESSABLE = (1 << 63) - 1
_CARRIERS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}
"""Types of each size whose copies keep every bit."""


@dataclass(frozen=True, slots=True)
class Strided:
    """Where a tensor's elements lie in a section of bytes.

    Attributes
    ----------
    element : Element
    shape, strides : tuple of int
        Strides in elements, none negative.
    start : int
        Byte of element [0, …, 0].
    """

    element: Element
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    start: int = 0

    @property
    def span(self) -> int:
        """Elements from the first to the last, both included; 0 for an empty tensor."""
        return 0 if 0 in self.shape else 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    @property
    def end(self) -> int:
        """The byte after the last element: what the section must have at least."""
        return self.start + (self.span * self.element.bits + 7) // 8

    @property
    def nbytes(self) -> int:
        """Bytes of the values as stored: an expanded tensor has no more than its span."""
        return (min(math.prod(self.shape), self.span) * self.element.bits + 7) // 8

    @property
    def unreadable(self) -> str:
        """Why no region of it can be read; empty when regions can."""
        reason = self.element.unreadable or too_many_axes(len(self.shape))
        if reason:
            return reason
        if self.element.bits < 8 and not (_rows_are_whole_bytes(self) or self.strides == contiguous(self.shape)):
            return "It is a view of packed values whose rows do not start at whole bytes."
        return ""


@dataclass(frozen=True, slots=True)
class _Axis:
    """An axis of a region with more than one element, all at different places."""

    position: int
    count: int
    stride: int


def contiguous(shape: Sequence[int], order: str = "C") -> tuple[int, ...]:
    """Strides in elements of a dense tensor in C or Fortran order."""
    strides = [1] * len(shape)
    axes = range(len(shape) - 1, 0, -1) if order == "C" else range(len(shape) - 1)
    step = -1 if order == "C" else 1
    for axis in axes:
        strides[axis + step] = strides[axis] * max(shape[axis], 1)
    return tuple(strides)


def too_many_axes(ndim: int) -> str:
    """Why a tensor of that many axes can't be read; empty when it can."""
    return f"It has {ndim} axes; at most {_MAX_AXES} can be shown." if ndim > _MAX_AXES else ""


def read_region(section: Section, layout: Strided, region: Region, where: str = "") -> Array:
    """The values of ``region``, decoded; all axes are kept.

    Parameters
    ----------
    section : Section
        Must hold at least ``layout.end`` bytes.
    layout : Strided
    region : per axis (start, stop, step)
        0 ≤ start ≤ stop ≤ size, step ≥ 1.
    where : str
        The tensor's name, for messages.

    Raises
    ------
    FileError
        If the bytes can't be read, or the answer would be larger than `READ_BUDGET`.
    NnscopeError
        If the region is not one of this tensor.
    """
    counts = checked_counts(layout.shape, layout.element.dtype.itemsize, region, where)
    if 0 in counts:
        return np.empty(counts, layout.element.dtype)
    with section.reading() as fill:
        if layout.element.bits < 8:
            return _read_packed(fill, layout, region, counts)
        return decode(_read_units(fill, layout, region, counts), layout.element)


def checked_counts(shape: tuple[int, ...], itemsize: int, region: Region, where: str = "") -> tuple[int, ...]:
    """Elements per axis of the answer to reading ``region``.

    Parameters
    ----------
    shape : tuple of int
        Of the tensor.
    itemsize : int
        Bytes of one value of the answer.
    region, where
        As in `read_region`.

    Raises
    ------
    FileError
        If the answer would be larger than `READ_BUDGET`.
    NnscopeError
        If the region is not one of this tensor.
    """
    if len(region) != len(shape) or not all(
        0 <= start <= stop <= size and step >= 1 for (start, stop, step), size in zip(region, shape, strict=True)
    ):
        raise NnscopeError(f"The region {region} does not lie in the shape {shape}.", where)
    counts = tuple(-(-(stop - start) // step) for start, stop, step in region)
    nbytes = math.prod(counts) * itemsize
    if nbytes > READ_BUDGET:
        what = f"{nbytes} bytes at once are more than the limit of {READ_BUDGET} bytes."
        raise FileError("over-budget", what, where, "Read it in parts.")
    if math.prod(n for n in counts if n) * itemsize > _MAX_ADDRESSABLE:  # NumPy's rule, even for empty arrays
        raise FileError("over-budget", f"An empty array of shape {counts} is beyond what can be addressed.", where)
    return counts


def _read_units(fill: Fill, layout: Strided, region: Region, counts: tuple[int, ...]) -> Array:
    """The region's elements as unsigned carriers, in any memory order."""
    itemsize = layout.element.itemsize
    steps = [s * step for s, (_, _, step) in zip(layout.strides, region, strict=True)]
    first = sum(s * start for s, (start, _, _) in zip(layout.strides, region, strict=True))
    axes = [_Axis(i, n, s) for i, (n, s) in enumerate(zip(counts, steps, strict=True)) if n > 1 and s > 0]
    axes.sort(key=lambda axis: -axis.stride)
    units = _gather(fill, axes, layout.start + first * itemsize, itemsize)
    units = units.transpose(sorted(range(len(axes)), key=lambda i: axes[i].position))
    kept = {axis.position for axis in axes}
    units = units.reshape([n if i in kept else 1 for i, n in enumerate(counts)])
    return units if units.shape == counts else np.broadcast_to(units, counts).copy()


def _gather(fill: Fill, axes: list[_Axis], start: int, itemsize: int) -> Array:
    """Elements at ``start`` + Σ index·stride over ``axes`` (largest stride first), shaped by the axes' counts."""
    split = _cheapest_split(axes, itemsize)
    outer, inner = axes[:split], axes[split:]
    raw = np.empty(math.prod(axis.count for axis in axes) * itemsize, np.uint8)
    blocks = raw.reshape(math.prod(axis.count for axis in outer), -1)
    if _dense(inner):
        for block, place in zip(blocks, _places(outer), strict=True):
            fill(block, start + place * itemsize)
    else:
        _gather_with_gaps(fill, blocks.view(_CARRIERS[itemsize]), outer, inner, start)
    return raw.view(_CARRIERS[itemsize]).reshape([axis.count for axis in axes])


def _gather_with_gaps(fill: Fill, blocks: Array, outer: list[_Axis], inner: list[_Axis], start: int) -> None:
    """Each block through a scratch buffer, as many steps of the first inner axis at a time as fit."""
    itemsize = blocks.itemsize
    first, rest = inner[0], inner[1:]
    rest_span = _span(rest)
    rows = max(1, min(first.count, 1 + (SCRATCH_BYTES // itemsize - rest_span) // first.stride))
    scratch = np.empty((rows - 1) * first.stride + rest_span, blocks.dtype)
    shape = [rows, *(axis.count for axis in rest)]
    wanted = np.ndarray(shape, blocks.dtype, scratch, strides=[axis.stride * itemsize for axis in inner])
    targets = blocks.reshape(len(blocks), *(axis.count for axis in inner))
    for target, place in zip(targets, _places(outer), strict=True):
        for row in range(0, first.count, rows):
            count = min(rows, first.count - row)
            span = scratch[: (count - 1) * first.stride + rest_span]
            fill(span.view(np.uint8), start + (place + row * first.stride) * itemsize)
            target[row : row + count] = wanted[:count]


def _cheapest_split(axes: list[_Axis], itemsize: int) -> int:
    """How many axes to walk; the others are read as one span. Spans with gaps must fit the scratch buffer."""
    best, best_cost = len(axes), math.inf
    for split in range(len(axes), -1, -1):
        inner = axes[split:]
        if not _dense(inner) and _span(inner[1:]) * itemsize > SCRATCH_BYTES:
            continue
        reads = math.prod(axis.count for axis in axes[:split])
        cost = reads * (_CALL_BYTES + _span(inner) * itemsize)
        if cost < best_cost:
            best, best_cost = split, cost
    return best


def _span(axes: list[_Axis]) -> int:
    return 1 + sum((axis.count - 1) * axis.stride for axis in axes)


def _dense(axes: list[_Axis]) -> bool:
    """Whether the axes cover their span without gap or overlap, in order."""
    expected = 1
    for axis in reversed(axes):
        if axis.stride != expected:
            return False
        expected *= axis.count
    return True


def _places(axes: list[_Axis]) -> Iterator[int]:
    ranges = (range(0, axis.count * axis.stride, axis.stride) for axis in axes)
    return (sum(place) for place in product(*ranges))


def _rows_are_whole_bytes(layout: Strided) -> bool:
    """Whether packed rows start at whole bytes and run without gaps, so that bytes can be read as units."""
    per_byte = 8 // layout.element.bits
    axes = [(n, s) for n, s in zip(layout.shape, layout.strides, strict=True) if n > 1]
    last_is_row = not axes or (layout.shape[-1] > 1 and axes[-1][1] == 1)
    return last_is_row and all(s % per_byte == 0 for _, s in axes[:-1])


def _read_packed(fill: Fill, layout: Strided, region: Region, counts: tuple[int, ...]) -> Array:
    """Packed elements: the bytes that hold the wanted part of each row, unpacked, then cut to measure."""
    if not layout.shape:
        return _read_packed(fill, _with_row(layout), ((0, 1, 1),), (1,)).reshape(())
    if _rows_are_whole_bytes(layout):
        return _read_packed_rows(fill, layout, region, counts)
    out = np.empty(counts, layout.element.dtype)
    flat = Strided(layout.element, (math.prod(layout.shape),), (1,), layout.start)
    start, stop, step = region[-1]
    for index in np.ndindex(counts[:-1]):
        place = sum(s * (low + i * by) for s, i, (low, _, by) in zip(layout.strides, index, region, strict=False))
        out[index] = _read_packed_rows(fill, flat, ((place + start, place + stop, step),), counts[-1:])
    return out


def _read_packed_rows(fill: Fill, layout: Strided, region: Region, counts: tuple[int, ...]) -> Array:
    per_byte = 8 // layout.element.bits
    start, stop, step = region[-1]
    low, high = start // per_byte, -(-stop // per_byte)
    strides = (*(s // per_byte for s in layout.strides[:-1]), 1)
    units = Strided(layout.element, layout.shape, strides, layout.start)
    rows = (*region[:-1], (low, high, 1))
    values = decode(_read_units(fill, units, rows, (*counts[:-1], high - low)), layout.element)
    offset = start - low * per_byte
    return values[..., offset : offset + stop - start : step]


def _with_row(layout: Strided) -> Strided:
    return Strided(layout.element, (1,), (1,), layout.start)
