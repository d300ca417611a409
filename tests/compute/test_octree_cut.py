"""Leaves against the definition written as a recursion, and what must hold for any cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute.octree import cut as module
from nnscope.compute.octree.cut import cut, cut_leaves, cut_nodes
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.density import dense_magnitude
from nnscope.compute.octree.morton import decode
from nnscope.compute.octree.nodes import Nodes, Tolerance, reconstruct
from nnscope.core.errors import NnscopeError
from tests.compute.peak import peak_bytes

Box = tuple[tuple[int, int, int], int]

shapes = st.tuples(*[st.integers(0, 7)] * 3)
steps = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, 2.0, -1.0])
odd_steps = st.sampled_from([0.0, 0.5, 1.0, np.nan, np.inf, -np.inf])
volumes = arrays.arrays(np.float32, shapes, elements=steps)
odd_volumes = arrays.arrays(np.float32, shapes, elements=odd_steps)
tolerances = st.builds(
    Tolerance,
    st.sampled_from([0.0, 0.25, 0.5, 1.0, 5.0]),
    st.sampled_from([0.0, 0.02, 0.3, math.inf]),
    st.sampled_from([0.0, 0.5, 3.0]),
)


def leaves_by_definition(x: np.ndarray, tolerance: Tolerance) -> set[Box]:
    """Origin and side of each leaf, from §6 word by word."""
    dense = dense_magnitude(x)
    found: set[Box] = set()

    def visit(origin: tuple[int, int, int], side: int) -> None:
        block = x[tuple(slice(o, o + side) for o in origin)].astype(np.float64)
        if block.size == 0:
            return
        if side == 1 or admitted(block, dense, tolerance):
            found.add((origin, side))
            return
        half = side // 2
        for corner in np.ndindex(2, 2, 2):
            visit(tuple(o + half * c for o, c in zip(origin, corner, strict=True)), half)

    visit((0, 0, 0), 1 << max(0, *((size - 1).bit_length() for size in x.shape)))
    return found


def admitted(block: np.ndarray, dense: float, tolerance: Tolerance) -> bool:
    if not np.isfinite(block).all():
        return False
    rho = np.abs(block).mean() / dense if dense else 0.0
    factor = max(0.0, 1 + tolerance.density * (1 - rho))
    wide = block.max() - block.min() > tolerance.epsilon * factor
    return not wide and (math.isinf(tolerance.tau) or block.var() <= tolerance.tau * factor)


def boxes(nodes: Nodes) -> set[Box]:
    return {(tuple(map(int, o)), int(s)) for o, s in zip(nodes.origin, nodes.side, strict=True)}


@settings(max_examples=40, deadline=None)
@given(st.one_of(volumes, odd_volumes), tolerances)
def test_leaves_are_those_of_the_definition(x: np.ndarray, tolerance: Tolerance) -> None:
    found = cut(dense_octree(x), tolerance)
    leaves = cut_leaves(found)
    assert len(leaves) == found.leaf_count
    assert boxes(leaves) == leaves_by_definition(x, tolerance)


@settings(max_examples=30, deadline=None)
@given(st.one_of(volumes, odd_volumes), tolerances)
def test_leaves_tile_the_volume_once_within_the_tolerance(x: np.ndarray, tolerance: Tolerance) -> None:
    found = cut(dense_octree(x), tolerance)
    leaves, covered = cut_leaves(found), np.zeros(x.shape, int)
    dense, worst = dense_magnitude(x), 0.0
    for i, (origin, extent) in enumerate(zip(leaves.origin, leaves.extent(x.shape), strict=True)):
        where = tuple(slice(o, o + e) for o, e in zip(origin, extent, strict=True))
        covered[where] += 1
        block = x[where]
        assert leaves.count[i] == block.size
        assert leaves.nonfinite[i] == block.size - np.isfinite(block).sum()
        if leaves.nonfinite[i]:
            assert block.size == 1
            assert leaves.mean[i].tobytes() == block.tobytes()
            continue
        away = float(np.abs(block.astype(np.float64) - leaves.mean[i]).max())
        worst = max(worst, away)
        rho = leaves.abs_mean[i] / dense if dense else 0.0
        effective = tolerance.epsilon * max(0.0, 1 + tolerance.density * (1 - float(rho)))
        assert away <= leaves.max[i] - leaves.min[i] <= effective
    assert (covered == 1).all()
    assert leaves.count.sum() == x.size
    assert found.max_error == pytest.approx(worst, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.one_of(volumes, odd_volumes, arrays.arrays(np.float32, shapes, elements=st.floats(width=32))))
def test_without_tolerance_the_volume_comes_back_bit_for_bit(x: np.ndarray) -> None:
    back = reconstruct(cut_leaves(cut(dense_octree(x), Tolerance())), x.shape)
    positive_zero = np.where(x == 0, np.float32(0), x)
    assert np.where(back == 0, np.float32(0), back).tobytes() == positive_zero.tobytes()


@settings(max_examples=25, deadline=None)
@given(st.one_of(volumes, odd_volumes), tolerances)
def test_nodes_are_a_tree_in_order(x: np.ndarray, tolerance: Tolerance) -> None:
    found = cut(dense_octree(x), tolerance)
    nodes = cut_nodes(found)
    assert len(nodes) == found.node_count
    key = list(zip(-nodes.level.astype(int), nodes.code.tolist(), strict=True))
    assert key == sorted(set(key))
    assert boxes(nodes.leaves) == boxes(cut_leaves(found))
    children = {(level, code) for level, code in zip(nodes.level.tolist(), nodes.code.tolist(), strict=True)}
    named = {
        (level - 1, code << 3 | child)
        for level, code, mask in zip(nodes.level.tolist(), nodes.code.tolist(), nodes.child_mask.tolist(), strict=True)
        for child in range(8)
        if mask >> child & 1
    }
    roots = children - named
    assert named <= children
    assert len(roots) == min(1, x.size)
    if x.size:
        assert nodes.count[0] == x.size


def test_many_parts_and_threads_make_one_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 3, (17, 20, 9)).astype(np.float32)
    tree, tolerance = dense_octree(x), Tolerance(1.0, 0.2)
    whole = cut_nodes(cut(tree, tolerance))
    monkeypatch.setattr(module, "_BLOCK", 200)
    parts = cut_nodes(cut(tree, tolerance))
    for name in Nodes.__slots__:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_faint_regions_merge_before_dense_ones() -> None:
    x = np.zeros((8, 8, 16), np.float32)
    pattern = np.indices((8, 8, 8)).sum(axis=0) % 2
    x[:, :, :8] = 0.1 * pattern
    x[:, :, 8:] = 10 + 0.1 * pattern
    tree = dense_octree(x)
    assert cut(tree, Tolerance(0.06)).leaf_count == x.size
    found = cut_leaves(cut(tree, Tolerance(0.06, density=1.0)))
    assert len(found) == 1 + 8**3
    assert found.origin[found.level > 0].tolist() == [[0, 0, 0]]


def test_what_a_cut_says_of_itself() -> None:
    x = np.zeros((4, 4, 4), np.float32)
    whole = cut(dense_octree(x), Tolerance())
    assert (whole.leaf_count, whole.node_count, whole.nbytes, whole.max_error) == (1, 1, 5, 0.0)
    assert whole.compression == 4 * 64 / 5
    x[0, 0, 0] = 1
    found = cut(dense_octree(x), Tolerance())
    assert (found.leaf_count, found.node_count, found.voxels) == (15, 17, 8)
    assert found.nbytes == 9 + 4 * 15
    near = cut(dense_octree(x), Tolerance(1.0))
    assert near.max_error == pytest.approx(1 - 1 / 64)
    nothing = cut(dense_octree(np.zeros((0, 4, 4))), Tolerance())
    assert (nothing.leaf_count, nothing.compression) == (0, 1.0)


def test_places_of_nodes() -> None:
    x = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    leaves = cut_leaves(cut(dense_octree(x), Tolerance()))
    np.testing.assert_array_equal(leaves.mean, x[tuple(leaves.origin.T)])
    np.testing.assert_array_equal(decode(leaves.code) << leaves.level[:, None], leaves.origin)
    assert (leaves.extent(x.shape) == 1).all()


@pytest.mark.parametrize(
    "wrong", [{"epsilon": -1.0}, {"tau": math.nan}, {"density": -0.5}, {"density": math.inf}], ids=str
)
def test_tolerances_are_positive(wrong: dict[str, float]) -> None:
    with pytest.raises(NnscopeError, match="tolerance"):
        Tolerance(**wrong)


def test_memory_is_that_of_the_nodes() -> None:
    x = np.random.default_rng(0).normal(size=(128, 128, 128)).astype(np.float32)
    tree = dense_octree(x)
    assert peak_bytes(lambda: cut(tree, Tolerance())) <= x.nbytes
    found = cut(tree, Tolerance(4.0))
    assert peak_bytes(lambda: cut_leaves(found)) <= 2 * x.nbytes + 46 * found.leaf_count
