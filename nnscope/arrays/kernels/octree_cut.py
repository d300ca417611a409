"""Walking a dense octree: which blocks divide, their children, their values, and painting leaves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.arrays.compiled import compiled
from nnscope.arrays.kernels.morton import gather
from nnscope.arrays.kernels.octree import HIGH, LOW, MAGNITUDE, MEAN, VARIANCE

if TYPE_CHECKING:
    import numpy as np

    Fields = tuple[np.ndarray, np.ndarray, np.ndarray]
    Limits = tuple[float, float, float, float]
    Shape = tuple[int, int, int]
    Span = tuple[int, int]


@compiled
def divide(
    codes: np.ndarray, level: np.ndarray, odd: np.ndarray, below: Shape, limits: Limits, masks: np.ndarray
) -> tuple[int, float]:
    """The masks of the children of blocks that divide; 0 for leaves.

    ``below`` is the shape of the level below, ``limits`` are ε, τ, g and 1/(the magnitude at which ρ is 1); ``odd`` is
    empty when all voxels are finite. Gives the number of children, and the largest |x − mean| of a leaf.
    """
    children, error = 0, 0.0
    epsilon, tau, density, per_dense = limits
    for i in range(len(codes)):
        z, y, x = gather(codes[i] >> 2), gather(codes[i] >> 1), gather(codes[i])
        low, high = float(level[LOW, z, y, x]), float(level[HIGH, z, y, x])
        factor = max(0.0, 1.0 + density * (1.0 - level[MAGNITUDE, z, y, x] * per_dense))
        merges = high - low <= epsilon * factor and level[VARIANCE, z, y, x] <= tau * factor
        if merges and (odd.size == 0 or odd[z, y, x] == 0):
            masks[i] = 0
            error = max(error, max(high - level[MEAN, z, y, x], level[MEAN, z, y, x] - low))
            continue
        nx, ny, nz = 2 * x + 1 < below[2], 2 * y + 1 < below[1], 2 * z + 1 < below[0]
        mask = 3 if nx else 1
        mask |= mask << 2 if ny else 0
        masks[i] = mask | (mask << 4 if nz else 0)
        children += (1 + nx) * (1 + ny) * (1 + nz)
    return children, error


@compiled
def list_children(codes: np.ndarray, masks: np.ndarray, out: np.ndarray) -> None:
    """Codes of the children that ``masks`` name, in order."""
    at = 0
    for i in range(len(codes)):
        if masks[i] == 255:
            for child in range(8):
                out[at + child] = codes[i] << 3 | child
            at += 8
            continue
        for child in range(8):
            if masks[i] >> child & 1:
                out[at] = codes[i] << 3 | child
                at += 1


@compiled
def read_blocks(
    nodes: Fields, span: Span, level: np.ndarray, odd: np.ndarray, side: int, size: Shape
) -> None:  # fmt: skip
    """Values of the blocks in the ``span`` [from, to) of ``nodes``: (codes [n], fields [field, n], counts [2, n]).

    Counts are those of voxels, and of those that are not finite; ``side`` is the blocks', ``size`` the volume's.
    """
    codes, fields, counts = nodes
    for i in range(span[0], span[1]):
        z, y, x = gather(codes[i] >> 2), gather(codes[i] >> 1), gather(codes[i])
        for f in range(5):
            fields[f, i] = level[f, z, y, x]
        counts[0, i] = min(side, size[0] - z * side) * min(side, size[1] - y * side) * min(side, size[2] - x * side)
        counts[1, i] = odd[z, y, x] if odd.size else 0


@compiled
def read_voxels(nodes: Fields, span: Span, values: np.ndarray) -> None:
    """As `read_blocks`, of single voxels, which are what they are, finite or not."""
    codes, fields, counts = nodes
    for i in range(span[0], span[1]):
        value = values[gather(codes[i] >> 2), gather(codes[i] >> 1), gather(codes[i])]
        fields[MEAN, i] = fields[LOW, i] = fields[HIGH, i] = value
        fields[VARIANCE, i], fields[MAGNITUDE, i] = 0, abs(value)
        counts[0, i], counts[1, i] = 1, not math.isfinite(value)


@compiled
def paint(levels: np.ndarray, codes: np.ndarray, means: np.ndarray, masks: np.ndarray, volume: np.ndarray) -> None:
    """Fill each leaf's part of ``volume`` with its mean."""
    for i in range(len(codes)):
        if masks[i]:
            continue
        side, mean = 1 << levels[i], means[i]
        z, y, x = gather(codes[i] >> 2) * side, gather(codes[i] >> 1) * side, gather(codes[i]) * side
        for k in range(z, min(z + side, volume.shape[0])):
            for j in range(y, min(y + side, volume.shape[1])):
                for n in range(x, min(x + side, volume.shape[2])):
                    volume[k, j, n] = mean
