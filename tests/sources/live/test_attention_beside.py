"""Attention captured beside what else happens: compiled code, function transforms, threads and interruptions."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from nnscope.sources.live.capture import capture
from tests.sources.live.attentive import (
    HEADS,
    TOKENS,
    Projected,
    Stacked,
    example,
    heads,
)
from tests.sources.live.watched import hook_count


@pytest.mark.parametrize("way", ["wrapper", "in place", "a part"])
def test_compiled_models_run_as_they_are(way: str) -> None:
    torch._dynamo.reset()
    model, x = Stacked(), example()
    plain = model(x)
    if way == "wrapper":
        model = torch.compile(model, backend="eager")
    elif way == "in place":
        model.compile(backend="eager")
    else:
        model.layers[0].compile(backend="eager")
    model(x)
    compiled = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    with capture(model, kinds="attention") as cap:
        assert torch.equal(model(x), plain)
    model(x)
    assert way == "in place" or torch._dynamo.utils.counters["stats"]["unique_graphs"] == compiled
    assert len(cap) == 0
    assert _get_current_function_mode_stack() == []


def test_compiled_functions_inside_a_module_give_the_same() -> None:
    torch._dynamo.reset()

    @torch.compile(backend="aot_eager")
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q, k, v) * 2

    class Compiled(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            q = heads(x)
            return attend(q, q, q) + functional.scaled_dot_product_attention(q, q, q)

    model, x = nn.Sequential(Compiled()), example()
    plain = model(x)
    with capture(model, kinds="attention") as cap:
        assert torch.equal(model(x), plain)
    assert torch.equal(model(x), plain)
    assert cap["0:attention"].info.shape == (2, HEADS, TOKENS, TOKENS)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_function_transforms_run_as_they_are() -> None:
    model, x = Projected(), torch.stack([example(), example() + 1])
    plain = torch.func.vmap(model)(x)
    with capture(model, kinds="attention") as cap:
        assert torch.equal(torch.func.vmap(model)(x), plain)
    assert "function transform" in cap["(model):attention"].info.unreadable


def test_each_thread_is_listened_to_by_itself() -> None:
    model, left = Stacked(), []

    def work() -> None:
        model(example())
        left.append(_get_current_function_mode_stack())

    with capture(model, kinds="attention") as cap:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        assert _get_current_function_mode_stack() == []
    assert left == [[], []]
    assert len(cap) == 3


# -- coming off, whatever happens


class Other(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit], ids=lambda error: error.__name__)
def test_nothing_listens_after_an_interruption(error: type[BaseException]) -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise error

    model = nn.Sequential(Projected(), Fails())
    with Other() as mine:
        with pytest.raises(error), capture(model, kinds="attention") as cap:
            model(example())
        assert _get_current_function_mode_stack() == [mine]
    assert hook_count(model) == 0
    assert list(cap) == ["0:attention"]
