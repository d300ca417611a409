"""Cutting a tensor into regions that are read one after another: contiguous in C order, of bounded size."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.request import Region


def regions(shape: tuple[int, ...], elements: int) -> Iterator[Region]:
    """Regions of at most ``elements`` elements (at least one) that cover ``shape`` once, in C order.

    Every region is contiguous in a C-ordered tensor: one index on the outer axes, a range on one axis, all of the
    inner axes.
    """
    if 0 in shape:
        return
    axis = next((a for a in range(len(shape)) if math.prod(shape[a + 1 :]) <= elements), len(shape))
    if axis == len(shape):  # rank 0
        yield ()
        return
    step = max(1, elements // math.prod(shape[axis + 1 :]))
    inner = tuple((0, n, 1) for n in shape[axis + 1 :])
    for outer in itertools.product(*map(range, shape[:axis])):
        head = tuple((i, i + 1, 1) for i in outer)
        for start in range(0, shape[axis], step):
            yield (*head, (start, min(start + step, shape[axis]), 1), *inner)
