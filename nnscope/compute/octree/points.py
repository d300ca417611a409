"""The octree of scattered points: sorted by Morton code, runs of equal prefixes are the nodes (methods.md §6).

In Morton order the points of any block lie side by side, so each level is a scan of the one below, and nodes come out
sorted. Empty space has no nodes, and the values of a block are those of its points. Tolerances apply as in a dense
octree (`merge`); a block whose points all lie in one voxel is no larger than that voxel, and always a leaf there.
(Linear octrees: Gargantini 1982.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.decode import to_float32
from nnscope.compute.octree.density import dense_magnitude
from nnscope.compute.octree.morton import BITS, encode, sort_by_code
from nnscope.compute.octree.nodes import NodeRoom
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import for_each, read_only, slices
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.compute.octree.nodes import Nodes, Tolerance

_BLOCK = 1 << 16  # points or nodes that a thread takes at a time


@dataclass(frozen=True, slots=True, eq=False)
class PointOctree:
    """The octree of points.

    Attributes
    ----------
    nodes : Nodes
        All blocks that hold a point, down to single voxels; of a merged tree down to its leaves.
    order : ndarray of int32 (int64 from 2³¹ points on)
        The points sorted by Morton code: those of any node are `points_of` it.
    codes : ndarray of int64
        Their codes, ascending.
    dense : float
        The magnitude at which ρ is 1: the 99.5 % quantile of the points' |value|.
    """

    nodes: Nodes
    order: np.ndarray
    codes: np.ndarray
    dense: float

    def points_of(self, node: int) -> np.ndarray:
        """Indices of the points in a node, which may be many: a view into ``order``."""
        shift = 3 * int(self.nodes.level[node])
        first = int(self.nodes.code[node]) << shift
        start, stop = np.searchsorted(self.codes, [first, first + (1 << shift)])
        return self.order[start:stop]


def point_octree(cells: np.ndarray, values: np.ndarray, depth: int | None = None) -> PointOctree:
    """Build the octree of points down to single voxels.

    Parameters
    ----------
    cells : ndarray of integers, shape (n, 3)
        The voxel (z, y, x) of each point, in [0, 2²¹) along each axis. Several points may share one.
    values : ndarray, shape (n,)
        Any real dtype; kept as float32.
    depth : int or None
        Level of the root, so that all cells lie in [0, 2^depth); None for the smallest that holds them.

    Raises
    ------
    NnscopeError
        If there is not one value for each cell, or a cell lies outside.
    """
    if values.shape != cells.shape[:1]:
        raise NnscopeError("Points have one value each.", f"{values.shape} values for {cells.shape[:1]} cells")
    codes, order = sort_by_code(encode(cells))
    needed = -(-int(codes[-1]).bit_length() // 3) if len(codes) else 0
    depth = needed if depth is None else depth
    if not needed <= depth <= BITS:
        raise NnscopeError("The cells don't fit into this depth.", f"depth {depth}", f"They need {needed} to {BITS}.")
    held = to_float32(values)
    nodes = _build(codes, _sorted(read_only(held), order), depth)
    return PointOctree(nodes, order, codes, dense_magnitude(held))


def merge(tree: PointOctree, tolerance: Tolerance) -> PointOctree:
    """The tree with the largest blocks that pass as leaves, and nothing below them.

    Parameters
    ----------
    tree : PointOctree
    tolerance : Tolerance
    """
    nodes = tree.nodes
    rho = nodes.abs_mean / np.float32(tree.dense) if tree.dense else np.zeros_like(nodes.abs_mean)
    span = np.subtract(nodes.max, nodes.min, dtype=np.float64)
    inner = (nodes.child_mask != 0) & ~(tolerance.admits(span, nodes.variance, rho) & (nodes.nonfinite == 0))
    kept = np.zeros(len(nodes), bool)
    kept[:1] = True
    children, start = np.bitwise_count(nodes.child_mask), 0
    for level in range(int(nodes.level[0]) if len(nodes) else 0, 0, -1):
        stop = start + int(np.count_nonzero(nodes.level == level))
        below = slice(stop, stop + int(children[start:stop].sum()))
        inner[start:stop] &= kept[start:stop]
        kept[below] = np.repeat(inner[start:stop], children[start:stop])
        start = stop
    merged = nodes.where(kept)
    merged.child_mask[~inner[kept]] = 0
    return replace(tree, nodes=merged)


def _build(codes: np.ndarray, values: np.ndarray, depth: int) -> Nodes:
    """All levels, each from the one below it; the root's node comes first."""
    from nnscope.arrays.kernels.octree_points import join_children, join_points

    sizes = _level_sizes(codes, depth)
    room = NodeRoom.of(sum(sizes))
    out = room.code, room.fields, room.counts, room.child_mask
    at = sum(sizes) - sizes[0]
    room.level[at:] = 0
    _join(join_points, ((codes, values),), (out,), _runs(codes, (0, len(codes)), 0), at)
    for level in range(1, depth + 1):
        below, at = (at, at + sizes[level - 1]), at - sizes[level]
        room.level[at : below[0]] = level
        _join(join_children, (out,), (), _runs(room.code, below, 3), at)
    return room.nodes()


def _sorted(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    from nnscope.arrays.kernels.octree_points import take

    out, parts = np.empty(len(order), np.float32), slices(len(order), _BLOCK)
    for_each(lambda i: take(values, order[parts[i]], out[parts[i]]), len(parts))
    return out


def _level_sizes(codes: np.ndarray, depth: int) -> list[int]:
    """Number of nodes of each level, from the voxels up."""
    from nnscope.arrays.kernels.octree_points import count_levels

    parts = slices(len(codes), _BLOCK)

    def count(i: int) -> np.ndarray:
        found = np.zeros(BITS + 1, np.int64)
        count_levels(codes, (max(0, parts[i].start - 1), parts[i].stop), found)
        return found

    total = sum(map_blocks(count, len(parts)), np.zeros(BITS + 1, np.int64))
    return [int(total[level]) + min(1, len(codes)) for level in range(depth + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs of equal prefixes that begin in a part of sorted codes.

    Attributes
    ----------
    begin : int
        Where the part begins.
    starts : ndarray of int32
        Where each run begins, counted from there.
    end : int
        Where the last of them ends.
    number : int
        Number of runs before.
    """

    begin: int
    starts: np.ndarray
    end: int
    number: int


def _runs(codes: np.ndarray, span: tuple[int, int], shift: int) -> list[_Runs]:
    """Runs of equal ``code >> shift`` within ``span`` [from, to), part by part."""
    from nnscope.arrays.kernels.octree_points import list_runs

    within = codes[span[0] : span[1]]
    parts, starts = slices(len(within), _BLOCK), np.empty(len(within), np.int32)
    counts = list(
        map_blocks(lambda i: list_runs(within, (parts[i].start, parts[i].stop), shift, starts[parts[i]]), len(parts))
    )
    found, end, number = [], span[1], sum(counts)
    for part, count in zip(reversed(parts), reversed(counts), strict=True):
        if count:
            number -= count
            found.append(_Runs(span[0] + part.start, starts[part][:count], end, number))
            end = span[0] + part.start + int(starts[part.start])
    return found


def _join(
    kernel: Callable[..., None], given: tuple[Any, ...], out: tuple[Any, ...], runs: list[_Runs], at: int
) -> None:
    """Nodes of all runs, at ``at`` on, by a thread for each CPU."""

    def part(i: int) -> None:
        kernel(*given, runs[i].begin, runs[i].starts, runs[i].end, *out, at + runs[i].number)

    for_each(part, len(runs))
