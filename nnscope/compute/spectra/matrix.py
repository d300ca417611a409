"""A tensor as a matrix of its first axis × all others, read in slabs, for products that never hold it whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.decode import to_float
from nnscope.compute.parallel import map_blocks
from nnscope.core.regions import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.request import Region
    from nnscope.sources.base import TensorReader

T = TypeVar("T")

BAND = 1 << 20  # elements of a slab


@dataclass(slots=True)
class TensorMatrix:
    """The matrix lying on its longer side, [longer, shorter], in slabs of rows that are decoded as they are read.

    Entries that are no finite number are read as zero.

    Attributes
    ----------
    reader : TensorReader
        Of rank 2 or more, not empty.
    step : callable
        Called after each slab; may raise `Cancelled`.
    scale : float
        Power of two with which values are multiplied.
    """

    reader: TensorReader
    step: Callable[[], None]
    scale: float = 1.0
    _replaced: dict[int, int] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns as stored: the first axis, and all others."""
        first, *rest = self.reader.info.shape
        return first, math.prod(rest)

    @property
    def short(self) -> int:
        """The shorter side: the width of a slab."""
        return min(self.shape)

    @property
    def replaced(self) -> int:
        """Entries that were no finite number, in the slabs read so far."""
        return sum(self._replaced.values())

    @property
    def parts(self) -> tuple[Region, ...]:
        """The regions of the slabs."""
        rows, cols = self.shape
        shape = self.reader.info.shape
        if rows >= cols:
            return tuple(regions(shape, max(cols, BAND)))  # never cuts a row
        step = max(1, BAND * shape[1] // (rows * cols))
        inner = tuple((0, n, 1) for n in shape[2:])
        starts = range(0, shape[1], step)
        return tuple(((0, rows, 1), (start, min(start + step, shape[1]), 1), *inner) for start in starts)

    def each(self, work: Callable[[np.ndarray], T]) -> Iterator[T]:
        """``work(slab)`` of every slab, in order, by a thread per core; slabs are float32 or float64."""
        parts = self.parts
        with one_thread_each():
            for result in map_blocks(lambda number: work(self._slab(number, parts[number])), len(parts)):
                self.step()
                yield result

    def _slab(self, number: int, region: Region) -> np.ndarray:
        values = to_float(self.reader.read(region))
        rows, cols = self.shape
        slab = values.reshape(-1, cols) if rows >= cols else values.reshape(rows, -1).T
        if self._replaced.get(number) is None and math.isfinite(sum_of_squares(slab)):  # quicker than to look at each
            self._replaced[number] = 0
        if self._replaced.get(number) != 0:
            finite = np.isfinite(slab)
            self._replaced[number] = int(slab.size - np.count_nonzero(finite))
            if self._replaced[number]:
                slab = np.where(finite, slab, slab.dtype.type(0))
        return slab if self.scale == 1.0 else slab * slab.dtype.type(self.scale)


def sum_of_squares(slab: np.ndarray) -> float:
    """Σx² by dot products in the values' dtype; not finite where a value is none, or a square leaves the range."""
    flat = slab.ravel(order="K")
    with np.errstate(all="ignore"):
        return sum(float(part @ part) for part in np.array_split(flat, max(1, flat.size >> 16)))
