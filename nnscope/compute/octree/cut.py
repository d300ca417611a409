"""Which blocks of a dense octree are leaves at given tolerances, and the nodes as arrays (methods.md §6).

The walk goes down from the root and only below blocks that divide, so a slider that moves costs what is shown, and at
most the levels above the voxels: those are counted, not visited, until their nodes are asked for. Blocks are known by
Morton code, whose order children inherit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.octree.nodes import NodeRoom
from nnscope.compute.parallel import map_blocks
from nnscope.compute.parts import for_each, read_only, slices

if TYPE_CHECKING:
    from nnscope.compute.octree.dense import DenseOctree
    from nnscope.compute.octree.nodes import Nodes, Tolerance

_BLOCK = 1 << 16  # nodes that a thread takes at a time
_NO_ODD = np.zeros((0, 0, 0), np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The octree of a volume, divided down to its leaves.

    Attributes
    ----------
    tree : DenseOctree
    tolerance : Tolerance
    codes : tuple of ndarray of int64
        From level 1 (empty where no block of it is a node) up to the root: Morton codes of the nodes, ascending.
    masks : tuple of ndarray of uint8
        Their child masks; 0 for leaves.
    voxels : int
        Number of leaves that are single voxels.
    max_error : float
        Largest |x − mean of its leaf| over all finite voxels: attained, not a bound.
    """

    tree: DenseOctree
    tolerance: Tolerance
    codes: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]
    voxels: int
    max_error: float

    @property
    def node_count(self) -> int:
        """Number of nodes, single voxels included."""
        return self.voxels + sum(map(len, self.codes))

    @property
    def leaf_count(self) -> int:
        """Number of leaves, single voxels included."""
        return self.node_count - sum(map(np.count_nonzero, self.masks))

    @property
    def nbytes(self) -> int:
        """Bytes that hold the tree: a child mask for each node above the voxels, a float32 mean for each leaf."""
        return self.node_count - self.voxels + 4 * self.leaf_count

    @property
    def compression(self) -> float:
        """Bytes of the volume as float32 over `nbytes`; 1 for an empty one."""
        return 4 * self.tree.values.size / self.nbytes if self.nbytes else 1.0


def cut(tree: DenseOctree, tolerance: Tolerance) -> Cut:
    """Divide blocks from the root down until each is a leaf.

    Parameters
    ----------
    tree : DenseOctree
        On the host.
    tolerance : Tolerance
    """
    codes, masks, error = [], [], 0.0
    frontier = np.zeros(min(1, tree.values.size), np.int64)
    for level in range(tree.depth, 0, -1):
        mask, children, most = _divide(tree, level, frontier, _limits(tree, tolerance))
        codes.append(frontier)
        masks.append(mask)
        error = max(error, most)
        if level > 1:
            frontier = _children(frontier, mask, children)
    voxels = sum(children) if tree.depth else len(frontier)
    return Cut(tree, tolerance, tuple(codes[::-1]), tuple(masks[::-1]), voxels, error)


def cut_leaves(found: Cut) -> Nodes:
    """The leaves as arrays."""
    return _nodes(found, leaves_only=True)


def cut_nodes(found: Cut) -> Nodes:
    """All nodes as arrays."""
    return _nodes(found, leaves_only=False)


def listed(found: Cut, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Morton codes, ascending, and child masks of the nodes of a level."""
    if level:
        return found.codes[level - 1], found.masks[level - 1]
    codes = np.zeros(found.voxels, np.int64)
    if found.codes:
        parents, masks = found.codes[0], found.masks[0]
        counts = [int(np.bitwise_count(masks[part]).sum()) for part in slices(len(parents), _BLOCK)]
        codes = _children(parents, masks, counts)
    return codes, np.zeros(len(codes), np.uint8)


def _limits(tree: DenseOctree, tolerance: Tolerance) -> tuple[float, float, float, float]:
    dense = tree.dense if tolerance.density else 0.0
    return min(tolerance.epsilon, 1e300), min(tolerance.tau, 1e300), tolerance.density, 1 / dense if dense else 0.0


def _divide(
    tree: DenseOctree, level: int, codes: np.ndarray, limits: tuple[float, float, float, float]
) -> tuple[np.ndarray, list[int], float]:
    """Child masks of blocks, the number of children in each part of `_BLOCK` blocks, and the largest error."""
    from nnscope.arrays.kernels.octree_cut import divide

    masks, parts = np.empty(len(codes), np.uint8), slices(len(codes), _BLOCK)
    below = tree.levels[level - 2].shape[1:] if level > 1 else tree.shape
    data = tree.levels[level - 1], tree.odd[level - 1] if tree.odd else _NO_ODD, below, limits
    found = list(map_blocks(lambda i: divide(codes[parts[i]], *data, masks[parts[i]]), len(parts)))
    return masks, [children for children, _ in found], max((error for _, error in found), default=0.0)


def _children(codes: np.ndarray, masks: np.ndarray, counts: list[int]) -> np.ndarray:
    from nnscope.arrays.kernels.octree_cut import list_children

    ends = np.cumsum([0, *counts])
    out, parts = np.empty(int(ends[-1]), np.int64), slices(len(codes), _BLOCK)
    for_each(lambda i: list_children(codes[parts[i]], masks[parts[i]], out[ends[i] : ends[i + 1]]), len(parts))
    return out


def _nodes(found: Cut, *, leaves_only: bool) -> Nodes:
    room = NodeRoom.of(found.leaf_count if leaves_only else found.node_count)
    at = 0
    for level in range(found.tree.depth, -1, -1):
        codes, masks = listed(found, level)
        if leaves_only and level:
            leaf = masks == 0
            codes, masks = codes[leaf], masks[leaf]
        place = slice(at, at + len(codes))
        room.level[place], room.code[place], room.child_mask[place] = level, codes, masks
        _read(found.tree, level, room, place)
        at = place.stop
    return room.nodes()


def _read(tree: DenseOctree, level: int, room: NodeRoom, place: slice) -> None:
    """Values of the nodes in a place, whose codes are there."""
    from nnscope.arrays.kernels.octree_cut import read_blocks, read_voxels

    nodes = room.code, room.fields, room.counts
    spans = [(place.start + part.start, place.start + part.stop) for part in slices(place.stop - place.start, _BLOCK)]
    if level:
        data = tree.levels[level - 1], tree.odd[level - 1] if tree.odd else _NO_ODD, 1 << level, tree.shape
        for_each(lambda i: read_blocks(nodes, spans[i], *data), len(spans))
    else:
        values = read_only(tree.values)
        for_each(lambda i: read_voxels(nodes, spans[i], values), len(spans))
