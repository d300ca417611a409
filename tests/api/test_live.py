"""Models that run in a process of their own, under the Python interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.collection import TensorCollection


@pytest.fixture(scope="module")
def source() -> Iterator[TensorCollection]:
    with nnscope.open("demo:digits-cnn") as source:
        yield source


def test_the_same_weights_as_in_the_file(source: TensorCollection) -> None:
    from nnscope.core.plugins import find_model

    with nnscope.open(find_model("digits-cnn").weights) as file:
        np.testing.assert_array_equal(source["head.weight"].read(), file["head.weight"].read())
        stats = source["block1.conv1.weight[:, 2]"].stats(), file["block1.conv1.weight[:, 2]"].stats()
        assert stats[0].mean == stats[1].mean


def test_activations_follow_from_each_other(source: TensorCollection) -> None:
    x, w, b = (source[name].read() for name in ("head:input", "head.weight", "head.bias"))
    np.testing.assert_allclose(source["head:output"].read(), x @ w.T + b, rtol=1e-4, atol=1e-5)


def test_another_sample(source: TensorCollection) -> None:
    source.sample(0)
    before = source["(model):output"].read()
    source.sample(4)
    assert not np.array_equal(source["(model):output"].read(), before)
    source.sample(0)
    np.testing.assert_array_equal(source["(model):output"].read(), before)


def test_a_sample_that_is_not_there(source: TensorCollection) -> None:
    with pytest.raises(nnscope.NnscopeError):
        source.sample(10**6)
    assert source["head:output"].shape == (1, 10)


def test_an_unknown_activation(source: TensorCollection) -> None:
    with pytest.raises(KeyError, match="Did you mean head:output"):
        source["head:outpt"]
