"""Where the spectrum of a matrix of noise ends: the Marchenko-Pastur law (methods.md §8).

Entries that are independent, of mean 0 and variance s², give a rows × columns matrix whose squared singular values lie
between s²(√rows − √columns)² and s²(√rows + √columns)², up to fluctuations of the upper end of the order of
s²(√r + √c)(1/√r + 1/√c)^(1/3), which follow the Tracy-Widom law (Johnstone 2001). What lies beyond is structure: an
*outlier* is a singular value above the edge by more than the law's 99 % point of that order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACY_WIDOM = 2.02  # 99 % point of the Tracy-Widom law of real matrices


@dataclass(frozen=True, slots=True)
class Bulk:
    """The spectrum of noise, in singular values (not squared).

    Attributes
    ----------
    low, high : float
        Edges of the bulk.
    beyond : float
        Singular value from which one in a hundred matrices of noise has its largest: what is above is an outlier.
    """

    low: float
    high: float
    beyond: float


def noise_bulk(shape: tuple[int, int], variance: float) -> Bulk:
    """The bulk for a matrix of that shape whose entries have that variance.

    Parameters
    ----------
    shape : (int, int)
        All is zero for a matrix without entries.
    variance : float
        Of an entry, at least 0. For a weight its own ‖W‖²_F/size is the one to begin with.
    """
    long, short = max(shape), min(shape)
    if not short:
        return Bulk(0.0, 0.0, 0.0)
    root_long, root_short = math.sqrt(max(long - 1, 1)), math.sqrt(short)
    spread = (root_long + root_short) * (1 / root_long + 1 / root_short) ** (1 / 3)
    edge = (math.sqrt(long) + math.sqrt(short)) ** 2
    scale = math.sqrt(variance)
    low = scale * (math.sqrt(long) - math.sqrt(short))
    return Bulk(low, scale * math.sqrt(edge), scale * math.sqrt(edge + TRACY_WIDOM * spread))


def outliers(sigma: np.ndarray | Sequence[float], bulk: Bulk) -> int:
    """How many of the singular values are beyond the bulk and its fluctuations."""
    return int(np.count_nonzero(np.asarray(sigma) > bulk.beyond))
