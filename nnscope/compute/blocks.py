"""A tensor as pieces that can be read again, in any order, from any thread: what every streaming method takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.arrays.backend import to_host
from nnscope.sources.blocks import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np

    from nnscope.core.request import Region

BLOCK = 1 << 20  # elements read at once: a few megabytes


@dataclass(frozen=True, slots=True)
class Blocks:
    """Pieces of a tensor that cover it once (or a sample of it).

    Attributes
    ----------
    count : int
        Number of pieces.
    read : callable
        ``read(i)`` gives piece ``i`` in the tensor's own dtype; thread-safe, the same values each time.
    """

    count: int
    read: Callable[[int], np.ndarray]

    @classmethod
    def of_array(cls, array: Any, elements: int = BLOCK) -> Blocks:
        """Pieces of an array in memory (NumPy, or CuPy, which then comes to the host piece by piece)."""
        return cls.of_regions(regions(array.shape, elements), lambda region: to_host(array[as_slices(region)]))

    @classmethod
    def of_regions(cls, which: Iterable[Region], read: Callable[[Region], np.ndarray]) -> Blocks:
        """One piece for each region, such as ``Blocks.of_regions(regions(shape, BLOCK), reader.read)``."""
        listed = tuple(which)
        return cls(len(listed), lambda number: read(listed[number]))


def as_slices(region: Region) -> tuple[slice, ...]:
    """``region`` as an index into an array."""
    return tuple(slice(*axis) for axis in region)
