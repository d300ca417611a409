"""Estimates of norms and the top singular pair against matrices that are written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.jacobian import EstimateOptions, PowerOptions, sensitivity, top_singular
from nnscope.core.errors import Cancelled, NnscopeError


def matrix(outputs: int, inputs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(outputs, inputs))


@given(st.integers(1, 8), st.integers(1, 9), st.integers(0, 99))
def test_few_outputs_are_exact(outputs: int, inputs: int, seed: int) -> None:
    j = matrix(outputs, inputs, seed)
    found = sensitivity(lambda v: j.T @ v, (outputs,))
    assert found.exact
    assert found.converged
    assert found.samples == outputs
    assert found.norm == pytest.approx(np.linalg.norm(j))
    np.testing.assert_allclose(found.per_input, (j**2).sum(axis=0))
    assert found.squared_norm_error == 0
    assert not found.per_input_error.any()


def test_estimates_come_within_their_errors() -> None:
    j = matrix(60, 40) * np.linspace(0.1, 3, 40)
    apart, norms = [], []
    for seed in range(30):
        found = sensitivity(lambda v: j.T @ v, (60,), EstimateOptions(seed=seed))
        assert found.converged
        assert not found.exact
        assert found.squared_norm_error <= 0.05 * found.squared_norm
        norms.append((found.squared_norm - np.sum(j**2)) / found.squared_norm_error)
        apart.append((found.per_input - (j**2).sum(axis=0)) / found.per_input_error)
    assert 0.5 < np.std(norms) < 2.5  # standard errors are of the right size
    assert 0.7 < np.std(apart) < 2
    assert abs(np.mean(norms)) < 1


def test_the_sample_count_follows_the_error_asked_for() -> None:
    j = matrix(50, 30)
    counts = [
        sensitivity(lambda v: j.T @ v, (50,), EstimateOptions(relative_error=error)).samples
        for error in (0.2, 0.05, 0.02)
    ]
    assert counts[0] < counts[1] < counts[2]
    capped = sensitivity(lambda v: j.T @ v, (50,), EstimateOptions(relative_error=1e-6, max_samples=20))
    assert (capped.samples, capped.converged) == (20, False)


def test_shapes_and_the_same_seed() -> None:
    j = matrix(6 * 8, 3 * 5)

    def vjp(v: np.ndarray) -> np.ndarray:
        assert v.shape == (6, 8)
        return (j.T @ v.reshape(-1)).reshape(3, 5)

    first, second = sensitivity(vjp, (6, 8)), sensitivity(vjp, (6, 8))
    assert first.per_input.shape == first.per_input_error.shape == (3, 5)
    np.testing.assert_array_equal(first.per_input, second.per_input)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_top_singular_pair(outputs: int, inputs: int, seed: int) -> None:
    u, s, vt = np.linalg.svd(matrix(outputs, inputs, seed), full_matrices=False)
    s = s[0] * 0.6 ** np.arange(len(s))  # with a gap
    j = (u * s) @ vt
    found = top_singular(lambda x: j @ x, lambda v: j.T @ v, (inputs,))
    assert found.converged
    assert found.sigma == pytest.approx(s[0], rel=1e-5)
    assert abs(found.right @ vt[0]) == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(j @ found.right, found.sigma * found.left, atol=1e-2 * s[0])
    assert found.right[np.abs(found.right).argmax()] > 0
    assert found.residual < 1e-2


def test_the_residual_is_a_certificate() -> None:
    j = np.diag([3.0, 2.999, 1.0])
    found = top_singular(lambda x: j @ x, lambda v: j.T @ v, (3,), PowerOptions(max_iterations=3))
    assert not found.converged
    squares = np.diagonal(j) ** 2
    assert np.abs(squares - found.sigma**2).min() <= found.residual * found.sigma**2 + 1e-12


def test_zeros_are_defined() -> None:
    zero = np.zeros((50, 4))
    found = sensitivity(lambda v: zero.T @ v, (50,))
    assert (found.norm, found.squared_norm_error, found.converged, found.samples) == (0, 0, True, 8)
    top = top_singular(lambda x: zero @ x, lambda v: zero.T @ v, (4,))
    assert (top.sigma, top.residual, top.converged) == (0, 0, True)
    assert not top.right.any()


@pytest.mark.parametrize(("outputs", "inputs"), [(0, 3), (2, 0), (0, 0), (1, 1)], ids=str)
def test_nothing_is_defined(outputs: int, inputs: int) -> None:
    j = np.ones((outputs, inputs))
    found = sensitivity(lambda v: j.T @ v, (outputs,))
    assert found.per_input.shape == (inputs,)
    assert found.squared_norm == outputs * inputs
    top = top_singular(lambda x: j @ x, lambda v: j.T @ v, (inputs,))
    assert top.sigma == pytest.approx(math.sqrt(outputs * inputs))


def test_what_is_refused() -> None:
    with pytest.raises(NnscopeError, match="not finite"):
        sensitivity(lambda v: np.full(3, np.nan), (2,))
    with pytest.raises(NnscopeError, match="not finite"):
        top_singular(lambda x: np.full(2, np.inf), lambda v: v, (2,))
    for bad in (lambda: EstimateOptions(relative_error=0), lambda: EstimateOptions(max_samples=2)):
        with pytest.raises(NnscopeError, match=r"above zero|too few"):
            bad()
    with pytest.raises(NnscopeError, match="one iteration"):
        PowerOptions(max_iterations=0)


def test_both_can_be_cancelled() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    j = matrix(50, 3)
    with pytest.raises(Cancelled):
        sensitivity(lambda v: j.T @ v, (50,), progress=cancel)
    with pytest.raises(Cancelled):
        top_singular(lambda x: j @ x, lambda v: j.T @ v, (3,), progress=cancel)
