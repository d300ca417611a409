"""``nnscope.capture``: captured values are tensors like any others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import nnscope


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 5)
    return torch.nn.Sequential(*layers)


@pytest.fixture
def x() -> torch.Tensor:
    return torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)


def _hooks(model: torch.nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_captured_values_are_the_models(model: torch.nn.Module, x: torch.Tensor) -> None:
    with nnscope.capture(model) as cap:
        result = model(x)
    assert _hooks(model) == 0
    expected = torch.nn.functional.conv2d(x, model[0].weight, model[0].bias)
    tensor = cap["0:output"]
    assert (tensor.shape, tensor.dtype, tensor.kind) == ((1, 4, 6, 6), "float32", "output")
    np.testing.assert_array_equal(tensor.read(), expected.detach().numpy())  # before the in-place ReLU
    np.testing.assert_array_equal(cap["0:output[0, 2]"][1:3], expected[0, 2, 1:3].detach().numpy())
    np.testing.assert_array_equal(cap["3:output"], result.detach().numpy())
    assert cap["0:output"].stats().mean == pytest.approx(expected.mean().item(), rel=1e-6)
    assert cap["0:output"].probe((0, 1, 2, 3)).value == expected[0, 1, 2, 3].item()


def test_only_what_was_asked_for(model: torch.nn.Module, x: torch.Tensor) -> None:
    with nnscope.capture(model, layers=["0", "3"], kinds=("output",)) as cap:
        assert list(cap) == []
        model(x)
        assert list(cap) == ["0:output", "3:output"]
        assert len(cap) == 2
        assert "0:output" in cap
        assert "0:input" not in cap
        assert "0.weight" not in cap
    with pytest.raises(KeyError, match="Did you mean 0:output"):
        cap["0:outputs"]


def test_a_new_pass_takes_the_place_of_the_old(model: torch.nn.Module, x: torch.Tensor) -> None:
    with nnscope.capture(model, layers="3") as cap:
        first = model(x)
        assert cap["3:output"].read().tolist() == first.tolist()
        second = model(torch.cat([x + 1, x]))
        assert cap["3:output"].shape == (2, 5)
        assert cap["3:output"].read().tolist() == second.tolist()
        assert cap["3:output"].stats().count == 10


def test_hooks_come_off_whatever_happens(model: torch.nn.Module, x: torch.Tensor) -> None:
    cap = nnscope.capture(model)
    with pytest.raises(RuntimeError, match="shapes"), cap:
        model(x[..., :5])
    assert _hooks(model) == 0
    assert cap["0:output"].shape == (1, 4, 6, 3)


@pytest.mark.parametrize(
    "arguments", [{"layers": "nothing"}, {"kinds": ("weights",)}, {"kinds": ()}], ids=["layers", "kind", "no kind"]
)
def test_what_cannot_be_captured_says_so(model: torch.nn.Module, arguments: dict) -> None:
    with pytest.raises(nnscope.NnscopeError):
        nnscope.capture(model, **arguments)


@pytest.mark.gl
def test_a_picture_of_an_activation(model: torch.nn.Module, x: torch.Tensor) -> None:
    with nnscope.capture(model, layers="0") as cap:
        model(x)
    picture = cap["0:output"].render(size=(300, 200), scientific=True)
    assert picture.rgba.shape == (200, 300, 4)
    assert picture.faithful
