"""Statistics of a tensor over all steps of a run, from those of each step (methods.md §1).

Counts, extremes, means and the variance are those of all values of all steps together: with n the finite values of a
step, N their sum and bars for means over N, the variance is (Σ n·(v + m²))/N − m̄² (Chan, Golub, LeVeque 1983). Medians
can't be had that way. In their place stands the median over the steps of each of them: a scale that belongs to no one
step and that a few odd steps don't move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.statistics import TensorStats

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUMS = ("count", "finite", "nan", "posinf", "neginf", "zeros", "near_zero", "positive")
_BINS = 256


def pooled(history: Mapping[str, np.ndarray]) -> TensorStats:
    """The statistics of all steps together.

    Parameters
    ----------
    history : mapping of str to ndarray of float64, shape (steps,)
        By field of `TensorStats`; at least one step.

    Returns
    -------
    TensorStats
        ``near_zero`` is relative to the greatest value of each step; ``histogram`` is empty, and
        ``median``, ``mad`` and ``median_abs_nonzero`` are medians over the steps.
    """
    sums = {name: int(history[name].sum()) for name in _SUMS}
    weights = history["finite"] / max(1, sums["finite"])
    present = history["finite"] > 0
    if not present.any():
        return _nothing(sums)
    weights, found = weights[present], {name: values[present] for name, values in history.items()}
    mean = float(weights @ found["mean"])
    variance = float(weights @ (found["variance"] + (found["mean"] - mean) ** 2))
    return TensorStats(
        **sums,
        min=float(found["min"].min()),
        max=float(found["max"].max()),
        mean=mean,
        variance=variance,
        abs_mean=float(weights @ found["abs_mean"]),
        abs_max=float(found["abs_max"].max()),
        histogram=np.zeros(_BINS, np.int64),
        median=float(np.median(found["median"])),
        mad=float(np.median(found["mad"])),
        median_abs_nonzero=float(np.median(found["median_abs_nonzero"])),
        quantile_error=float(found["quantile_error"].max()),
        sampled=float(history["sampled"].min()),
    )


def _nothing(sums: dict[str, int]) -> TensorStats:
    n = float("nan")
    return TensorStats(
        **sums,
        min=n,
        max=n,
        mean=n,
        variance=n,
        abs_mean=n,
        abs_max=n,
        histogram=np.zeros(_BINS, np.int64),
        median=n,
        mad=n,
        median_abs_nonzero=n,
    )
