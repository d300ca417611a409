"""Products with Jacobians against torch.autograd.functional.jacobian, and a model that nobody touched."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from nnscope.compute.jacobian import EstimateOptions, sensitivity, top_singular
from nnscope.core.errors import NnscopeError
from nnscope.sources.live.sensitivity import Call, Ends, call_of, linearise
from tests.sources.live.watched import Net, X, hook_count

if TYPE_CHECKING:
    from collections.abc import Callable


class Attends(nn.Module):
    """Self-attention by the fused kernel, whose own backward has no derivative."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(x, x, x, is_causal=True)


class Noisy(nn.Module):
    """Changes every state there is when it runs in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.linear = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)
        self.register_buffer("runs", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.runs += 1
        scale = 1 + 0 * (random.random() + np.random.random() + torch.rand(1))
        return self.linear(self.drop(self.norm(x))) * scale


def convolution() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 5))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(4, 3), (2, 4)),
    "in place": (Net, (3, 4)),
    "in place first": (lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)), (3, 4)),
    "convolution": (convolution, (1, 1, 4, 4)),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 4)), (3, 4)),
    "attention": (Attends, (1, 2, 5, 4)),
    "encoder": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (1, 3, 4)),
    "batch norm": (Noisy, (6, 4)),
}


@pytest.mark.parametrize("name", MODELS)
def test_products(name: str) -> None:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    model = build().eval()
    x = torch.randn(shape)
    found = linearise(model, Call((x,)))
    whole = torch.autograd.functional.jacobian(lambda t: model(t.clone()), x)
    j = whole.reshape(-1, x.numel()).double().numpy()
    rng = np.random.default_rng(0)
    assert found.input_shape == shape
    for _ in range(2):
        u, v = rng.normal(size=shape), rng.normal(size=found.output_shape)
        np.testing.assert_allclose(found.jvp(u).reshape(-1), j @ u.reshape(-1), atol=1e-4)
        np.testing.assert_allclose(found.vjp(v).reshape(-1), j.T @ v.reshape(-1), atol=1e-4)
    estimate = sensitivity(found.vjp, found.output_shape, EstimateOptions(exact_outputs=0, relative_error=0.02))
    assert abs(estimate.squared_norm - (j**2).sum()) <= 5 * max(estimate.squared_norm_error, 1e-5)
    exact = sensitivity(found.vjp, found.output_shape, EstimateOptions(exact_outputs=10**6))
    np.testing.assert_allclose(exact.per_input.reshape(-1), (j**2).sum(axis=0), atol=1e-4)
    top = top_singular(found.jvp, found.vjp, found.input_shape)
    assert top.sigma == pytest.approx(np.linalg.norm(j, 2), rel=1e-3)


def states(model: nn.Module) -> list[Any]:
    return [
        [module.training for module in model.modules()],
        [dict(module.__dict__) for module in model.modules()],
        {name: value.clone() for name, value in model.state_dict().items()},
        [p.grad for p in model.parameters()],
        [p._version for p in model.parameters()],
        hook_count(model),
        torch.get_rng_state(),
        random.getstate(),
        np.random.get_state()[1],
    ]


def assert_same(before: list[Any], after: list[Any]) -> None:
    for old, new in zip(before, after, strict=True):
        if isinstance(old, dict):
            assert all(torch.equal(old[name], new[name]) for name in old)
        elif isinstance(old, Tensor):
            assert torch.equal(old, new)
        elif isinstance(old, np.ndarray):
            np.testing.assert_array_equal(old, new)
        else:
            assert str(old) == str(new)


@pytest.mark.parametrize("fails", [False, True], ids=["runs", "fails"])
def test_the_model_is_left_alone(fails: bool) -> None:
    model = Noisy()
    model.drop.eval()  # modes differ from module to module
    model.linear.weight.grad = torch.ones(3, 4)
    calls: list[str] = []
    model.norm.register_forward_hook(lambda *_: calls.append("user"))
    x = torch.randn(6, 5 if fails else 4)
    kept = x.clone()
    before = states(model)
    if fails:
        with pytest.raises(NnscopeError, match="could not be run"):
            linearise(model, Call((x,)))
        with pytest.raises(NnscopeError, match="could not be run"):
            call_of(model, "linear", Call((x,)))
    else:
        found = linearise(model, Call((x,)))
        sensitivity(found.vjp, found.output_shape)
        top_singular(found.jvp, found.vjp, found.input_shape)
        call_of(model, "linear", Call((x,)))
        assert calls  # hooks of the user make what the model is
    assert_same(before, states(model))
    assert torch.equal(x, kept)
    assert not x.requires_grad


def test_inside_inference_mode() -> None:
    model = Net()
    with torch.inference_mode():
        found = linearise(model, Call((X.clone(),)))
        assert found.vjp(np.ones((3, 2))).shape == (3, 4)


def test_a_module_inside() -> None:
    model = Net()
    call = call_of(model, "encoder.1", Call((X,)))
    np.testing.assert_array_equal(call.args[0].numpy(), model.encoder[0](X).detach().numpy())  # before ReLU wrote to it
    assert hook_count(model) == 0
    found = linearise(model.encoder[1], call)
    ones = found.vjp(np.ones(found.output_shape))
    np.testing.assert_array_equal(ones, (call.args[0].numpy() > 0).astype(np.float32))


class Ends2(nn.Module):
    def forward(self, ids: Tensor, *, scale: Tensor, pair: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"ids": ids, "first": scale * 2, "second": pair[1] * 3 + scale}


def test_members_are_chosen_by_name() -> None:
    ids, scale, pair = torch.arange(2), torch.ones(2), (torch.ones(2), torch.ones(2))
    call = Call((ids,), {"scale": scale, "pair": pair})
    assert linearise(Ends2(), call).vjp(np.ones(2)).tolist() == [2, 2]
    named = linearise(Ends2(), call, Ends(".pair.1", ".second"))
    assert named.vjp(np.ones(2)).tolist() == [3, 3]
    assert named.jvp(np.ones(2)).tolist() == [3, 3]
    apart = linearise(Ends2(), call, Ends(".pair.0", ".second"))
    assert apart.vjp(np.ones(2)).tolist() == apart.jvp(np.ones(2)).tolist() == [0, 0]


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        raise RuntimeError("no way back")


class OneWay(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Sign.apply(x)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: linearise(nn.Embedding(5, 2), Call((torch.arange(3),))), "inputs hold no real numbers"),
        (lambda: linearise(nn.Linear(4, 2), Call((X,)), Ends(source=".7")), "under this name"),
        (lambda: linearise(nn.Linear(4, 2), Call((X,)), Ends(target=".x")), "There are: the tensor itself"),
        (lambda: linearise(OneWay(), Call((X,))).vjp(np.ones((3, 4))), "no way back"),
        (lambda: call_of(Net(), "decoder", Call((X,))), "no such module"),
        (lambda: call_of(nn.Sequential(nn.ModuleList([nn.ReLU()]), nn.ReLU()), "0.0", Call((X,))), "could not be run"),
        (lambda: call_of(nn.MultiheadAttention(4, 2), "out_proj", Call((X, X, X))), "not called"),
    ],
    ids=["ids", "input", "output", "no derivative", "no module", "fails", "not called"],
)
def test_what_cannot_be_done_is_said(call: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(NnscopeError, match=sentence):
        call()


def test_a_model_that_was_trained_meanwhile_is_noticed() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    found = linearise(model, Call((X,)))
    with torch.no_grad():
        model[2].weight += 1
    with pytest.raises(NnscopeError, match="could not be computed"):
        found.vjp(np.ones((3, 2)))
