"""Rollout against the product written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.compute.attention.rollout import rollout
from nnscope.core.errors import NnscopeError
from tests.compute.attentions import attention


@given(st.integers(1, 5), st.integers(1, 3), st.integers(1, 9), st.booleans())
def test_the_product(layers: int, heads: int, tokens: int, causal: bool) -> None:
    given_layers = [attention(heads, tokens, seed, causal) for seed in range(layers)]
    found = rollout(iter(given_layers))
    expected = np.eye(tokens)
    for a in given_layers:
        expected = (a.astype(np.float64).mean(axis=0) + np.eye(tokens)) / 2 @ expected
    np.testing.assert_allclose(found.weights, expected, atol=1e-5)
    assert found.layers == layers
    assert not found.masked.any()


def test_a_masked_query_goes_by_the_residual_connection() -> None:
    a = attention(2, 5)
    a[:, 3] = np.nan
    found = rollout([a, a])
    np.testing.assert_allclose(found.weights[3], np.eye(5)[3], atol=1e-6)
    np.testing.assert_array_equal(found.masked, np.arange(5) == 3)
    assert not rollout([a, attention(2, 5)]).masked.any()


def test_what_is_refused() -> None:
    with pytest.raises(NnscopeError, match="one layer at least"):
        rollout([])
    with pytest.raises(NnscopeError, match="same tokens"):
        rollout([attention(1, 3), attention(1, 4)])
    with pytest.raises(NnscopeError, match="square"):
        rollout([np.ones((1, 3, 4))])
