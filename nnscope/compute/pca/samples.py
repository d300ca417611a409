"""Samples × features for PCA: read band by band, each worked on in the cache, and never copied whole.

A `shift` near the mean is taken off the values where the mean is large beside the deviations: what is left of it is
corrected by a term of rank one without cancellation. Bands are worked on by one thread per core, each with a BLAS of
one thread; what they give is taken in their order, so results don't depend on threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.parallel import map_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

BAND = 1 << 19  # elements of a band
GPU_BAND = 1 << 27
WHOLE = 1 << 20  # elements that are one band: waking a thread would cost as much


@dataclass(frozen=True, slots=True)
class SampleReader:
    """A matrix of samples × features that is read in parts: one that does not fit into memory, or an array.

    Attributes
    ----------
    shape : (int, int)
    dtype : dtype
        float32 or float64: the precision of what `read` gives.
    read : callable
        ``read(rows, columns)`` gives the values of two slices; thread-safe.
    array : array or None
        The matrix itself, where it is in memory.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    read: Callable[[slice, slice], Any]
    array: Any = None

    @classmethod
    def of(cls, x: Any) -> SampleReader:
        """An array of any real dtype (NumPy or CuPy) in memory, or a reader as it is."""
        if isinstance(x, SampleReader):
            return x
        wide = x.dtype.kind != "f" or x.dtype.itemsize > 4
        return cls(x.shape, np.dtype(np.float64 if wide else np.float32), lambda rows, cols: x[rows, cols], x)

    def rows(self, rows: slice) -> Any:
        """All features of some rows, in `dtype`."""
        return self.read(rows, slice(None)).astype(self.dtype, copy=False)

    def sample(self, runs: int, length: int) -> Any:
        """Rows in ``runs`` runs of ``length`` neighbours, each at random in its own stretch; all rows if those are few.

        Runs, because single rows of a matrix in Fortran order cost a cache line per value; at random, so that no
        period of an image is hit by a stride.
        """
        n = self.shape[0]
        if n <= 2 * runs * length:
            return self.rows(slice(None))
        edges = np.linspace(0, n - length, runs + 1).astype(np.int64)
        starts = np.random.default_rng(0).integers(edges[:-1], edges[1:])
        parts = [self.rows(slice(start, start + length)) for start in starts.tolist()]
        return namespace(parts[0]).concatenate(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """The rows of ``samples`` in bands.

    Attributes
    ----------
    samples : SampleReader
    shift : array, shape (features,)
        Near the mean, or zeros where the mean is small; on the device of the samples.
    check : callable
        Called between bands; may raise.
    """

    samples: SampleReader
    shift: Any
    check: Callable[[], None] = lambda: None

    def each(self, work: Callable[[slice], T], least: int = 1) -> Iterator[T]:
        """``work(rows)`` for bands of at least ``least`` rows that cover all, in order."""
        n, c = self.samples.shape
        on_host = namespace(self.shift) is np
        band = min(BAND, n * c // 2 + c) if on_host else GPU_BAND  # two at least, for two threads
        step = n if n * c <= WHOLE else max(band // max(c, 1), least, 1)
        parts = list(spans(n, step))

        def one(number: int) -> T:
            with np.errstate(all="ignore"):  # what leaves the range shows in the sums, which callers look at
                return work(parts[number])

        with one_thread_each():
            for result in map_blocks(one, len(parts), None if on_host else 1):
                self.check()
                yield result

    def centred(self, rows: slice) -> Any:
        """The rows less `shift`; a view where that is zero."""
        part = self.samples.rows(rows)
        return part - self.shift if self.shift.any() else part


def spans(n: int, step: int) -> Iterator[slice]:
    """Slices of at most ``step`` (at least one) that cover ``range(n)``."""
    step = max(1, step)
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
