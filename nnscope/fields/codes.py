"""Other ways to hold a tensor in few bytes, each at most as many as asked for: what a field stands beside.

Every code is a function from the values and the bytes to (what comes back, bytes used). Where the least it can use is
more, it says so by its bytes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.octree.cut import cut, cut_leaves
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.nodes import Tolerance, reconstruct

if TYPE_CHECKING:
    from collections.abc import Callable

    Coded = tuple[np.ndarray, int]
    Code = Callable[[np.ndarray, int], Coded]

_BISECTIONS = 30


def octree_code(values: np.ndarray, most: int) -> Coded:
    """Leaves of an octree at the finest tolerance that fits: a float32 for each leaf, a byte for each node above."""
    volume = values if values.ndim == 3 else values[None]
    tree = dense_octree(volume)
    low, high = 0.0, float(np.ptp(values)) or 1.0
    best = cut(tree, Tolerance(high))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        found = cut(tree, Tolerance(middle))
        if found.nbytes <= most:
            high, best = middle, found
        else:
            low = middle
    z, y, x = volume.shape
    return reconstruct(cut_leaves(best), (z, y, x)).reshape(values.shape), int(best.nbytes)


def pyramid_code(values: np.ndarray, most: int) -> Coded:
    """The finest level of the mip pyramid that fits, interpolated linearly between its cells' centres."""
    level = values.astype(np.float64)
    halvings = 0
    while 4 * level.size > most and max(level.shape) > 1:
        level, halvings = _halved(level), halvings + 1
    held = 4 * level.size
    for axis, size in enumerate(values.shape):
        level = _stretched(level, axis, size, 1 << halvings)
    return level.astype(np.float32), held


def svd_code(values: np.ndarray, most: int) -> Coded:
    """The truncated SVD of the tensor as a matrix of its first axis × the rest, of as many ranks as fit."""
    matrix = values.reshape(values.shape[0], -1)
    each = 4 * (matrix.shape[0] + matrix.shape[1] + 1)
    rank = min(most // each, min(matrix.shape))
    if rank == 0:
        return np.zeros_like(values), 0
    u, s, v = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    found = (u[:, :rank] * s[:rank]) @ v[:rank]
    return found.reshape(values.shape).astype(np.float32), rank * each


def quantised(bits: int) -> Code:
    """Plain quantisation to ``bits`` between minimum and maximum; of as many values as fit, the mean for the rest.

    With fewer bytes than the values need it keeps those of largest distance from the mean, each with a bit for whether
    it is kept.
    """

    def code(values: np.ndarray, most: int) -> Coded:
        low, high = float(values.min()), float(values.max())
        steps = (1 << bits) - 1
        scale = (high - low) / steps or 1.0
        found = (np.round((values.astype(np.float64) - low) / scale) * scale + low).astype(np.float32)
        whole = 8 + math.ceil(values.size * bits / 8)
        if whole <= most:
            return found, whole
        mask = math.ceil(values.size / 8)
        count = max(0, (most - 12 - mask) * 8 // bits)
        return _strongest(values, found, count), 12 + mask + math.ceil(count * bits / 8)

    return code


def _strongest(values: np.ndarray, found: np.ndarray, count: int) -> np.ndarray:
    """``found`` where ``values`` are farthest from their mean, the mean elsewhere."""
    mean = float(values.mean(dtype=np.float64))
    out = np.full(values.size, mean, np.float32)
    far = np.argsort(-np.abs(values.ravel() - np.float32(mean)), kind="stable")[:count]
    out[far] = found.ravel()[far]
    return out.reshape(values.shape)


def _halved(x: np.ndarray) -> np.ndarray:
    """Means of pairs along each axis; a cell at an odd end stands for itself."""
    for axis in range(x.ndim):
        starts = np.arange(0, x.shape[axis], 2)
        counts = np.diff([*starts, x.shape[axis]])
        shape = [-1 if a == axis else 1 for a in range(x.ndim)]
        x = np.add.reduceat(x, starts, axis=axis) / counts.reshape(shape)
    return x


def _stretched(x: np.ndarray, axis: int, size: int, side: int) -> np.ndarray:
    """``x`` along ``axis``, whose cells are ``side`` long, at the centres of ``size`` cells of length 1."""
    starts = np.arange(x.shape[axis]) * side
    centres = (starts + np.minimum(starts + side, size)) / 2
    place = np.interp(np.arange(size) + 0.5, centres, np.arange(len(centres)))
    low = np.minimum(place.astype(np.int64), max(0, len(centres) - 2))
    high = np.minimum(low + 1, len(centres) - 1)
    share = (place - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    return np.asarray(np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share)
