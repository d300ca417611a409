"""Long arrays in parts: one for each call of a compiled kernel, on a few threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.compute.parallel import map_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


def slices(count: int, size: int) -> list[slice]:
    """Consecutive parts of ``size``, fewer at the end."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def for_each(work: Callable[[int], object], count: int) -> None:
    """``work(0)`` … ``work(count − 1)``, by a thread for each CPU."""
    for _ in map_blocks(work, count):
        pass


def read_only(array: np.ndarray) -> np.ndarray:
    """A view that can't be written: one type for compiled code, whether the array comes from a file or not."""
    view = array.view()
    view.flags.writeable = False
    return view
