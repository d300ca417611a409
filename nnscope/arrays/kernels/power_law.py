"""The cut-off of a power law whose Kolmogorov-Smirnov distance is least, found without computing every distance.

A distance is a maximum over the values above a cut-off, so any of them bounds it from below; and between two values
both distribution functions only rise, which bounds it from above. A cut-off is given up at the first value where it is
worse than the best so far, tried first where the cut-off before was worst; intervals that can't hold the maximum are
never entered. 2048 values take some ten thousand exponentials instead of two million, with the same result.

The definition is `nnscope.compute.spectra.power_law.scan_all`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnscope.arrays.compiled import compiled

COARSE = 16  # every so many cut-offs are looked at first, for a good bound
STACK = 64  # intervals that wait: a bisection of 2**63 values needs no more


@compiled
def best_cut(logs: Any, sums: Any, starts: Any) -> int:
    """Place in ``starts`` of the best cut-off; the first of several, −1 if there is none.

    ``logs`` of the values, ascending; ``sums[i]`` of ``logs[i:]``; ``starts`` are the first places of distinct values.
    """
    best, least = -1, math.inf
    worst = 0
    for phase in range(2):
        for s in range(starts.size):
            if (s % COARSE == 0) != (phase == 0):
                continue
            i = starts[s]
            n = logs.size - i
            spread = sums[i] - n * logs[i]
            if n < 2 or spread <= 0:
                continue
            found, worst = _distance(logs, i, n / spread, least, worst)
            if found < least or (found == least and s < best):
                best, least = s, found
    return best


@compiled
def _gap(logs: Any, i: int, j: int, rate: float) -> float:
    """Fitted minus empirical distribution function at value ``i + j`` of the tail that begins at ``i``."""
    gap: float = -math.expm1(-rate * (logs[i + j] - logs[i])) - j / (logs.size - i)
    return gap


@compiled
def _distance(logs: Any, i: int, rate: float, least: float, hint: int) -> Any:
    """Largest |gap| and its value's place, or any that is beyond ``least``."""
    n = logs.size - i
    j = min(max(hint - i, 0), n - 1)
    largest, place = abs(_gap(logs, i, j, rate)), i + j
    if largest > least:
        return largest, place
    first, last = np.empty(STACK, np.int64), np.empty(STACK, np.int64)
    left, right = np.empty(STACK), np.empty(STACK)  # gaps at both ends
    first[0], last[0] = 0, n - 1
    left[0], right[0] = 0.0, _gap(logs, i, n - 1, rate)
    if abs(right[0]) > largest:
        largest, place = abs(right[0]), i + n - 1
    waiting = 1
    while waiting:
        waiting -= 1
        a, b, low, high = first[waiting], last[waiting], left[waiting], right[waiting]
        if b - a < 2:
            continue
        slack = (b - a - 1) / n  # the empirical function rises by this between them
        if max(high + slack, slack - low) <= largest:
            continue
        middle = (a + b) // 2
        gap = _gap(logs, i, middle, rate)
        if abs(gap) > largest:
            largest, place = abs(gap), i + middle
            if largest > least:
                return largest, place
        first[waiting], last[waiting], left[waiting], right[waiting] = a, middle, low, gap
        first[waiting + 1], last[waiting + 1], left[waiting + 1], right[waiting + 1] = middle, b, gap, high
        waiting += 2
    return largest, place
