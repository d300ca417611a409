"""The hostile models of the promises: with and without capture, everything is bit for bit the same (P9, P10)."""

from __future__ import annotations

import copy
import dataclasses
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from nnscope.sources.live.capture import Capture, capture


class InPlaceEverywhere(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(6, 6), nn.ReLU(inplace=True)) for _ in range(4)))
        self.dropout = nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.layers(x))


class AddInPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y += self.b(x)
        y[:, 0].mul_(2)
        return y


class ReturnsViews(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.split, self.pick, self.linear = Splitter(), Picker(), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.split(self.linear(x.view(-1, 2, 3)).flatten(1))
        picked = self.pick(left)
        picked.mul_(3)
        return (left * right.clone()).sum(1)


class Splitter(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.narrow(1, 0, 3), x.narrow(1, 3, 3)


class Picker(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, 1]


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = self.first
        self.tied = nn.Linear(6, 6)
        self.tied.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.tied(self.second(torch.tanh(self.first(x))))


class ManyCalls(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.never = nn.GRUCell(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros_like(x)
        for _ in range(1000):
            h = self.cell(x, h)
        return h


@dataclasses.dataclass
class Answer:
    hidden: Tensor
    extra: Any
    missing: None = None


Pair = namedtuple("Pair", "mean scale")


class OddOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)
        self.parts = nn.ModuleList(Gives(kind) for kind in ("none", "nested", "dict", "dataclass", "named", "object"))

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        nothing, ((a, _), b), named, answer, pair, _ = (part(y) for part in self.parts)
        assert nothing is None
        return a + b + named["hidden state"] + answer.hidden + answer.extra[0] + pair.mean * pair.scale


class Gives(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Any:
        return {
            "none": None,
            "nested": ((x * 2, None), x * 3),
            "dict": {"hidden state": x + 1, "hidden-state": x + 2, "text": "abc"},
            "dataclass": Answer(x - 1, [x * 0.5]),
            "named": Pair(x, x.abs()),
            "object": object(),
        }[self.kind]


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pack, self.lstm = Packer(), nn.LSTM(3, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        output, (h, _) = self.lstm(self.pack(x.view(-1, 2, 3)))
        return output.data.sum() + h.sum()


class Packer(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return pack_padded_sequence(x, torch.tensor([2, 1, 2, 1]), batch_first=True, enforce_sorted=False)


class KeywordsOnly(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Keywords()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(query=x, scale=torch.tensor(2.0))


class Keywords(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, *, query: Tensor, scale: Tensor) -> Tensor:
        return self.linear(input=query) * scale


class SwitchesMode(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(6), nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.norm(x))
        self.eval()
        y = self.drop(self.norm(x))
        self.train()
        return y


class Checkpointed(nn.Module):
    def __init__(self, **how: Any) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), nn.ReLU(), nn.Linear(6, 6))
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.body, x, **self.how)


def selectively() -> Any:
    def policy(context: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
        keep = op in (torch.ops.aten.addmm.default, torch.ops.aten.clone.default)
        return CheckpointPolicy.MUST_SAVE if keep else CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)


class SelectivelyCheckpointed(Checkpointed):
    def __init__(self) -> None:
        super().__init__(use_reentrant=False, context_fn=selectively)
        self.body = nn.Sequential(nn.Linear(6, 6), Cloner(), nn.Linear(6, 6), Cloner())


class Cloner(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.clone().sigmoid()


class Recursive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: Tensor, depth: int = 3) -> Tensor:
        y = self.linear(x).tanh()
        return self(y, depth - 1) if depth else y


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x.view(4, 1, 6).expand(4, 5, 6))


class AttendsFast(nn.Module):
    """In evaluation PyTorch takes a fused path through these layers, and nested tensors, unless hooks are on them."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.encoder.eval()

    def forward(self, x: Tensor) -> Tensor:
        padding = torch.tensor([[False, False, False], [False, False, True]] * 2)
        return self.encoder(x.repeat(1, 4).view(4, 3, 8), src_key_padding_mask=padding)


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lazy = nn.LazyLinear(6)

    def forward(self, x: Tensor) -> Tensor:
        return self.lazy(x)


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6))
        self.linear.register_forward_hook(lambda module, args, output: output * 2)
        self.linear.register_forward_pre_hook(lambda module, args: (args[0] + 1,))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


class Deep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Identity() for _ in range(10_000))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x * 2


MODELS: dict[str, Callable[[], nn.Module]] = {
    "in-place ReLU and dropout": InPlaceEverywhere,
    "x += y": AddInPlace,
    "views returned and written": ReturnsViews,
    "shared and tied modules": Shared,
    "called 1000 times and never": ManyCalls,
    "odd outputs": OddOutputs,
    "PackedSequence": Packed,
    "keyword arguments only": KeywordsOnly,
    "train/eval switched inside": SwitchesMode,
    "checkpointing, reentrant": lambda: Checkpointed(use_reentrant=True),
    "checkpointing": lambda: Checkpointed(use_reentrant=False),
    "checkpointing, selective": SelectivelyCheckpointed,
    "recursive": Recursive,
    "attention": Attends,
    "attention, fast path": AttendsFast,
    "lazy": Lazy,
    "hooks and parametrizations of its own": Normed,
}

Around = Callable[[], AbstractContextManager[Any]]
MODES: dict[str, Around] = {
    "plain": nullcontext,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fingerprint(value: Any) -> Any:
    """Bytes of every tensor in ``value``."""
    if isinstance(value, Tensor):
        return value.detach().contiguous().view(-1).to(torch.float64).numpy().tobytes(), value.dtype, value.shape
    if isinstance(value, dict):
        return {key: fingerprint(item) for key, item in value.items()}
    return value


def run(model: nn.Module, around: Around, steps: int = 2) -> list[Any]:
    """Two training steps (or passes, where there are no gradients) from a fixed seed, and all that came of them."""
    torch.manual_seed(1)
    seen: list[Any] = []
    optimizer = None
    for _ in range(steps):
        x = torch.randn(4, 6, requires_grad=True)
        with around():
            output = model(x)
            loss = output.float().square().sum()
        seen += [fingerprint(output), fingerprint(loss)]
        if loss.requires_grad:
            loss.backward()
            optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.1) if list(model.parameters()) else None
            if optimizer:
                optimizer.step()
            seen.append({name: fingerprint(p.grad) for name, p in model.named_parameters()})
        seen.append(fingerprint(x.grad))
    return [*seen, fingerprint(dict(model.state_dict())), fingerprint(torch.get_rng_state()), model.training]


def contents(model: nn.Module) -> list[dict[str, Any]]:
    """What every module's ``__dict__`` holds, its dictionaries copied, so that additions show."""
    return [
        {key: dict(value) if isinstance(value, dict) else value for key, value in module.__dict__.items()}
        for module in model.modules()
    ]


def keys(state: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: list(v) if isinstance(v, dict) else None for k, v in module.items()} for module in state]


def build(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    model = make()
    if any(nn.parameter.is_lazy(p) for p in model.parameters()):
        model(torch.zeros(4, 6))
    return model


@pytest.mark.filterwarnings("ignore:.*nested tensors")
@pytest.mark.parametrize("around", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_capture_changes_nothing(make: Callable[[], nn.Module], around: Around) -> None:
    if around is torch.inference_mode and make in (ReturnsViews,):
        around = torch.no_grad  # its own in-place writes need no_grad, not inference tensors
    plain = run(build(make), around)
    model = build(make)
    before = keys(contents(model))
    with capture(model) as cap:
        captured = run(model, around)
    assert captured == plain
    assert keys(contents(model)) == before
    assert len(cap) > 0
    assert all(reader.info.version > 0 for reader in cap.values())


def test_ten_thousand_layers() -> None:
    model = Deep()
    x = torch.randn(4, 6)
    plain = model(x)
    with capture(model) as cap:
        assert torch.equal(model(x), plain)
        listed = cap.source.listing()
    assert len(listed.tensors) == len(cap) == 20_002
    assert listed.modules[-1].order == 10_000
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())


def test_dict_holds_the_same_objects_afterwards() -> None:
    model = Shared()
    before = contents(model)
    with capture(model):
        model(torch.zeros(2, 6))
    for was, now in zip(before, contents(model), strict=True):
        assert was.keys() == now.keys()
        assert all(was[key] is now[key] or was[key] == now[key] for key in was)


def captured_arrays(cap: Capture) -> dict[str, np.ndarray]:
    return {
        name: reader.read(tuple((0, n, 1) for n in reader.info.shape))
        for name, reader in cap.items()
        if not reader.info.unreadable
    }


def test_values_are_those_before_they_are_overwritten() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(inplace=True))
    x = torch.randn(4, 6)
    with capture(model) as cap:
        model(x)
    values = captured_arrays(cap)
    linear = nn.functional.linear(x, model[0].weight, model[0].bias).detach().numpy()
    np.testing.assert_array_equal(values["0:output"], linear)
    np.testing.assert_array_equal(values["1:input"], linear)
    np.testing.assert_array_equal(values["1:output"], linear.clip(0))
    assert (linear < 0).any()


def test_odd_outputs_are_told_apart() -> None:
    model = OddOutputs()
    with capture(model, kinds="output") as cap:
        model(torch.randn(4, 6))
    assert set(cap) == {
        "(model):output",
        "linear:output",
        *("parts.1:output.0.0", "parts.1:output.1"),
        *("parts.2:output.hidden_state", "parts.2:output.hidden_state_"),
        *("parts.3:output.hidden", "parts.3:output.extra.0"),
        *("parts.4:output.mean", "parts.4:output.scale"),
    }
    unseen = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert set(unseen) == {"parts.0:output", "parts.5:output"}
    assert "no tensor" in unseen["parts.0:output"]


def test_packed_sequences_and_keywords() -> None:
    model = Packed()
    with capture(model) as cap:
        model(torch.randn(4, 6))
    assert {"pack:output.data", "pack:output.batch_sizes", "lstm:output.0.data", "lstm:output.1.0"} <= set(cap)
    keywords = KeywordsOnly()
    with capture(keywords, kinds=("input",)) as cap:
        keywords(torch.randn(4, 6))
    assert set(cap) == {"(model):input", "inner:input.query", "inner:input.scale", "inner.linear:input.input"}


def test_shared_modules_have_calls_and_aliases() -> None:
    model = Shared()
    with capture(model) as cap:
        model(torch.randn(4, 6))
    assert {"first:output", "first:output~2", "tied:output"} <= set(cap)
    assert "second:output" not in set(cap)
    assert cap["first:output~2"].info.aliases == ("second:output~2",)
    assert cap["second:output"].info.address == "first:output"
    parameters = {info.address: info.aliases for info in cap.source.listing().tensors if info.kind == "parameter"}
    assert parameters == {
        "first.weight": ("second.weight", "tied.weight"),
        "first.bias": ("second.bias",),
        "tied.bias": (),
    }


def test_a_thousand_calls_are_bounded_and_said() -> None:
    model = ManyCalls()
    with capture(model, kinds="output") as cap:
        output = model(torch.randn(2, 6))
    assert [name for name in cap if name.startswith("cell:output~")][-1] == "cell:output~64"
    assert len(cap) == 65
    np.testing.assert_array_equal(captured_arrays(cap)["cell:output~64"], output.detach().numpy())
    assert any("called 1000 times" in warning for warning in cap.source.listing().warnings)
    never = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert "not called" in never["never:output"]


@pytest.mark.parametrize("reentrant", [True, False])
def test_recomputation_is_no_call(reentrant: bool) -> None:
    model = Checkpointed(use_reentrant=reentrant)
    with capture(model) as cap:
        loss = model(torch.randn(4, 6, requires_grad=True)).sum()
        versions = {name: reader.info.version for name, reader in cap.items()}
        loss.backward()
    assert {name: reader.info.version for name, reader in cap.items()} == versions
    assert not any("~" in name for name in cap)


def test_what_the_last_pass_did_not_call_is_not_shown() -> None:
    class Chooses(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor, first: bool) -> Tensor:
            return self.a(x) if first else self.b(x)

    model = Chooses()
    with capture(model, kinds="output") as cap:
        model(torch.zeros(1, 2), True)
        assert set(cap) == {"(model):output", "a:output"}
        model(torch.zeros(1, 2), False)
    assert set(cap) == {"(model):output", "b:output"}
    with pytest.raises(Exception, match="not called in the last forward pass"):
        cap.source.reader("a:output").read(())


def test_copies_of_a_watched_model_are_silent() -> None:
    model = InPlaceEverywhere().eval()
    x = torch.randn(4, 6)
    with capture(model) as cap:
        model(x)
        versions = {name: reader.info.version for name, reader in cap.items()}
        clones = [copy.deepcopy(model), copy.copy(model)]
        for clone in clones:
            assert torch.equal(clone(x), model.forward(x))
    assert {name: r.info.version for name, r in cap.items() if name == "(model):output"} == {
        "(model):output": versions["(model):output"]
    }
