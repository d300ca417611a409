"""The compatibility report: every module has its word, and what it says is so when the model is captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

import nnscope
from nnscope.sources.live.capture import capture
from tests.sources.live.attentive import Attends, Encoder, example
from tests.sources.live.hostilemodels import MODELS, Deep, ManyCalls, OddOutputs, Shared
from tests.sources.live.test_hostile_models import build, contents, fingerprint, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.report import Compatibility


def words(report: Compatibility) -> dict[str, str]:
    return {module.path: module.observed for module in report}


@pytest.mark.filterwarnings("ignore:.*nested tensors", "ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_what_the_report_says_of_hostile_models_is_so(make: Callable[[], nn.Module]) -> None:
    model = build(make)
    x = torch.randn(4, 6)
    before, state = keys(contents(model)), fingerprint(dict(model.state_dict()))
    seed = torch.get_rng_state()
    report = nnscope.compatibility(model, x)
    assert torch.equal(torch.get_rng_state(), seed)
    assert (keys(contents(model)), fingerprint(dict(model.state_dict()))) == (before, state)
    with capture(model, kinds="output") as cap, torch.no_grad():
        model.eval()(x)
    seen = {address.partition(":")[0].replace("(model)", "") for address in cap}
    for module in report:
        if module.observed == "no":
            assert module.path not in seen
            assert module.note
        elif module.observed in ("yes", "partly"):
            assert module.path in seen, module
    assert {module.path for module in report if module.observed == "holds others"}.isdisjoint(seen)


def test_reasons() -> None:
    many = words(nnscope.compatibility(ManyCalls(), torch.randn(2, 6)))
    assert many == {"": "yes", "cell": "yes", "never": "no"}
    odd = nnscope.compatibility(OddOutputs(), torch.randn(2, 6))
    assert "no tensor" in next(module.note for module in odd if module.path == "parts.0")
    shared = nnscope.compatibility(Shared())
    assert "Also called second" in next(module.note for module in shared if module.path == "first")
    encoder = nnscope.compatibility(Encoder().eval(), example())
    told = {module.path: module for module in encoder}
    assert "recomputed" in told["encoder.layers.0.self_attn"].note
    assert "fused" in told["encoder.layers.0"].note
    assert told["encoder.layers.0.self_attn.out_proj"].observed == "no"
    assert told["encoder.layers"].observed == "holds others"


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_can_be_told_without_running() -> None:
    scripted = nn.Sequential(nn.Linear(6, 6), torch.jit.trace(nn.Sequential(nn.Linear(6, 6)), torch.zeros(1, 6)))
    told = {module.path: module for module in nnscope.compatibility(scripted)}
    assert [told[path].observed for path in ("", "0", "1", "1.0")] == ["yes", "yes", "partly", "no"]
    assert "TorchScript" in told["1.0"].note
    x = torch.randn(2, 6)
    plain = scripted(x)
    with capture(scripted, kinds="output") as cap:
        assert torch.equal(scripted(x), plain)
    assert set(cap) == {"(model):output", "0:output", "1:output"}
    ran = words(nnscope.compatibility(scripted, x))
    assert [ran[path] for path in ("", "0", "1", "1.0")] == ["yes", "yes", "partly", "no"]
    compiled = nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 6)))
    compiled[1].compile(backend="eager")
    assert words(nnscope.compatibility(compiled)) == {"": "yes", "0": "yes", "1": "no", "1.0": "no"}
    with torch.device("meta"):
        empty = nn.Linear(3, 3)
    assert "meta device" in nnscope.compatibility(empty)[0].note
    assert words(nnscope.compatibility(nn.DataParallel(nn.Linear(2, 2)))) == {"": "partly", "module": "yes"}


def test_fused_attention_of_hugging_face_is_told() -> None:
    class Config:
        _attn_implementation = "flash_attention_2"

    class BertSelfAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.config = Config()

        def forward(self, x: Tensor) -> Tensor:
            return x

    (module,) = nnscope.compatibility(BertSelfAttention())
    assert module.observed == "partly"
    assert "flash_attention_2" in module.note
    Config._attn_implementation = "eager"
    assert nnscope.compatibility(BertSelfAttention())[0].observed == "yes"


def test_a_call_of_its_own_is_told() -> None:
    class Calls(nn.Module):
        def __call__(self, x: Any) -> Any:
            return x

        def forward(self, x: Any) -> Any:
            return x

    assert "__call__" in nnscope.compatibility(Calls())[0].note


def test_inputs_that_do_not_fit() -> None:
    with pytest.raises(nnscope.NnscopeError, match="can't be run on these inputs"):
        nnscope.compatibility(nn.Linear(3, 4), torch.zeros(2, 5))


def test_the_table() -> None:
    report = nnscope.compatibility(Attends().eval(), example())
    lines = str(report).splitlines()
    assert lines[0].split() == ["module", "class", "observed", "remark"]
    assert lines[1].split()[:3] == ["(model)", "Attends", "yes"]
    assert lines[-1] == "2 modules are observed, 0 partly, 1 not."
    assert [module.path for module in report.of("no")] == ["attention.out_proj"]
    assert len(report[:2]) == 2


def test_ten_thousand_layers_are_reported() -> None:
    assert len(nnscope.compatibility(Deep()).of("yes")) == 10_001
