"""A watched model can be copied, saved, moved, wrapped, traced and compiled, and others hear the model alone (P11)."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nnscope.sources.live.capture import capture
from tests.sources.live.watched import Net, X, array, hook_count


def test_copies_and_pickles_need_no_nnscope() -> None:
    model = Net()
    plain = model(X)
    with capture(model) as cap:
        pickled = pickle.dumps(model)
        buffer = io.BytesIO()
        torch.save(model, buffer)
        clones = [copy.deepcopy(model), pickle.loads(pickled)]
        buffer.seek(0)
        clones.append(torch.load(buffer, weights_only=False))
        for clone in clones:
            assert torch.equal(clone(X), plain)
        assert len(cap) == 0  # they are not watched
        assert model.state_dict().keys() == clones[0].state_dict().keys()
    assert b"nnscope" not in pickled


def test_a_shallow_copy_is_not_the_model() -> None:
    model = Net()
    with capture(model) as cap:
        copy.copy(model.head)(X)
        assert len(cap) == 0
        model(X)
    assert "head:output" in cap


def test_a_watched_model_can_be_moved() -> None:
    model = Net()
    with capture(model) as cap:
        model.double()(X.double())
        model.to(torch.bfloat16)(X.bfloat16())
    assert {reader.info.dtype for reader in cap.values()} == {"bfloat16"}


def test_a_watched_model_can_be_wrapped_in_ddp(tmp_path: Any) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        model = Net()
        with capture(model) as cap:
            wrapped = nn.parallel.DistributedDataParallel(model)
            wrapped(X).sum().backward()
        assert "encoder.0:output" in cap
        assert hook_count(model) == 0
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_sees_the_model_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    plain = str(torch.jit.trace(model, X).graph)
    with capture(model) as cap:
        watched = str(torch.jit.trace(model, X, check_trace=False).graph)
    assert watched.count("aten::") == plain.count("aten::")
    assert len(cap) == 0


def test_function_transforms_are_told_apart() -> None:
    model = nn.Linear(4, 2)
    with capture(model) as cap:
        torch.func.vmap(model)(X)
    assert "function transform" in cap["(model):output"].info.unreadable


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.inner(x))


def test_compiled_modules_give_a_reason_and_nothing_stale() -> None:
    model = Net()
    plain = model(X)
    compiled = torch.compile(model, backend="eager")
    with capture(compiled) as cap:
        assert torch.equal(compiled(X), plain)
        assert set(cap) == {"(model):input", "(model):output"}
    np.testing.assert_array_equal(array(cap["(model):output"]), plain.detach().numpy())
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert "compiled" in reasons["_orig_mod:output"]
    assert "compiled" in reasons["_orig_mod.head:output"]
    torch._dynamo.reset()
    model.encoder.compile(backend="eager")
    model(X)
    with capture(model) as cap:
        assert torch.equal(model(X), plain)
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert "compiled" in reasons["encoder:output"]
    assert "compiled" in reasons["encoder.0:output"]
    assert "head:output" in cap
    torch._dynamo.reset()


def test_a_watched_model_can_be_compiled() -> None:
    model = Twice()
    plain = model(X)
    torch._dynamo.reset()
    with capture(model) as cap:
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.equal(compiled(X), plain)
        assert len(cap) == 0
        assert torch.equal(model(X), plain)
        assert "inner:output~2" in cap
    assert torch.equal(compiled(X), plain)
    torch._dynamo.reset()


def test_what_other_hooks_put_in_place_is_what_is_captured() -> None:
    model = nn.Sequential(nn.Identity(), nn.Linear(4, 4))
    model[0].register_forward_hook(lambda module, args, output: output * 2)
    model[1].register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    with capture(model) as cap:
        model(X)
    np.testing.assert_array_equal(array(cap["0:output"]), (X * 2).numpy())
    np.testing.assert_array_equal(array(cap["1:input"]), (X * 2 + 1).numpy())


class Listening(torch.Tensor):
    heard: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.heard.append(getattr(func, "__name__", str(func)))
        return super().__torch_function__(func, types, args, kwargs or {})


class CountingMode(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.heard.append(str(func))
        return func(*args, **(kwargs or {}))


def test_whoever_listens_to_operations_hears_the_model_alone() -> None:
    def run() -> tuple[list[str], list[str]]:
        Listening.heard.clear()
        model(X.as_subclass(Listening))
        subclass = list(Listening.heard)
        with CountingMode() as mode:
            model(X)
        return subclass, mode.heard

    model = Net()
    plain = run()
    with capture(model) as cap:
        assert run() == plain
    assert plain[0]
    assert plain[1]
    assert "head:output" in cap


def test_a_transformer_of_hugging_face() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=50, n_positions=16)).eval()
    tokens = torch.arange(6)[None]
    plain = model(input_ids=tokens, output_hidden_states=True)
    with capture(model) as cap:
        watched = model(input_ids=tokens, output_hidden_states=True)
    assert torch.equal(plain.logits, watched.logits)
    assert all(map(torch.equal, plain.hidden_states, watched.hidden_states))
    assert {"(model):output.logits", "(model):output.hidden_states.2", "(model):input.input_ids"} <= set(cap)
    np.testing.assert_array_equal(array(cap["(model):output.logits"]), plain.logits.detach().numpy())
    tied = {info.address: info.aliases for info in cap.source.listing().tensors if info.aliases}
    assert tied == {"transformer.wte.weight": ("lm_head.weight",)}
