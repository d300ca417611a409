"""Steps of a training that went back, as one that starts over from a checkpoint does: which of them count."""

from __future__ import annotations

import numpy as np

from nnscope.core.answer import Series


def counting(steps: np.ndarray) -> np.ndarray:
    """Places of the steps that count, so that they rise: the newest of equal ones.

    Parameters
    ----------
    steps : ndarray of int64, shape (n,)
        In the order in which they were recorded.

    Returns
    -------
    ndarray of int64, shape (m,)
        Indices into ``steps``, m ≤ n.
    """
    _, newest = np.unique(steps[::-1], return_index=True)
    return np.asarray(len(steps) - 1 - newest, np.int64)


def rising(series: Series) -> Series:
    """What counts of numbers over steps; the very same where the steps rise already."""
    if bool(np.all(series.steps[1:] > series.steps[:-1])):
        return series
    places = counting(series.steps)
    return Series(series.address, series.name, series.steps[places], series.values[places])
