"""Octrees of scattered points against the points under each block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.octree import points as module
from nnscope.compute.octree.cut import cut, cut_nodes
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.nodes import Nodes, Tolerance, reconstruct
from nnscope.compute.octree.points import PointOctree, merge, point_octree
from nnscope.core.errors import NnscopeError
from tests.compute.peak import peak_bytes

ODD = np.array([np.nan, np.inf, -np.inf, 0.0], np.float32)


def scattered(seed: int, n: int, most: int, odd: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Cells, many of which coincide, and values."""
    rng = np.random.default_rng(seed)
    cells, values = rng.integers(0, most, (n, 3)), rng.integers(-3, 4, n).astype(np.float32)
    return cells, np.where(rng.random(n) < 0.1, rng.choice(ODD, n), values) if odd else values


def check(tree: PointOctree, cells: np.ndarray, values: np.ndarray) -> None:
    """Every node against its points, found without codes."""
    nodes = tree.nodes
    for i, (origin, side) in enumerate(zip(nodes.origin, nodes.side, strict=True)):
        inside = np.flatnonzero(((cells >= origin) & (cells < origin + side)).all(axis=1))
        assert sorted(tree.points_of(i)) == inside.tolist()
        held = values[inside].astype(np.float64)
        assert nodes.count[i] == len(held)
        assert nodes.nonfinite[i] == (~np.isfinite(held)).sum()
        check_values(nodes, i, held[np.isfinite(held)])


def check_values(nodes: Nodes, i: int, held: np.ndarray) -> None:
    if not held.size:
        assert (nodes.mean[i], nodes.variance[i], nodes.min[i], nodes.max[i]) == (0, 0, np.inf, -np.inf)
        return
    assert (nodes.min[i], nodes.max[i]) == (held.min(), held.max())
    assert nodes.mean[i] == pytest.approx(held.mean(), abs=1e-6)
    assert nodes.abs_mean[i] == pytest.approx(np.abs(held).mean(), abs=1e-6)
    assert nodes.variance[i] == pytest.approx(held.var(), rel=1e-5, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.sampled_from([1, 2, 5, 16, 2**21]), st.booleans())
def test_nodes_hold_their_points(seed: int, n: int, most: int, odd: bool) -> None:
    cells, values = scattered(seed, n, most, odd)
    tree = point_octree(cells, values)
    check(tree, cells, values)
    assert len(tree.nodes.where(tree.nodes.level == 0)) == len(np.unique(cells, axis=0))


def test_many_parts_and_threads_make_one_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, values = scattered(1, 2000, 30, odd=True)
    whole = point_octree(cells, values).nodes
    monkeypatch.setattr(module, "_BLOCK", 100)
    parts = point_octree(cells, values).nodes
    for name in Nodes.__slots__:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


@pytest.mark.parametrize("tolerance", [Tolerance(), Tolerance(2.0), Tolerance(3.0, 0.5), Tolerance(2.0, density=2.0)])
@pytest.mark.parametrize("odd", [False, True])
def test_a_full_volume_is_the_dense_octree(tolerance: Tolerance, odd: bool) -> None:
    cells = np.stack(np.indices((9, 8, 5)), axis=-1).reshape(-1, 3)
    values = scattered(3, len(cells), 2, odd)[1]
    values[:200] = 1
    found = merge(point_octree(cells, values), tolerance).nodes
    expected = cut_nodes(cut(dense_octree(values.reshape(9, 8, 5)), tolerance))
    for name in ("level", "code", "count", "nonfinite", "child_mask"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    whole = np.isfinite(expected.mean)
    np.testing.assert_allclose(found.mean[whole], expected.mean[whole], atol=1e-6)
    np.testing.assert_allclose(found.variance[whole], expected.variance[whole], rtol=1e-5, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([2, 7, 64]), st.floats(0, 7), st.floats(0, 2))
def test_leaves_hold_each_point_once(seed: int, n: int, most: int, epsilon: float, density: float) -> None:
    cells, values = scattered(seed, n, most, odd=True)
    tolerance = Tolerance(epsilon, density=density)
    tree = merge(point_octree(cells, values), tolerance)
    leaves = np.flatnonzero(tree.nodes.child_mask == 0)
    held = np.concatenate([tree.points_of(i) for i in leaves])
    assert sorted(held) == list(range(n))
    larger = tree.nodes.where(leaves[tree.nodes.level[leaves] > 0])
    rho = larger.abs_mean / tree.dense if tree.dense else np.zeros(len(larger))
    assert (larger.max - larger.min <= epsilon * np.maximum(0, 1 + density * (1 - rho)) + 1e-5).all()
    assert not larger.nonfinite.any()


def test_leaves_of_points_can_be_painted() -> None:
    cells, values = np.array([[0, 0, 0], [3, 3, 3], [3, 3, 3]]), np.array([1.0, 2.0, 4.0])
    volume = reconstruct(point_octree(cells, values).nodes, (4, 4, 4))
    assert volume[0, 0, 0] == 1
    assert volume[3, 3, 3] == 3
    assert np.count_nonzero(volume) == 2


def test_no_points_make_no_nodes() -> None:
    tree = point_octree(np.zeros((0, 3), int), np.zeros(0))
    assert len(tree.nodes) == len(merge(tree, Tolerance()).nodes) == 0
    assert tree.dense == 0


def test_a_deeper_root_can_be_asked_for() -> None:
    nodes = point_octree(np.array([[1, 0, 1]]), np.array([5.0]), depth=3).nodes
    assert nodes.level.tolist() == [3, 2, 1, 0]
    assert nodes.code.tolist() == [0, 0, 0, 5]
    assert nodes.child_mask.tolist() == [1, 1, 1 << 5, 0]


@pytest.mark.parametrize(
    ("cells", "values", "depth", "said"),
    [
        (np.zeros((2, 3), int), np.zeros(3), None, "one value each"),
        (np.full((1, 3), 8), np.zeros(1), 3, "fit into"),
        (np.zeros((1, 3), int), np.zeros(1), 22, "fit into"),
    ],
    ids=["values", "shallow", "too deep"],
)
def test_what_does_not_fit_is_refused(cells: np.ndarray, values: np.ndarray, depth: int | None, said: str) -> None:
    with pytest.raises(NnscopeError, match=said):
        point_octree(cells, values, depth)


def test_memory_is_that_of_the_nodes() -> None:
    rng = np.random.default_rng(0)
    cells, values = rng.integers(0, 128, (600_000, 3)).astype(np.int32), rng.normal(size=600_000).astype(np.float32)
    result = point_octree(cells, values)
    held = 46 * len(result.nodes) + result.order.nbytes + result.codes.nbytes
    assert peak_bytes(lambda: point_octree(cells, values)) <= 2 * (cells.nbytes + values.nbytes) + held
