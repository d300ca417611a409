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


_CHUNK = 1 << 12  # codes that stay in the first-level cache


@compiled
def count_levels(codes: np.ndarray, span: Span, counts: np.ndarray) -> None:
    """Add to ``counts[k]`` how many runs of equal ``code >> 3·k`` begin within ``span`` [from, to), after its first."""
    for start in range(span[0] + 1, span[1], _CHUNK):
        after, before = codes[start : min(start + _CHUNK, span[1])], codes[start - 1 :]
        top = codes[0] ^ codes[len(codes) - 1]  # no two codes differ further up
        level = 0
        while top >> 3 * level:
            found = 0
            for i in range(len(after)):
                found += (after[i] ^ before[i]) >> 3 * level != 0
            counts[level] += found
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
        value = values[first]
        if stop - first == 1 and math.isfinite(value):
            node = at + i
            codes[node], masks[node], counts[0, node], counts[1, node] = point_codes[first], 0, 1, 0
            fields[MEAN, node], fields[VARIANCE, node], fields[MAGNITUDE, node] = value, 0, abs(value)
            fields[LOW, node], fields[HIGH, node] = value, value
            continue
        n, total, squares, magnitude, low, high = 0, 0.0, 0.0, 0.0, np.inf, -np.inf
        for k in range(first, stop):
            held = float(values[k])
            if math.isfinite(held):
                n += 1
                total += held
                magnitude += abs(held)
                low, high = min(low, held), max(high, held)
        mean = total / max(n, 1)
        if low < high:
            for k in range(first, stop):
                apart = float(values[k]) - mean
                squares += apart * apart if math.isfinite(apart) else 0.0
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
        if stop - first == 1:
            _copy(nodes, first, at + i)
            continue
        n, total, squares, magnitude, low, high = 0, 0.0, 0.0, 0.0, np.inf, -np.inf
        mask, points = 0, 0
        for child in range(first, stop):
            finite = counts[0, child] - counts[1, child]
            mask |= 1 << (codes[child] & 7)
            points += counts[0, child]
            n += finite
            total += finite * float(fields[MEAN, child])
            magnitude += finite * float(fields[MAGNITUDE, child])
            low, high = min(low, fields[LOW, child]), max(high, fields[HIGH, child])
        mean = total / max(n, 1)
        if low < high:
            for child in range(first, stop):
                apart = fields[MEAN, child] - mean
                squares += (counts[0, child] - counts[1, child]) * (fields[VARIANCE, child] + apart * apart)
        node = at + i
        codes[node], masks[node] = codes[first] >> 3, mask
        counts[0, node], counts[1, node] = points, points - n
        _store(fields, node, n, mean, squares, magnitude, low, high)


@compiled
def _copy(nodes: Fields, child: int, node: int) -> None:
    """A parent of one child."""
    codes, fields, counts, masks = nodes
    codes[node], masks[node] = codes[child] >> 3, 1 << (codes[child] & 7)
    counts[0, node], counts[1, node] = counts[0, child], counts[1, child]
    for field in range(5):
        fields[field, node] = fields[field, child]


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
