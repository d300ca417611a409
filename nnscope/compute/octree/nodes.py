"""What an octree over a volume is made of: nodes as arrays, and the tolerances by which blocks merge (methods.md §6).

A block of side 2^level becomes a leaf when max − min ≤ ε·f and variance ≤ τ·f, with f = max(0, 1 + g·(1 − ρ)); ρ is
the block's mean |x| over the 99.5 % quantile of |x| of the whole tensor, so dense blocks divide and faint ones merge.
Blocks are looked at from the root down: the largest that pass are leaves, whatever is in them. A single voxel always
is one. So leaves tile the volume once, and |x − mean| ≤ max − min ≤ ε·f for every voxel of a leaf; with ε = g = 0 the
leaves' means are the volume, bit for bit but for the sign of zero (a block of zeros of both signs is one block).

Values that are not finite are counted, never averaged, and a block with one of them never becomes a leaf: it divides
until the voxel stands alone, as a leaf that holds what the voxel holds. A block with no finite value at all has mean 0,
min +inf and max −inf.

Padding to a cube of a power of two is virtual: blocks outside the volume don't exist, blocks across its edge hold what
is inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nnscope.compute.octree.morton import decode
from nnscope.compute.parts import for_each, slices
from nnscope.core.errors import NnscopeError

Shape = tuple[int, int, int]

_BLOCK = 1 << 16  # leaves that a thread writes at a time


@dataclass(frozen=True, slots=True)
class Tolerance:
    """When a block becomes a leaf.

    Attributes
    ----------
    epsilon : float
        Largest max − min of a leaf, ≥ 0, in the tensor's unit.
    tau : float
        Largest variance of a leaf, ≥ 0; infinite for no such bound.
    density : float
        g ≥ 0: how much more faint blocks may differ; 0 treats all alike.

    Raises
    ------
    NnscopeError
        If one of them is negative or not a number.
    """

    epsilon: float = 0.0
    tau: float = math.inf
    density: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epsilon", "tau", "density"):
            value = getattr(self, name)
            if not value >= 0 or (name == "density" and math.isinf(value)):
                raise NnscopeError("A tolerance is a number from zero up.", f"{name} = {value!r}")

    def admits(self, span: Any, variance: Any, rho: Any) -> Any:
        """Whether blocks pass, of arrays or numbers: ``span`` is max − min, ``rho`` as above."""
        factor = np.maximum(0.0, 1 + self.density * (1 - np.asarray(rho, np.float64)))
        return (span <= min(self.epsilon, 1e300) * factor) & (variance <= min(self.tau, 1e300) * factor)


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Nodes of an octree, level by level from the root, in Morton order within a level; arrays of the same length.

    Attributes
    ----------
    level : ndarray of uint8
        The node's side is 2^level voxels.
    code : ndarray of int64
        Morton code of its place among the blocks of its level (`nnscope.compute.octree.morton`).
    mean, variance, min, max, abs_mean : ndarray of float32
        Of the finite values in it; see the module for blocks that have none. Population variance, at most the
        largest float32.
    count, nonfinite : ndarray of int64
        Values in it, and how many of these are not finite.
    child_mask : ndarray of uint8
        Bit 4·z + 2·y + x is set when that child is a node; 0 for a leaf.
    """

    level: np.ndarray
    code: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    min: np.ndarray
    max: np.ndarray
    abs_mean: np.ndarray
    count: np.ndarray
    nonfinite: np.ndarray
    child_mask: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    @property
    def side(self) -> np.ndarray:
        """Voxels along an edge, int64; at the volume's end a block covers fewer."""
        return np.asarray(np.left_shift(1, self.level, dtype=np.int64))

    @property
    def origin(self) -> np.ndarray:
        """First voxel (z, y, x) of each node, int32, shape (n, 3)."""
        return np.asarray(decode(self.code) << self.level[:, None])

    def extent(self, shape: Shape) -> np.ndarray:
        """Voxels (z, y, x) that each node covers of a volume of ``shape``, int32, shape (n, 3)."""
        origin = self.origin
        return np.asarray(np.minimum(self.side.astype(np.int32)[:, None], np.asarray(shape, np.int32) - origin))

    @property
    def leaves(self) -> Nodes:
        """The nodes without children."""
        return self.where(self.child_mask == 0)

    def where(self, chosen: np.ndarray) -> Nodes:
        """Some of the nodes, by indices or a mask."""
        return Nodes(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class NodeRoom:
    """Room for nodes, in the layout that kernels fill.

    Attributes
    ----------
    level, code, child_mask : ndarray, shape (n,)
        As in `Nodes`.
    fields : ndarray of float32, shape (5, n)
        Mean, variance, minimum, maximum, mean |x|.
    counts : ndarray of int64, shape (2, n)
        Values, and those that are not finite.
    """

    level: np.ndarray
    code: np.ndarray
    fields: np.ndarray
    counts: np.ndarray
    child_mask: np.ndarray

    @classmethod
    def of(cls, n: int) -> NodeRoom:
        """Undefined values."""
        level, mask = np.empty(n, np.uint8), np.empty(n, np.uint8)
        return cls(level, np.empty(n, np.int64), np.empty((5, n), np.float32), np.empty((2, n), np.int64), mask)

    def nodes(self) -> Nodes:
        """The nodes, once all is filled; shares the memory."""
        mean, variance, low, high, abs_mean = self.fields
        count, nonfinite = self.counts
        return Nodes(self.level, self.code, mean, variance, low, high, abs_mean, count, nonfinite, self.child_mask)


def reconstruct(nodes: Nodes, shape: Shape) -> np.ndarray:
    """The volume that the leaves show: each voxel has the mean of its leaf.

    Parameters
    ----------
    nodes : Nodes
        Of an octree over the volume; nodes that are no leaves are passed over.
    shape : (int, int, int)
        Of the volume, (z, y, x).

    Returns
    -------
    ndarray of float32
        Zero where there is no leaf, as between points.
    """
    from nnscope.arrays.kernels.octree_cut import paint

    volume = np.zeros(shape, np.float32)
    parts = slices(len(nodes), _BLOCK)

    def fill(i: int) -> None:
        part = parts[i]
        paint(nodes.level[part], nodes.code[part], nodes.mean[part], nodes.child_mask[part], volume)

    for_each(fill, len(parts))
    return volume
