"""The statistics of a tensor as data (methods.md §1). Computed in ``nnscope.compute.statistics.summary``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class TensorStats:
    """All of methods.md §1 over one tensor. Moments, extremes and histogram are over finite values only.

    Attributes
    ----------
    count, finite, nan, posinf, neginf, zeros, near_zero, positive : int
        Numbers of elements. ``near_zero`` counts |x| ≤ 1e-6·max|x|.
    min, max, mean, variance, abs_mean, abs_max : float
        NaN when there is no finite value. ``variance`` is the population variance.
    histogram : ndarray of int64, shape (256,)
        Counts over 256 equal bins of [``min``, ``max``]; they sum to ``finite``.
    median, mad, median_abs_nonzero : float
        Median, median absolute deviation about the median, and the median of non-zero |x| (scale of the log
        normalisation). Exact below 2**24 elements, else within one bin of a refined histogram (`quantile_error`).
    quantile_error : float
        Bound of the error of the three above; 0 when they are exact.
    sampled : float
        Share of the elements that was looked at, in (0, 1]; 1.0 means exact.
    """

    count: int
    finite: int
    nan: int
    posinf: int
    neginf: int
    zeros: int
    near_zero: int
    positive: int
    min: float
    max: float
    mean: float
    variance: float
    abs_mean: float
    abs_max: float
    histogram: np.ndarray
    median: float
    mad: float
    median_abs_nonzero: float
    quantile_error: float = 0.0
    sampled: float = 1.0

    @property
    def std(self) -> float:
        """Population standard deviation."""
        return math.sqrt(self.variance) if self.variance >= 0 else math.nan

    @property
    def frobenius(self) -> float:
        """Frobenius norm √Σx² over the finite values (scaled up when sampled)."""
        if not self.finite:
            return 0.0
        return math.sqrt(self.finite / self.sampled * (self.variance + self.mean**2))

    @property
    def signed(self) -> bool:
        """Whether values of both signs occur."""
        return self.min < 0 < self.max
