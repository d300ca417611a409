"""Powers of attention against numpy.linalg.matrix_power, and what is said of where they end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.attention import recursion as module
from nnscope.compute.attention.recursion import MODES, RecursionOptions, recursion, second_eigenvalue
from nnscope.core.errors import Cancelled, NnscopeError
from tests.compute.attentions import attention
from tests.compute.peak import peak_bytes


@given(st.integers(1, 16), st.integers(0, 7), st.booleans(), st.integers(0, 99))
def test_powers(tokens: int, levels: int, causal: bool, seed: int) -> None:
    a = attention(1, tokens, seed, causal)[0]
    found = recursion(a, RecursionOptions(levels))
    exact = a.astype(np.float64) / a.astype(np.float64).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.weights, np.linalg.matrix_power(exact, 2**levels), atol=1e-5)
    assert [level.power for level in found.levels] == [2**k for k in range(levels + 1)]
    if causal:
        assert not np.triu(found.weights, 1).any()


@given(st.integers(1, 16), st.integers(0, 7), st.booleans())
def test_residual_powers(tokens: int, levels: int, causal: bool) -> None:
    a = attention(1, tokens, causal=causal)[0]
    found = recursion(a, RecursionOptions(levels, "residual"))
    mixed = (a.astype(np.float64) + np.eye(tokens)) / 2
    np.testing.assert_allclose(found.weights, np.linalg.matrix_power(mixed, 2**levels), atol=1e-5)


def test_causal_attention_gathers_at_the_first_token_and_the_report_says_so() -> None:
    a = attention(1, 40, causal=True)[0]
    levels = {mode: recursion(a, RecursionOptions(13, mode)).levels for mode in ("plain", "residual")}
    plain, residual = levels["plain"], levels["residual"]
    assert plain[0].mass < 0.5
    assert plain[-1].heaviest == residual[-1].heaviest == 0
    assert plain[-1].mass > 0.999
    assert (np.diff([level.mass for level in plain]) >= -1e-6).all()
    assert (np.diff([level.gap for level in plain]) >= 0).all()
    second = np.sort(np.diagonal(a))[-2]
    for level in plain:
        assert level.gap == pytest.approx(1 - float(second) ** level.power, abs=1e-3)
    assert residual[4].mass < plain[4].mass  # later
    without = recursion(a, RecursionOptions(13, "sink-excluded", sink=0)).levels[-1]
    assert (without.heaviest, without.mass) == (1, pytest.approx(1, abs=1e-3))


def test_a_sink_is_left_out() -> None:
    a = attention(1, 12)[0]
    a[:, 5] += 3
    a /= a.sum(axis=1, keepdims=True)
    found = recursion(a, RecursionOptions(3, "sink-excluded"))
    assert found.sink == 5
    assert not found.weights[:, 5].any()
    assert not found.masked.any()
    without = a.astype(np.float64)
    without[:, 5] = 0
    without /= without.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.weights, np.linalg.matrix_power(without, 8), atol=1e-5)
    assert recursion(a, RecursionOptions(1, "sink-excluded", sink=2)).sink == 2
    assert recursion(a).sink == -1
    causal = recursion(attention(1, 6, causal=True)[0], RecursionOptions(2, "sink-excluded", sink=0))
    np.testing.assert_array_equal(causal.masked, np.arange(6) == 0)  # nothing is left of the first row
    assert causal.levels[-1].mass <= 1


def test_masked_rows_stay_marked() -> None:
    a = attention(1, 8)[0]
    a[3] = np.nan
    found = recursion(a, RecursionOptions(4))
    np.testing.assert_array_equal(found.masked, np.arange(8) == 3)
    assert not found.weights[3].any()
    np.testing.assert_allclose(found.weights.sum(axis=1), np.arange(8) != 3, atol=1e-5)
    held = np.sort(np.abs(np.linalg.eigvals(found.weights.astype(np.float64))))[-2]
    assert found.levels[-1].gap == pytest.approx(1 - held, abs=1e-4)
    everything = recursion(np.full((4, 4), np.nan))
    assert everything.masked.all()
    assert everything.levels[-1].heaviest == -1
    residual = recursion(a, RecursionOptions(2, "residual"))
    np.testing.assert_allclose(residual.weights[3], np.eye(8)[3], atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_no_or_one_token(shape: tuple[int, int], mode: str) -> None:
    found = recursion(np.ones(shape), RecursionOptions(3, mode))
    assert found.weights.shape == shape
    assert np.isfinite(found.weights).all()


def test_second_eigenvalue_of_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    blocks = np.kron(np.eye(4), np.ones((20, 20))) + 0.2 * rng.random((80, 80))
    a = (blocks / blocks.sum(axis=1, keepdims=True)).astype(np.float32)
    exact = second_eigenvalue(a)
    monkeypatch.setattr(module, "EXACT_SIDE", 10)
    assert exact > 0.3
    assert second_eigenvalue(a) == pytest.approx(exact, rel=1e-2)
    assert second_eigenvalue(attention(1, 150)[0]) == pytest.approx(0.3, abs=0.1)
    assert second_eigenvalue(np.full((20, 20), 0.05, np.float32)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: RecursionOptions(mode="twice"), "no recursion of this name"),
        (lambda: RecursionOptions(levels=99), "From 0 to 20"),
        (lambda: recursion(np.ones((2, 3))), "square matrix"),
        (lambda: recursion(np.eye(3), RecursionOptions(mode="sink-excluded", sink=7)), "no such token"),
    ],
    ids=["mode", "levels", "shape", "sink"],
)
def test_what_is_refused(call: object, sentence: str) -> None:
    with pytest.raises(NnscopeError, match=sentence):
        call()  # type: ignore[operator]


def test_a_recursion_can_be_cancelled() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        recursion(np.eye(3), progress=cancel)


def test_memory() -> None:
    a = attention(1, 1000, causal=True)[0]
    assert peak_bytes(lambda: recursion(a, RecursionOptions(2))) < 3 * a.nbytes
