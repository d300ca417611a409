"""A tensor as pieces that can be read again, in any order, from any thread: what every streaming method takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.arrays.budget import block_elements
from nnscope.core.regions import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nnscope.core.request import Region

BLOCK = 1 << 20  # elements read at once: a few megabytes
_BYTES_EACH = 16  # that work on an element of a device's array takes: it as float64, and as much again


@dataclass(frozen=True, slots=True)
class Blocks:
    """Pieces of a tensor that cover it once (or a sample of it).

    Attributes
    ----------
    count : int
        Number of pieces.
    read : callable
        ``read(i)`` gives piece ``i`` (NumPy's or CuPy's) in the tensor's own dtype; thread-safe, the same values each
        time.
    """

    count: int
    read: Callable[[int], Any]

    @classmethod
    def of_array(cls, array: Any, elements: int | None = None) -> Blocks:
        """Pieces of an array in memory: NumPy's of a few megabytes, CuPy's as large as the device's memory allows."""
        if elements is None:
            elements = BLOCK if namespace(array) is np else block_elements(array, _BYTES_EACH)
        return cls.of_regions(regions(array.shape, elements), lambda region: array[as_slices(region)])

    @classmethod
    def of_regions(cls, which: Iterable[Region], read: Callable[[Region], np.ndarray]) -> Blocks:
        """One piece for each region, such as ``Blocks.of_regions(regions(shape, BLOCK), reader.read)``."""
        listed = tuple(which)
        return cls(len(listed), lambda number: read(listed[number]))


def as_slices(region: Region) -> tuple[slice, ...]:
    """``region`` as an index into an array."""
    return tuple(slice(*axis) for axis in region)
