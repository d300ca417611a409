"""The magnitude that counts as dense in an octree: the 99.5 % quantile of |x| (methods.md §6).

Found exactly without a sort: bit patterns of float32 magnitudes rise with the magnitude, so counting their upper 16
bits, then the lower 16 of those that share the quantile's upper ones, ends at the very pattern.
"""

from __future__ import annotations

import math

import numpy as np

from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import read_only, slices

_SHARE = 0.995
_BLOCK = 1 << 20


def dense_magnitude(values: np.ndarray) -> float:
    """The smallest |x| that at least 99.5 % of the finite values don't exceed.

    Parameters
    ----------
    values : ndarray of float32, C-contiguous, any shape

    Returns
    -------
    float
        Where that quantile is zero, the largest |x| stands for it; 0 when all are zero, or none is finite.
    """
    bits = read_only(values.reshape(-1).view(np.int32))
    upper = _count(bits, 16, 0)
    total = int(upper.sum())
    if total == 0:
        return 0.0
    found = _at(bits, upper, math.ceil(_SHARE * total))
    return found if found > 0 else _at(bits, upper, total)


def _at(bits: np.ndarray, upper: np.ndarray, rank: int) -> float:
    """The magnitude of a rank, from 1."""
    ranks = np.cumsum(upper)
    prefix = int(np.searchsorted(ranks, rank))
    lower = np.cumsum(_count(bits, 0, prefix))
    within = rank - (int(ranks[prefix]) - int(upper[prefix]))
    pattern = prefix << 16 | int(np.searchsorted(lower, within))
    return float(np.uint32(pattern).view(np.float32))


def _count(bits: np.ndarray, shift: int, prefix: int) -> np.ndarray:
    from nnscope.arrays.kernels.octree import count_magnitudes

    parts = slices(len(bits), _BLOCK)

    def part(i: int) -> np.ndarray:
        counts = np.zeros(1 << 16, np.int64)
        count_magnitudes(bits[parts[i]], shift, prefix, counts)
        return counts

    total = np.zeros(1 << 16, np.int64)
    for counts in map_blocks(part, len(parts)):
        total += counts
    return total
