"""What leaves show on a grid and as a list, against each other and the reconstruction."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.compute.octree.cut import cut, cut_leaves
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.grid import is_leaf, node_count, node_grid, node_list
from nnscope.compute.octree.nodes import Tolerance, reconstruct


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 9, 3), (16, 16, 16)], ids=str)
@pytest.mark.parametrize("epsilon", [0.0, 0.5, 2.0, 100.0])
def test_grid_and_list_show_the_same_at_every_level(shape: tuple[int, int, int], epsilon: float) -> None:
    x = np.round(np.random.default_rng(0).normal(size=shape), 1).astype(np.float32)
    found = cut(dense_octree(x), Tolerance(epsilon))
    assert (node_grid(found, 0)[0] == reconstruct(cut_leaves(found), shape)).all()
    for level in range(found.tree.depth + 1):
        listed, (values, levels) = node_list(found, level), node_grid(found, level)
        assert len(listed.level) == node_count(found, level)
        painted, depth = np.full_like(values, np.nan), np.zeros_like(levels)
        for place, node, value in zip(listed.place, listed.level, listed.value, strict=True):
            side = 1 << int(node - level)
            part = tuple(slice(int(i) * side, (int(i) + 1) * side) for i in place)
            painted[part], depth[part] = value, node
        assert (painted == values).all()
        assert (depth == levels).all()
        assert np.abs(values).max() == pytest.approx(np.abs(x).max(), abs=epsilon)


def test_leaves_are_told_from_nodes_that_divide() -> None:
    x = np.zeros((8, 8, 8), np.float32)
    x[0, 0, 0] = 1
    found = cut(dense_octree(x), Tolerance())
    assert not is_leaf(found, 3, (0, 0, 0))
    assert not is_leaf(found, 1, (0, 0, 0))
    assert is_leaf(found, 0, (0, 0, 0))
    assert is_leaf(found, 2, (1, 1, 1))
    assert not is_leaf(found, 1, (3, 3, 3))
