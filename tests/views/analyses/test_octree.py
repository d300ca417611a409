"""Leaves of a volume in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.tensor import Tensor

    Make = Callable[[np.ndarray], Tensor]


def filled(leaves: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The volume that the leaves' means make."""
    made = np.full(shape, np.nan, np.float32)
    for (z, y, x), side, mean in zip(leaves["origin"], leaves["side"], leaves["mean"], strict=True):
        made[z : z + side, y : y + side, x : x + side] = mean
    return made


def test_without_tolerance_the_leaves_are_the_volume(tensor: Make) -> None:
    values = np.random.default_rng(0).integers(0, 3, (5, 9, 7)).astype(np.float32)
    found = tensor(values).analyse("octree-leaves")
    assert (filled(found.arrays, values.shape) == values).all()
    assert dict(found.facts)["max_error"] == 0


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 5.0])
def test_the_error_is_attained_and_within_the_tolerance(tensor: Make, epsilon: float) -> None:
    values = np.random.default_rng(1).random((8, 8, 8), np.float32)
    found = tensor(values).analyse("octree-leaves", epsilon=epsilon)
    facts = dict(found.facts)
    error = np.abs(filled(found.arrays, values.shape) - values).max()
    assert error == pytest.approx(facts["max_error"], rel=1e-5)
    assert error <= epsilon
    assert facts["leaf_count"] == len(found.arrays["mean"])
    assert found.arrays["count"].sum() == values.size


def test_what_is_not_finite_stands_alone(tensor: Make) -> None:
    values = np.zeros((8, 8, 8), np.float32)
    values[2, 3, 5] = np.nan
    found = tensor(values).analyse("octree-leaves", epsilon=1.0)
    odd = np.flatnonzero(found.arrays["nonfinite"])
    assert len(odd) == 1
    assert found.arrays["origin"][odd[0]].tolist() == [2, 3, 5]
    assert found.arrays["side"][odd[0]] == 1


def test_rows_are_found_again_in_the_blocks_of_their_places(tensor: Make) -> None:
    rng = np.random.default_rng(2)
    clusters = np.array([[0, 0, 0, 0], [9, 0, 0, 0], [0, 5, 0, 0]], np.float32)
    values = (clusters.repeat(40, axis=0) + 0.01 * rng.normal(size=(120, 4))).astype(np.float32)
    found = tensor(values).analyse("row-octree", depth=4, epsilon=0.0)
    facts = dict(found.facts)
    assert found.arrays["count"].sum() == facts["points"] == 120
    assert facts["explained"] == pytest.approx(1, abs=1e-3)
    spread = values.max(axis=0) - values.min(axis=0)
    assert facts["side"] * 16 == pytest.approx(np.linalg.norm(clusters[1] - clusters[2]), rel=0.1)
    assert facts["side"] * 16 <= np.linalg.norm(spread)
    norms = np.linalg.norm(values.astype(np.float64), axis=1)
    assert (found.arrays["mean"] * found.arrays["count"]).sum() == pytest.approx(norms.sum(), rel=1e-5)
    assert found.arrays["min"].min() == pytest.approx(norms.min(), rel=1e-6)
    whole = tensor(values).analyse("row-octree", depth=4)
    assert whole.arrays["count"].tolist() == [120]  # no tolerance is exceeded: one block holds all
