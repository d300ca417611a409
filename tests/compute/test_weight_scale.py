"""Norms of channels, the scaled map, and ranks."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.compute.spectra.ranks import condition, effective_rank, stable_rank
from nnscope.compute.spectra.weight_scale import scaled_map, weight_scale


@pytest.mark.parametrize("shape", [(6,), (5, 7), (4, 3, 3, 3)], ids=str)
def test_norms(shape: tuple[int, ...]) -> None:
    w = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = weight_scale(w)
    expected = np.linalg.norm(w.reshape(len(w), -1).astype(np.float64), axis=1)
    np.testing.assert_allclose(found.channels, expected, rtol=1e-12)
    assert found.frobenius == pytest.approx(np.linalg.norm(w.astype(np.float64)), rel=1e-12)
    assert found.ratio.max() == 1.0
    scaled = scaled_map(w, found.ratio)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[0], w[0] * found.ratio[0], rtol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e-40, 1e30, 1e300])
def test_any_magnitude(size: float) -> None:
    found = weight_scale(np.array([[3.0, 4.0], [0.0, 1.0]]) * size)
    np.testing.assert_allclose(found.channels, np.array([5, 1]) * size, rtol=1e-12)
    np.testing.assert_allclose(found.ratio, [1, 0.2], rtol=1e-12)


def test_odd_values_count_as_zero() -> None:
    found = weight_scale(np.array([[np.nan, 3.0], [np.inf, 4.0]]))
    np.testing.assert_array_equal(found.channels, [3, 4])
    assert found.frobenius == 5


@pytest.mark.parametrize("w", [np.zeros((3, 4)), np.zeros((0, 4)), np.zeros((3, 0))], ids=lambda w: str(w.shape))
def test_zeros_have_no_scale(w: np.ndarray) -> None:
    found = weight_scale(w)
    assert found.frobenius == 0
    assert found.ratio.tolist() == [0.0] * len(w)


def test_ranks() -> None:
    assert stable_rank(np.sqrt(5.0), 1.0) == pytest.approx(5)
    assert effective_rank(np.ones(5)) == pytest.approx(5)
    assert effective_rank(np.array([2.0, 0.0])) == pytest.approx(1)
    assert condition(np.array([8.0, 4.0, 2.0])) == 4
    assert condition(np.array([8.0, 0.0])) == np.inf
    assert (stable_rank(0.0, 0.0), effective_rank(np.zeros(3)), condition(np.zeros(3))) == (0.0, 0.0, 1.0)
