"""A labelled sample of a large tensor: contiguous runs spread evenly over it, the same ones every time.

Runs are long enough that reading them costs little more than their bytes, and their starts are jittered so that no
period of the tensor (heads, experts, rows of one kind) meets the spacing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nnscope.core.request import Region

RUN = 1 << 14  # elements of a run, at most


@dataclass(frozen=True, slots=True)
class Sample:
    """Disjoint regions, and the share of all elements that they hold, in (0, 1]."""

    regions: tuple[Region, ...]
    share: float


def sample_regions(shape: tuple[int, ...], elements: int) -> Sample:
    """About ``elements`` elements of a tensor of this shape, in runs along its innermost axes.

    A tensor that is not larger is covered whole.
    """
    size = math.prod(shape)
    if size <= elements or size == 0:
        return Sample((tuple((0, n, 1) for n in shape),), 1.0)
    axis = next(a for a in range(len(shape)) if math.prod(shape[a + 1 :]) <= RUN)
    inner = math.prod(shape[axis + 1 :])
    length = min(shape[axis], max(1, RUN // inner))
    slots = math.prod(shape[:axis]) * (shape[axis] // length)  # disjoint places for a run
    count = min(slots, max(1, elements // (length * inner)))
    places = _spread(slots, count)
    found = tuple(_run(shape, axis, length, int(place)) for place in places)
    return Sample(found, count * length * inner / size)


def _spread(slots: int, count: int) -> np.ndarray:
    """``count`` different numbers below ``slots``: one somewhere in each of ``count`` equal strata."""
    edges = np.linspace(0, slots, count + 1).astype(np.int64)
    return np.random.default_rng(11).integers(edges[:-1], edges[1:])


def _run(shape: tuple[int, ...], axis: int, length: int, place: int) -> Region:
    outer, start = divmod(place, shape[axis] // length)
    head = np.unravel_index(outer, shape[:axis]) if axis else ()
    return (
        *((int(i), int(i) + 1, 1) for i in head),
        (start * length, (start + 1) * length, 1),
        *((0, n, 1) for n in shape[axis + 1 :]),
    )
