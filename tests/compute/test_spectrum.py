"""Singular values against numpy.linalg.svd in float64, exact and randomized, with their certificate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.spectra import matrix as spectrum_matrix
from nnscope.compute.spectra import singular_values as spectrum
from nnscope.compute.spectra.singular_values import top_singular_values
from nnscope.core.errors import Cancelled, NnscopeError
from tests.scene.sources import ArraySource


def reader(array: np.ndarray):
    return ArraySource({"w": array}).reader("w")


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=4).map(tuple),
    st.sampled_from([np.float16, np.float32, np.float64, np.int8]),
    st.integers(0, 1000),
)
def test_small_spectra_are_exact(shape: tuple[int, ...], dtype: type, seed: int) -> None:
    array = (np.random.default_rng(seed).normal(size=shape) * 20).astype(dtype)
    found = top_singular_values(reader(array), 64)
    matrix = array.astype(np.float64).reshape(shape[0], -1)
    expected = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(found.sigma, expected, rtol=1e-6, atol=1e-6 * max(1.0, expected[0]))
    assert found.exact
    assert found.shape == matrix.shape
    assert found.frobenius == pytest.approx(np.linalg.norm(matrix), rel=1e-9)


def test_ranks() -> None:
    found = top_singular_values(reader(np.eye(5, dtype=np.float32)), 5)
    assert found.stable_rank == pytest.approx(5)
    assert found.effective_rank == pytest.approx(5)
    one = top_singular_values(reader(np.outer(np.arange(4.0), np.arange(1.0, 7))), 4)
    assert one.stable_rank == pytest.approx(1)
    assert one.effective_rank == pytest.approx(1)


@pytest.mark.parametrize("shape", [(500, 8), (8, 500), (8, 50, 3, 3)], ids=str)
def test_an_elongated_matrix_goes_through_its_triangular_factor(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum_matrix, "BAND", 64)
    array = np.random.default_rng(0).normal(size=shape)
    expected = np.linalg.svd(array.reshape(shape[0], -1), compute_uv=False)
    np.testing.assert_allclose(top_singular_values(reader(array), 8).sigma, expected, rtol=1e-12)


def test_large_spectra_are_found_and_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "EXACT_SIDE", 100)
    monkeypatch.setattr(spectrum_matrix, "BAND", 5000)
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(n, 200)))[0] for n in (300, 400))
    array = ((u * 0.9 ** np.arange(200)) @ v.T).astype(np.float32)
    found = top_singular_values(reader(array), 8)
    expected = np.linalg.svd(array.astype(np.float64), compute_uv=False)
    assert not found.exact
    np.testing.assert_allclose(found.sigma, expected[:8], rtol=1e-3)
    assert found.residual < 1e-2
    assert found.frobenius == pytest.approx(np.linalg.norm(array), rel=1e-5)
    assert np.isnan(found.effective_rank)


@pytest.mark.parametrize("shape", [(300, 240), (240, 300), (250, 40, 3, 3)], ids=str)
@pytest.mark.parametrize("size", [1e-44, 1e-20, 1.0, 1e37, 1e250])
def test_spectra_that_hardly_decay_and_any_magnitude(
    shape: tuple[int, ...], size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrum, "EXACT_SIDE", 100)
    monkeypatch.setattr(spectrum_matrix, "BAND", 5000)
    noise = np.random.default_rng(0).uniform(-5, 5, shape)
    array = (noise * size).astype(np.float64 if size > 1e38 else np.float32)
    found = top_singular_values(reader(array), 4)
    expected = np.linalg.svd(array.astype(np.float64).reshape(shape[0], -1), compute_uv=False)
    np.testing.assert_allclose(found.sigma, expected[:4], rtol=1e-3)
    assert 0 < found.residual < 0.05
    assert found.frobenius == pytest.approx(expected[0] * np.linalg.norm(expected / expected[0]), rel=1e-6)


def test_a_small_residual_is_a_true_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "EXACT_SIDE", 10)
    rng = np.random.default_rng(0)
    array = (rng.normal(size=(200, 5)) @ rng.normal(size=(5, 150))).astype(np.float32)  # rank 5, and 8 are asked for
    found = top_singular_values(reader(array), 8)
    expected = np.linalg.svd(array.astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(found.sigma[:5], expected[:5], rtol=1e-6)
    assert (found.sigma[5:] < 1e-3 * expected[0]).all()
    zeros = top_singular_values(reader(np.zeros((200, 150), np.float32)), 8)
    assert not zeros.sigma.any()
    assert (zeros.residual, zeros.frobenius) == (0.0, 0.0)


def test_a_search_can_be_cancelled() -> None:
    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        top_singular_values(reader(np.ones((3, 3))), 2, progress=cancel)


def test_odd_values_count_as_zero_and_are_told() -> None:
    array = np.array([[np.nan, 1.0], [np.inf, 0.0]])
    found = top_singular_values(reader(array), 2)
    assert "2 values" in found.note
    np.testing.assert_allclose(found.sigma, [1.0, 0.0], atol=1e-12)


def test_zeros_have_no_rank() -> None:
    found = top_singular_values(reader(np.zeros((3, 4))), 2)
    assert (found.stable_rank, found.effective_rank) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(), (4,), (0, 3), (3, 0, 2)], ids=str)
def test_what_is_no_matrix_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NnscopeError, match="need a matrix"):
        top_singular_values(reader(np.zeros(shape)), 2)
