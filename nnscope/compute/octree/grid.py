"""What the leaves of an octree show, on the grid of a level or as a list (methods.md §6).

Leaves show their mean. A node that divides below the level asked for shows its value of largest magnitude, so that one
voxel that stands out is seen at every level. Levels are those of the octree: its voxels are level 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.octree.cut import listed
from nnscope.compute.octree.dense import HIGH, LOW, MEAN
from nnscope.compute.octree.morton import decode, encode
from nnscope.compute.parts import for_each, slices

if TYPE_CHECKING:
    from nnscope.compute.octree.cut import Cut
    from nnscope.compute.octree.dense import DenseOctree

_BLOCK = 1 << 14  # leaves that a thread paints at a time


@dataclass(frozen=True, slots=True, eq=False)
class NodeList:
    """Nodes, from the largest down, in Morton order within a level.

    Attributes
    ----------
    place : ndarray of int32, shape (n, 3)
        Each node's (z, y, x) among the blocks of its level.
    level : ndarray of uint8
    value : ndarray of float32
        What it shows; not finite for a node without a finite value.
    """

    place: np.ndarray
    level: np.ndarray
    value: np.ndarray


def node_count(found: Cut, level: int) -> int:
    """Number of nodes that `node_list` gives."""
    above = sum(len(_leaf_codes(found, k)) for k in range(level + 1, found.tree.depth + 1))
    return above + (len(found.codes[level - 1]) if level else found.voxels)


def node_list(found: Cut, level: int) -> NodeList:
    """The leaves of ``level`` and above, and the nodes of that level in place of what lies below."""
    parts = [_leaves(found, k) for k in range(found.tree.depth, level, -1)]
    parts.append(_nodes(found, level))
    down = range(found.tree.depth, level - 1, -1)
    levels = [np.full(len(place), k, np.uint8) for k, (place, _) in zip(down, parts, strict=True)]
    places, values = zip(*parts, strict=True)
    return NodeList(np.concatenate(places), np.concatenate(levels), np.concatenate(values))


def node_grid(found: Cut, level: int) -> tuple[np.ndarray, np.ndarray]:
    """The same on the grid of the level.

    Returns
    -------
    values : ndarray of float32, shape [z, y, x] of the level
        What the node in which each cell lies shows; not finite as in `NodeList`.
    levels : ndarray of uint8, same shape
        The level of that node.
    """
    values = found.tree.values.copy() if not level else _extremes(found.tree, level)
    levels = np.full(values.shape, level, np.uint8)
    if level:
        place, means = _leaves(found, level)
        values[tuple(place.T)] = means
    for k in range(level + 1, found.tree.depth + 1):
        codes = _leaf_codes(found, k)
        _paint(codes, k - level, _at(found.tree, k, MEAN, decode(codes)), values)
        _paint(codes, k - level, np.full(len(codes), k, np.uint8), levels)
    return values, levels


def is_leaf(found: Cut, level: int, place: tuple[int, int, int]) -> bool:
    """Whether the node of a level at (z, y, x) among its blocks is a leaf."""
    if not level:
        return True
    code = encode(np.array([place], np.int32))[0]
    codes, masks = found.codes[level - 1], found.masks[level - 1]
    at = int(np.searchsorted(codes, code))
    return at < len(codes) and codes[at] == code and masks[at] == 0


def _leaf_codes(found: Cut, level: int) -> np.ndarray:
    return np.asarray(found.codes[level - 1][found.masks[level - 1] == 0])


def _leaves(found: Cut, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and means of the leaves of a level above 0."""
    place = decode(_leaf_codes(found, level))
    return place, _at(found.tree, level, MEAN, place)


def _nodes(found: Cut, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of all nodes of a level, and what they show."""
    if not level:
        place = decode(listed(found, 0)[0])
        return place, found.tree.values[tuple(place.T)]
    place = decode(found.codes[level - 1])
    low, high = (_at(found.tree, level, field, place) for field in (LOW, HIGH))
    value = np.where(-low > high, low, high)
    leaf = found.masks[level - 1] == 0
    value[leaf] = _at(found.tree, level, MEAN, place[leaf])
    return place, value


def _extremes(tree: DenseOctree, level: int) -> np.ndarray:
    low, high = tree.levels[level - 1][LOW], tree.levels[level - 1][HIGH]
    return np.asarray(np.where(-low > high, low, high))


def _at(tree: DenseOctree, level: int, field: int, place: np.ndarray) -> np.ndarray:
    return np.asarray(tree.levels[level - 1][field][tuple(place.T)])


def _paint(codes: np.ndarray, up: int, shown: np.ndarray, grid: np.ndarray) -> None:
    """Fill the part of a grid under each block, which is ``up`` levels larger than its cells."""
    from nnscope.arrays.kernels.octree_cut import paint

    levels, masks = np.full(len(codes), up, np.uint8), np.zeros(len(codes), np.uint8)
    parts = slices(len(codes), _BLOCK)
    for_each(lambda i: paint(levels[parts[i]], codes[parts[i]], shown[parts[i]], masks[parts[i]], grid), len(parts))
