"""Nodes over runs of sorted Morton codes: the points of a cell, or the children of a parent, lie side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.compiled import compiled
from nnscope.arrays.kernels.octree import FLOAT32_MAX, HIGH, LOW, MAGNITUDE, MEAN, VARIANCE

if TYPE_CHECKING:
    Fields = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    Points = tuple[np.ndarray, np.ndarray]
    Span = tuple[int, int]


@compiled
def count_levels(codes: np.ndarray, span: Span, counts: np.ndarray) -> None:
    """Add to ``counts[k]`` how many runs of equal ``code >> 3·k`` begin within ``span`` [from, to), after its first."""
    for i in range(span[0] + 1, span[1]):
        differs, level = codes[i] ^ codes[i - 1], 0
        while differs:
            counts[level] += 1
            differs >>= 3
            level += 1


@compiled
def list_runs(codes: np.ndarray, span: Span, shift: int, starts: np.ndarray) -> int:
    """Where runs of equal ``code >> shift`` begin in ``span``, counted from its beginning; gives their number."""
    found = 0
    for i in range(span[0], span[1]):
        if i == 0 or codes[i] >> shift != codes[i - 1] >> shift:
            starts[found] = i - span[0]
            found += 1
    return found


@compiled
def take(values: np.ndarray, order: np.ndarray, out: np.ndarray) -> None:
    """``values[order]``: apart from all else, so that many loads are under way at once."""
    for i in range(len(order)):
        out[i] = values[order[i]]


@compiled
def join_points(points: Points, begin: int, starts: np.ndarray, end: int, out: Fields, at: int) -> None:
    """A node for each run of ``points``: (codes [n], values [n]).

    Runs are at ``begin + starts``, the last one up to ``end``. Nodes go to ``at`` on in ``out``: (codes [n],
    fields [field, n], counts [2, n], masks [n]).
    """
    point_codes, values = points
    codes, fields, counts, masks = out
    for i in range(len(starts)):
        first, stop = begin + starts[i], begin + starts[i + 1] if i + 1 < len(starts) else end
        n, mean, squares, magnitude, low, high = 0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for k in range(first, stop):
            value = float(values[k])
            if math.isfinite(value):
                n += 1
                apart = value - mean
                mean += apart / n
                squares += apart * (value - mean)
                magnitude += abs(value)
                low, high = min(low, value), max(high, value)
        node = at + i
        codes[node], masks[node] = point_codes[first], 0
        counts[0, node], counts[1, node] = stop - first, stop - first - n
        _store(fields, node, n, mean, squares, magnitude, low, high)


@compiled
def join_children(nodes: Fields, begin: int, starts: np.ndarray, end: int, at: int) -> None:
    """As `join_points`, a node for each run of children, which are among the ``nodes`` themselves."""
    codes, fields, counts, masks = nodes
    for i in range(len(starts)):
        first, stop = begin + starts[i], begin + starts[i + 1] if i + 1 < len(starts) else end
        n, mean, squares, magnitude, low, high = 0, 0.0, 0.0, 0.0, np.inf, -np.inf
        mask, total = 0, 0
        for child in range(first, stop):
            mask |= 1 << (codes[child] & 7)
            total += counts[0, child]
            finite = counts[0, child] - counts[1, child]
            if finite:
                n += finite
                apart = fields[MEAN, child] - mean
                mean += apart * finite / n
                squares += finite * (fields[VARIANCE, child] + apart * (fields[MEAN, child] - mean))
                magnitude += finite * float(fields[MAGNITUDE, child])
                low, high = min(low, fields[LOW, child]), max(high, fields[HIGH, child])
        node = at + i
        codes[node], masks[node] = codes[first] >> 3, mask
        counts[0, node], counts[1, node] = total, total - n
        _store(fields, node, n, mean, squares, magnitude, low, high)


@compiled
def _store(
    fields: np.ndarray, at: int, n: int, mean: float, squares: float, magnitude: float, low: float, high: float
) -> None:
    """Sums of ``n`` finite values as a node."""
    if n == 0:
        mean = squares = magnitude = 0.0
    fields[MEAN, at] = min(max(mean, low), high) if n else 0.0
    fields[VARIANCE, at] = min(squares / max(n, 1), FLOAT32_MAX)
    fields[MAGNITUDE, at] = min(magnitude / max(n, 1), FLOAT32_MAX)
    fields[LOW, at], fields[HIGH, at] = low, high
