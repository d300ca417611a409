"""The graph of tokens against scipy.sparse.csgraph and numpy.linalg.eigh."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse.csgraph
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.attention import laplacian as module
from nnscope.compute.attention.laplacian import components, laplacian, token_graph
from nnscope.core.errors import NnscopeError
from tests.compute.attentions import attention
from tests.compute.peak import peak_bytes


def blocks(*sizes: int, seed: int = 0) -> np.ndarray:
    """Attention inside blocks only."""
    whole = np.zeros((sum(sizes), sum(sizes)), np.float32)
    at = 0
    for number, size in enumerate(sizes):
        whole[at : at + size, at : at + size] = attention(1, size, seed + number)[0]
        at += size
    return whole


@given(st.integers(1, 12), st.booleans(), st.booleans(), st.integers(0, 99))
def test_the_matrix(tokens: int, normalised: bool, causal: bool, seed: int) -> None:
    a = attention(1, tokens, seed, causal)[0]
    symmetric = (a.astype(np.float64) + a.T) / 2
    np.fill_diagonal(symmetric, 0)
    expected = scipy.sparse.csgraph.laplacian(symmetric, normed=normalised)
    np.testing.assert_allclose(laplacian(a, normalised), expected, atol=1e-6)


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "Lanczos"])
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("sizes", [(24,), (9, 15), (5, 12, 1, 8), (1,) * 20, (30, 2)], ids=str)
def test_eigenpairs_and_components(
    sizes: tuple[int, ...], normalised: bool, dense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not dense:
        monkeypatch.setattr(module, "DENSE_SIDE", 4)
    shuffled = np.random.default_rng(0).permutation(sum(sizes))
    a = blocks(*sizes)[np.ix_(shuffled, shuffled)]
    found = token_graph(a, 5, normalised)
    matrix = laplacian(a, normalised)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(matrix)[:5], atol=2e-5)
    np.testing.assert_allclose(matrix @ found.eigenvectors, found.eigenvectors * found.eigenvalues, atol=2e-3)
    np.testing.assert_allclose(found.eigenvectors.T @ found.eigenvectors, np.eye(5), atol=1e-5)
    assert found.converged
    assert found.components == len(sizes) == len(set(found.labels))
    count, labels = scipy.sparse.csgraph.connected_components(a != 0, directed=False)
    assert found.components == count
    assert {(x, y) for x, y in zip(labels, found.labels, strict=True)} == {(i, i) for i in range(count)}
    assert (np.diff(found.labels[found.order]) >= 0).all()  # a component's tokens stay together
    assert sorted(found.order) == list(range(len(a)))


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "Lanczos"])
def test_the_fiedler_order_undoes_a_shuffle(dense: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not dense:
        monkeypatch.setattr(module, "DENSE_SIDE", 4)
    at = np.arange(40)
    band = np.exp(-np.abs(at[:, None] - at) / 2.0)
    two = np.zeros((60, 60))
    two[:40, :40] = band
    two[40:, 40:] = band[:20, :20]  # a component with an order of its own
    shuffled = np.random.default_rng(1).permutation(60)
    order = shuffled[token_graph(two[np.ix_(shuffled, shuffled)], 3).order]
    runs = [order[order < 40], order[order >= 40]]
    assert list(order) in ([*runs[0], *runs[1]], [*runs[1], *runs[0]])
    for run in runs:
        assert (np.diff(run) > 0).all() or (np.diff(run) < 0).all()


def test_weak_ties_are_ties() -> None:
    a = blocks(6, 6)
    a[0, 11] = 1e-7
    assert token_graph(a).components == 1
    a[:, 3] = a[3] = np.nan  # fully masked, and attended by no one
    assert token_graph(a).components == 2


def test_components_of_a_path() -> None:
    path = np.eye(50, k=1) + np.eye(50, k=-1)
    assert not components(path).any()
    path[20, 21] = path[21, 20] = 0
    np.testing.assert_array_equal(components(path), np.arange(50) > 20)


@pytest.mark.parametrize("tokens", [0, 1, 2])
def test_few_tokens(tokens: int) -> None:
    found = token_graph(np.ones((tokens, tokens)), 4)
    assert found.eigenvectors.shape == (tokens, tokens)
    assert list(found.order) == list(range(tokens)) or tokens == 2
    assert found.components == min(tokens, 1)


def test_nothing_but_masked_rows() -> None:
    found = token_graph(np.full((5, 5), np.nan), 3)
    assert found.components == 5
    assert not found.eigenvalues.any()
    assert np.isfinite(found.eigenvectors).all()


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    a = attention(1, 1000)[0]
    assert peak_bytes(lambda: laplacian(a)) < 2 * a.nbytes + 8 * a.size
    monkeypatch.setattr(module, "DENSE_SIDE", 10)
    assert peak_bytes(lambda: token_graph(a, 2)) < 2 * a.nbytes + (8 << 20)  # with the vectors of the iteration


def test_what_is_refused() -> None:
    with pytest.raises(NnscopeError, match="At least one"):
        token_graph(np.eye(3), 0)
    with pytest.raises(NnscopeError, match="square"):
        token_graph(np.ones((2, 3)))
