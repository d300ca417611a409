"""Attention read from a file, head by head, against NumPy on the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.tensor import Tensor

    Make = Callable[[np.ndarray], Tensor]


def attention(*shape: int) -> np.ndarray:
    weights = np.random.default_rng(1).random(shape, np.float32)
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.parametrize("head", [-1, 0, 5])
def test_recursion_is_the_matrix_power(tensor: Make, head: int) -> None:
    values = attention(2, 3, 10, 10)
    flat = values.reshape(6, 10, 10).astype(np.float64)
    expected = np.linalg.matrix_power(flat.mean(0) if head == -1 else flat[head], 8)
    found = tensor(values).analyse("attention-recursion", head=head, levels=3)
    np.testing.assert_allclose(found.arrays["weights"], expected, atol=1e-5)
    assert found.arrays["power"].tolist() == [1, 2, 4, 8]
    assert dict(found.facts)["levels"] == 3


def test_rollout_goes_through_the_layers_in_order(tensor: Make) -> None:
    values = attention(3, 2, 6, 6)
    expected = np.eye(6)
    for layer in values.astype(np.float64):
        expected = (layer.mean(0) + np.eye(6)) / 2 @ expected
    found = tensor(values).analyse("attention-rollout")
    np.testing.assert_allclose(found.arrays["weights"], expected, atol=1e-5)
    assert dict(found.facts)["layers"] == 3


def test_blocks_of_tokens_are_found(tensor: Make) -> None:
    values = np.zeros((1, 9, 9), np.float32)
    for tokens in (slice(0, 4), slice(4, 9)):
        values[0, tokens, tokens] = 1
    found = tensor(values).analyse("token-graph", k=3)
    assert dict(found.facts)["components"] == 2
    assert found.arrays["labels"].tolist() == [0] * 4 + [1] * 5


def test_entropy_has_one_number_for_each_query_of_each_head(tensor: Make) -> None:
    square = attention(2, 2, 7, 7)
    entropy = tensor(square).analyse("attention-entropy").arrays["entropy"]
    p = square.reshape(4, 7, 7).astype(np.float64)
    np.testing.assert_allclose(entropy, -(p * np.log(p)).sum(-1), rtol=1e-5)
