"""The hostile models of the promises: with and without capture, everything is bit for bit the same (P9, P10)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnscope.sources.live.capture import Capture, capture
from tests.sources.live.hostilemodels import (
    MODELS,
    Checkpointed,
    Deep,
    InPlaceEverywhere,
    KeywordsOnly,
    ManyCalls,
    OddOutputs,
    Packed,
    ReturnsViews,
    Shared,
)

Around = Callable[[], AbstractContextManager[Any]]
MODES: dict[str, Around] = {
    "plain": nullcontext,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


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
