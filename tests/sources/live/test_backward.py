"""Gradients of what modules take and give: those that autograd computes, and nothing changed by looking."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nnscope.sources.live.capture import capture
from tests.sources.live.hostilemodels import MODELS
from tests.sources.live.test_hostile_models import build, contents, fingerprint, keys, run


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(6, 5)
        self.act = nn.ReLU(inplace=True)
        self.b = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.act(self.a(x)))


def test_gradients_are_those_of_autograd() -> None:
    model = build(Net)
    x = torch.randn(4, 6, requires_grad=True)
    with capture(model, kinds=("output", "grad_input", "grad_output")) as found:
        model(x).square().sum().backward()
    a = x @ model.a.weight.T + model.a.bias
    hidden = a.relu()
    out = hidden @ model.b.weight.T + model.b.bias
    expected = torch.autograd.grad(out.square().sum(), (x, a, hidden, out))
    for address, gradient in zip(
        ("a:grad_input", "a:grad_output", "act:grad_output", "b:grad_output"), expected, strict=True
    ):
        assert torch.allclose(torch.from_numpy(found[address].read(((0, 4, 1), (0, gradient.shape[1], 1)))), gradient)
    assert found["b:grad_input"].info.kind == "grad_input"
    assert found["(model):grad_input"].info.shape == (4, 6)
    assert not x._backward_hooks


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_looking_changes_nothing(make) -> None:
    from contextlib import nullcontext

    plain, watched = build(make), build(make)
    before = keys(contents(watched))
    expected = run(plain, nullcontext)
    with capture(watched, kinds=("output", "grad_input", "grad_output")):
        found = run(watched, nullcontext)
    assert found == expected
    assert keys(contents(watched)) == before


def test_a_shared_module_has_a_gradient_for_each_call() -> None:
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, layer)
    with capture(model, kinds=("grad_output",)) as found:
        model(torch.randn(2, 3)).sum().backward()
    assert found["0:grad_output~2"].read(((0, 2, 1), (0, 3, 1))).tolist() == [[1.0] * 3] * 2
    assert "0:grad_output" in found


def test_no_gradient_without_a_backward_pass() -> None:
    model = build(Net)
    with capture(model, kinds=("grad_output",)) as found:
        model(torch.randn(4, 6)).sum().backward()
        assert "b:grad_output" in found
        with torch.no_grad():
            model(torch.randn(4, 6))
        assert list(found) == []


def test_a_graph_that_outlives_the_block_is_as_ever() -> None:
    model = build(Net)
    with capture(model, kinds=("grad_output", "grad_input")) as found:
        loss = model(torch.randn(4, 6)).sum()
    other = copy.deepcopy(model)
    loss.backward()
    assert list(found) == []
    assert fingerprint(dict(other.state_dict())) == fingerprint(dict(model.state_dict()))
