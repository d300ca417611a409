"""What is said of single heads: means, symmetry, eigenvalues, entropies, and rows without anything in them."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.attention import maps as module
from nnscope.compute.attention.maps import attention_map, eigenvalues, head_mean, is_causal, one_head, row_entropy
from nnscope.compute.attention.maps import symmetrised as symmetrise
from nnscope.core.errors import Cancelled, NnscopeError
from tests.compute.attentions import attention
from tests.compute.peak import peak_bytes

sizes = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(0, 99))


@given(sizes, st.sampled_from([np.float16, np.float32, np.float64, ml_dtypes.bfloat16]), st.sampled_from([1, 20, 999]))
def test_means_and_entropies(size: tuple[int, int, int], dtype: type, band: int) -> None:
    a = attention(*size).astype(dtype)
    exact = a.astype(np.float64)
    share = exact / exact.sum(axis=-1, keepdims=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BAND", band)
        mean, entropy = head_mean(a), row_entropy(a)
    np.testing.assert_allclose(mean.weights, exact.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(entropy, -(share * np.log(np.where(share > 0, share, 1))).sum(axis=-1), atol=1e-6)
    assert not mean.masked.any()
    assert mean.weights.dtype == entropy.dtype == np.float32


def test_entropy_of_one_key_and_of_all() -> None:
    a = np.stack([np.eye(5), np.full((5, 5), 0.2)])
    np.testing.assert_allclose(row_entropy(a), [[0] * 5, [np.log(5)] * 5], atol=1e-6)


@pytest.mark.parametrize("nothing", [0.0, np.nan, -np.inf], ids=["zeros", "nan", "infinite"])
def test_masked_rows_are_marked_and_never_nan(nothing: float) -> None:
    a = attention(3, 6)
    a[:, 2] = nothing
    a[0, 4] = nothing
    mean = head_mean(a)
    np.testing.assert_array_equal(mean.masked, np.arange(6) == 2)
    np.testing.assert_array_equal(one_head(a, 0).masked, np.isin(np.arange(6), (2, 4)))
    np.testing.assert_allclose(mean.weights[4], a[1:, 4].mean(axis=0), rtol=1e-6)  # of the heads that attend
    np.testing.assert_allclose(mean.weights.sum(axis=1), np.arange(6) != 2, atol=1e-6)
    entropy = row_entropy(a)
    assert np.isfinite(entropy).all()
    assert not entropy[:, 2].any()


def test_the_input_is_left_alone() -> None:
    a = attention(2, 4)
    a[0, 1] = np.nan
    before = a.copy()
    one_head(a, 0), head_mean(a), row_entropy(a)
    np.testing.assert_array_equal(a, before)


@given(sizes)
def test_symmetric_part(size: tuple[int, int, int]) -> None:
    a = attention(*size)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BAND", 7)
        np.testing.assert_allclose(symmetrise(a), (a + a.T) / 2, rtol=1e-6)


@given(sizes, st.booleans())
def test_eigenvalues(size: tuple[int, int, int], causal: bool) -> None:
    a = attention(*size, causal=causal)[0]
    found = eigenvalues(a)
    assert abs(found[0]) == pytest.approx(1, abs=1e-5)
    assert (np.diff(np.abs(found)) <= 1e-12).all()
    if causal:
        np.testing.assert_allclose(found, np.sort(np.diagonal(a))[::-1], rtol=1e-6)
    else:
        expected = np.linalg.eigvals(a.astype(np.float64))
        np.testing.assert_allclose(np.sort_complex(found.round(6)), np.sort_complex(expected.round(6)), atol=2e-6)


def test_largest_eigenvalues_of_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    a = attention(1, 80)[0]
    exact = eigenvalues(a)
    monkeypatch.setattr(module, "EXACT_SIDE", 20)
    found = eigenvalues(a, 6)
    np.testing.assert_allclose(np.abs(found), np.abs(exact[:6]), rtol=1e-4)


def test_causality_is_seen() -> None:
    assert is_causal(attention(1, 9, causal=True)[0])
    assert not is_causal(attention(1, 9)[0])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: head_mean(np.ones((3, 3))), "three axes"),
        (lambda: one_head(-attention(1, 3), 0), "negative"),
        (lambda: row_entropy(-attention(1, 3)), "negative"),
        (lambda: eigenvalues(np.ones((3, 4))), "square matrix"),
        (lambda: symmetrise(np.ones(3)), "square matrix"),
    ],
    ids=["axes", "negative", "negative rows", "cross attention", "vector"],
)
def test_what_is_no_attention_is_refused(call: object, sentence: str) -> None:
    with pytest.raises(NnscopeError, match=sentence):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("shape", [(0, 3, 3), (2, 0, 0), (2, 3, 0), (1, 1, 1)], ids=str)
def test_nothing_is_defined(shape: tuple[int, ...]) -> None:
    a = np.ones(shape, np.float32)
    assert head_mean(a).weights.shape == shape[1:]
    assert row_entropy(a).shape == shape[:2]
    assert np.isfinite(row_entropy(a)).all()


def test_a_mean_can_be_cancelled() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        head_mean(attention(2, 3), cancel)


def test_memory() -> None:
    a = np.full((4, 1000, 1000), 1 / 1000, np.float16)
    one = 4 * a[0].size
    assert peak_bytes(lambda: head_mean(a)) < one + (40 << 20)  # the result and some bands, never all heads
    assert peak_bytes(lambda: attention_map(a[0])) < one + (8 << 20)
