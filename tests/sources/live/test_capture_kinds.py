"""Kinds beside what modules take and give: gradients of parameters, parameters, and sensitivity on request."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import nnscope
from nnscope.sources.live.capture import capture
from tests.sources.live.watched import Net, X, array, hook_count

EVERYTHING = ("parameter", "grad", "input", "output", "grad_input", "grad_output", "attention", "sensitivity")


def _step(model: nn.Module) -> tuple[list[torch.Tensor], torch.Tensor]:
    loss = model(X).square().sum()
    loss.backward()
    return [p.grad for p in model.parameters()], loss


def test_gradients_of_parameters_are_theirs() -> None:
    model = Net()
    with capture(model, kinds="grad") as cap:
        _step(model)
    assert sorted(cap) == sorted(f"{name}:grad" for name, _ in model.named_parameters())
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(array(cap[f"{name}:grad"]), parameter.grad.numpy())


def test_gradients_of_a_pass_before_are_no_present() -> None:
    model = Net()
    with capture(model, kinds="grad") as cap:
        _step(model)
        model(X)
        assert not list(cap)


def test_sensitivity_is_the_jacobians_columns_squared() -> None:
    model = Net().eval()
    with capture(model, kinds=("sensitivity", "output")) as cap:
        model(X)
        inside = array(cap["(model):jacobian"]).copy()
        model(2 * X)
    jacobian = torch.autograd.functional.jacobian(model, X).double()
    np.testing.assert_allclose(inside, jacobian.square().sum((0, 1)), rtol=1e-4)
    jacobian = torch.autograd.functional.jacobian(model, 2 * X).double()
    np.testing.assert_allclose(array(cap["(model):jacobian"]), jacobian.square().sum((0, 1)), rtol=1e-4)


def test_all_kinds_at_once_change_nothing_and_leave_nothing() -> None:
    torch.manual_seed(0)
    plain, watched = Net(), Net()
    watched.load_state_dict(plain.state_dict())
    before = hook_count(watched), {name: set(vars(m)) for name, m in watched.named_modules()}
    gradients, loss = _step(plain)
    state = torch.get_rng_state()
    with capture(watched, kinds=EVERYTHING) as cap:
        found, same = _step(watched)
        assert "(model):jacobian" in cap
    assert torch.equal(loss, same)
    assert all(map(torch.equal, gradients, found))
    assert torch.equal(torch.get_rng_state(), state)
    assert (hook_count(watched), {name: set(vars(m)) for name, m in watched.named_modules()}) == before
    assert all(not p._post_accumulate_grad_hooks for p in watched.parameters())
    assert {cap[address].info.kind for address in cap} >= {"parameter", "grad", "grad_output", "jacobian"}


def test_an_exception_ends_it_without_running_the_model_again() -> None:
    model, calls = Net(), []
    model.register_forward_pre_hook(lambda module, args: calls.append(1))
    with pytest.raises(ValueError, match="mine"), capture(model, kinds=("sensitivity", "grad")):
        model(X, ValueError("mine"))
    assert calls == [1]
    assert hook_count(model) == 1


def test_a_model_of_tokens_has_no_sensitivity_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Embedding(5, 3)
    with capture(model, kinds=("sensitivity", "output")) as cap:
        model(torch.tensor([1, 2]))
    assert list(cap) == ["(model):output"]
    assert sum("sensitivity" in line.message for line in caplog.records) == 1


def test_the_public_interface_has_them_too() -> None:
    model = Net()
    with nnscope.capture(model, kinds=("parameter", "grad", "sensitivity"), half=True) as cap:
        _step(model)
        assert "(model):jacobian" in cap
    assert cap["head.weight"].read().dtype == np.float32
    assert cap["head.weight:grad"].info.note == "carried in half precision (bfloat16)"
    assert cap["(model):jacobian"].shape == (3, 4)
    with nnscope.capture(model, kinds="output") as cap:
        model(X)
    assert "head.weight" not in cap
