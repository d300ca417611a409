"""Attention captured in every form: what was used, or what a fused operation must have used, and nothing changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import _get_current_function_mode_stack

from nnscope.sources.live import attention as attention_module
from nnscope.sources.live.attention_weights import dot_product_weights
from nnscope.sources.live.capture import Capture, capture
from nnscope.sources.live.captured import OVER_BUDGET
from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader
from tests.sources.live import hostilemodels
from tests.sources.live.attentive import (
    HEADS,
    MODELS,
    TOKENS,
    WIDTH,
    Attends,
    Encoder,
    Projected,
    Recomputed,
    SharedLayer,
    Stacked,
    example,
    heads,
)
from tests.sources.live.test_hostile_models import build, contents, fingerprint, keys, run
from tests.sources.live.watched import array

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDS = torch.arange(14).view(2, 7) % 11
PADDED = torch.ones(2, 7, dtype=torch.long).index_put((torch.tensor([1, 1]), torch.tensor([5, 6])), torch.tensor(0))


def weights(cap: Capture) -> dict[str, np.ndarray]:
    return {name: array(reader) for name, reader in cap.items() if not reader.info.unreadable}


# -- scaled_dot_product_attention: the weights times the values are what it gave


def _options(name: str) -> dict[str, Any]:
    barred = torch.zeros(TOKENS, TOKENS + 1, dtype=torch.bool)
    barred[:, 5:] = barred[2] = True
    return {
        "plain": {},
        "causal": {"is_causal": True},
        "boolean mask": {"attn_mask": ~barred[:, :].index_fill(0, torch.tensor(2), False)},
        "a query with nothing": {"attn_mask": ~barred},
        "float mask": {"attn_mask": torch.linspace(-3, 0, TOKENS + 1).expand(2, 1, TOKENS, -1)},
        "scale": {"scale": 2.5},
        "grouped queries": {"enable_gqa": True},
    }[name]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "name",
    ["plain", "causal", "boolean mask", "a query with nothing", "float mask", "scale", "grouped queries"],
)
def test_recomputed_weights_give_what_the_fused_operation_gave(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    options, groups = _options(name), 2 if name == "grouped queries" else HEADS
    q = torch.randn(2, HEADS, TOKENS, 8, dtype=dtype)
    k, v = (torch.randn(2, groups, TOKENS + 1, 8, dtype=dtype) for _ in range(2))
    if "attn_mask" in options and options["attn_mask"].dtype != torch.bool:
        options["attn_mask"] = options["attn_mask"].to(dtype)
    fused = functional.scaled_dot_product_attention(q, k, v, **options)
    found = dot_product_weights({"query": q, "key": k, **options})
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    values = v.to(found.dtype).repeat_interleave(HEADS // groups, 1)
    tolerance = 0.03 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(found @ values, fused.to(found.dtype), atol=tolerance, rtol=0)
    sums = found.sum(-1)
    masked = torch.zeros(TOKENS, dtype=torch.bool)
    masked[2] = name == "a query with nothing"
    torch.testing.assert_close(sums[..., ~masked], torch.ones_like(sums[..., ~masked]))
    assert not found[..., masked, :].any()
    assert not options.get("is_causal") or not found.triu(1).any()


# -- Hugging Face models: recomputed is what the eager model uses


def _bert(how: str) -> Any:
    from transformers import BertConfig, BertModel

    sizes = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 40}
    return BertModel(BertConfig(vocab_size=11, num_hidden_layers=2, attn_implementation=how, **sizes))


def _gpt2(how: str) -> Any:
    from transformers import GPT2Config, GPT2Model

    ends = {"bos_token_id": 0, "eos_token_id": 0}
    return GPT2Model(GPT2Config(vocab_size=11, n_embd=32, n_layer=2, n_head=4, attn_implementation=how, **ends))


def _llama(how: str) -> Any:
    from transformers import LlamaConfig, LlamaModel

    sizes = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 40}
    return LlamaModel(LlamaConfig(vocab_size=11, num_hidden_layers=2, attn_implementation=how, **sizes))


@pytest.mark.parametrize("mask", [None, PADDED], ids=["whole", "padded"])
@pytest.mark.parametrize("make", [_bert, _gpt2, _llama], ids=["BERT", "GPT-2", "grouped-query Llama"])
def test_recomputed_is_what_the_eager_model_uses(make: Callable[[str], Any], mask: Tensor | None) -> None:
    found = {}
    for how in ("eager", "sdpa"):
        torch.manual_seed(0)
        model = make(how).eval()
        with torch.no_grad():
            plain = model(IDS, attention_mask=mask).last_hidden_state
            own = model(IDS, attention_mask=mask, output_attentions=True).attentions if how == "eager" else ()
            with capture(model, kinds=("attention",)) as cap:
                assert torch.equal(model(IDS, attention_mask=mask).last_hidden_state, plain)
        found[how] = weights(cap)
        assert {reader.info.note for reader in cap.values()} == {attention_module.DOT_PRODUCT if not own else ""}
        for ours, theirs in zip(found[how].values(), own, strict=False):
            np.testing.assert_array_equal(ours, theirs.numpy())
    assert len(found["eager"]) == 3  # two layers, and both in one
    for name, used in found["eager"].items():
        np.testing.assert_allclose(found["sdpa"][name], used, atol=1e-5)
        assert found["sdpa"][name].sum(-1) == pytest.approx(1, abs=1e-5)


# -- PyTorch's own module, whatever it is asked for


def _multihead(name: str) -> tuple[nn.MultiheadAttention, tuple[Any, ...], dict[str, Any]]:
    torch.manual_seed(5)
    x, other = torch.randn(2, TOKENS, WIDTH), torch.randn(2, 4, WIDTH)
    later = torch.ones(TOKENS, TOKENS, dtype=torch.bool).triu(1)
    padding = torch.zeros(2, TOKENS, dtype=torch.bool)
    padding[1, 4:] = True
    made = {"batch_first": True, "dropout": 0.4}
    return {
        "self": (made, (x, x, x), {}),
        "causal": (made, (x, x, x), {"attn_mask": later, "is_causal": True}),
        "padding": (made, (x, x, x), {"key_padding_mask": padding}),
        "padding and float mask": (made, (x, x, x), {"key_padding_mask": padding, "attn_mask": later * -1e9}),
        "cross": ({**made, "bias": False}, (x, other, other), {}),
        "other widths": ({**made, "kdim": 5, "vdim": 3}, (x, other[..., :5], other[..., :3]), {}),
        "tokens first": ({"dropout": 0.4}, (x.transpose(0, 1),) * 3, {}),
        "no batch": (made, (x[0],) * 3, {}),
        "more keys": ({**made, "add_bias_kv": True, "add_zero_attn": True}, (x, x, x), {}),
    }[name]  # type: ignore[return-value]


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(
    "name",
    [
        *("self", "causal", "padding", "padding and float mask", "cross", "other widths", "tokens first", "no batch"),
        "more keys",
    ],
)
def test_multihead_attention_whatever_it_is_asked_for(name: str, training: bool) -> None:
    made, inputs, options = _multihead(name)
    torch.manual_seed(6)
    module = nn.MultiheadAttention(WIDTH, HEADS, **made)
    module.eval()
    _, expected = module(*inputs, **options, need_weights=True, average_attn_weights=False)
    module.train(training)
    for asked in ({"need_weights": False}, {}, {"average_attn_weights": False}):
        for grad in (torch.no_grad, torch.enable_grad):
            with grad():
                torch.manual_seed(7)
                plain, after = module(*inputs, **options, **asked), torch.get_rng_state()
                torch.manual_seed(7)
                with capture(module, kinds="attention") as cap:
                    watched = module(*inputs, **options, **asked)
                assert torch.equal(torch.get_rng_state(), after)
            assert all(a is b is None or torch.equal(a, b) for a, b in zip(plain, watched, strict=True))
            own = "average_attn_weights" in asked and not training
            assert cap["(model):attention"].info.note == ("" if own else attention_module.MULTIHEAD)
            np.testing.assert_allclose(weights(cap)["(model):attention"], expected.detach(), atol=1e-6)


def test_the_fused_layers_of_pytorch_are_left_alone() -> None:
    """Bit for bit: the module's own fused way rounds differently from the plain one."""
    model, x = Encoder().eval(), example()
    with torch.no_grad():
        plain = model(x)
        with capture(model, kinds="attention") as cap:
            assert torch.equal(model(x), plain)
    assert cap["encoder.layers:attention.layers"].info.shape == (2, 2, HEADS, TOKENS, TOKENS)


# -- attention that is written out


@pytest.mark.parametrize("how", ["written out", "in place", "einsum", "bmm", "returned", "fused"])
def test_every_way_gives_the_same_weights(how: str) -> None:
    torch.manual_seed(0)
    model, x = Stacked(how, dropout=0.4).eval(), example()
    q, k, _ = map(heads, model.layers[0].qkv(x).chunk(3, -1))
    expected = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), -1).detach()
    with capture(model, kinds="attention") as cap:
        model(x)
    names = {f"layers.{i}:attention" for i in range(2)} | {"layers:attention.layers"}
    assert set(cap) == names
    np.testing.assert_allclose(weights(cap)["layers.0:attention"], expected, atol=1e-6)


def test_dropout_is_left_out_and_said() -> None:
    torch.manual_seed(0)
    x = example()
    notes = {}
    for how in ("written out", "fused", "in place"):
        torch.manual_seed(1)
        model = Projected(how, dropout=0.4)
        torch.manual_seed(2)
        with capture(model, kinds="attention") as cap, torch.no_grad():
            model(x)
        notes[how] = cap["(model):attention"].info.note
        whole = weights(cap)["(model):attention"].sum(-1)
        assert (np.abs(whole - 1).max() < 1e-5) == (how != "in place")  # that is what was multiplied
    assert notes == {
        "written out": "before dropout",
        "fused": "recomputed from query, key and mask, without the dropout of 0.4",
        "in place": "",
    }


def test_probabilities_that_are_multiplied_with_no_values_are_no_attention() -> None:
    class Classifies(nn.Module):
        def forward(self, x: Tensor) -> Any:
            chances = functional.softmax(x, -1)
            return x * 2, chances, chances.flatten(0, 1).softmax(-1)

    model = nn.Sequential(Classifies())
    with capture(model, kinds="attention") as cap:
        model(torch.randn(2, 5, 9))
    assert list(cap) == []


# -- nothing of the model's changes


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_capture_of_attention_changes_nothing(make: Callable[[], nn.Module], training: bool) -> None:
    def steps(model: nn.Module) -> list[Any]:
        torch.manual_seed(1)
        x = example().requires_grad_(training)
        with torch.set_grad_enabled(training):
            output = model(x)
            output = output[0] if isinstance(output, tuple) else output
        if training:
            output.square().sum().backward()
        state = [fingerprint(p.grad) for p in model.parameters()]
        return [fingerprint(output), fingerprint(x.grad), state, fingerprint(torch.get_rng_state())]

    plain = steps(build(make).train(training))
    model = build(make).train(training)
    before = keys(contents(model))
    with capture(model, kinds=("attention", "output")) as cap:
        assert steps(model) == plain
    assert keys(contents(model)) == before
    assert _get_current_function_mode_stack() == []
    assert any(reader.info.kind == "attention" for reader in cap.values())


@pytest.mark.filterwarnings("ignore:.*nested tensors")
@pytest.mark.parametrize("make", hostilemodels.MODELS.values(), ids=hostilemodels.MODELS.keys())
def test_hostile_models_stay_as_they_are(make: Callable[[], nn.Module]) -> None:
    around = torch.enable_grad
    plain = run(build(make), around)
    model = build(make)
    before = keys(contents(model))
    with capture(model, kinds=("attention",)) as cap:
        assert run(model, around) == plain
    assert keys(contents(model)) == before
    assert _get_current_function_mode_stack() == []
    assert cap.source.recorder.unheard == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_part_that_is_computed_again_is_no_call(reentrant: bool) -> None:
    model = Recomputed(reentrant)
    with capture(model, kinds="attention") as cap:
        loss = model(example().requires_grad_()).sum()
        seen = {name: reader.info.version for name, reader in cap.items()}
        loss.backward()
    assert {name: reader.info.version for name, reader in cap.items()} == seen
    assert list(seen) == ["layer:attention"]


def test_calls_of_a_shared_layer_are_told_apart_and_stacked() -> None:
    model = SharedLayer()
    with capture(model, kinds="attention") as cap:
        model(example())
    assert list(cap) == ["layer:attention", "layer:attention~2", "layer:attention~3", "layer:attention.layers"]
    assert cap["layer:attention~2"].info.aliases == ("again:attention~2",)
    found = weights(cap)
    np.testing.assert_array_equal(found["layer:attention.layers"][1], found["layer:attention~2"])
    assert cap["layer:attention.layers"].info.axes == ("layer", "batch", "head", "query", "key")


def test_what_goes_wrong_with_us_stays_with_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> Any:
        raise RuntimeError("no weights today")

    model, x = nn.Sequential(Projected(), Projected("written out"), Attends()).eval(), example()
    plain = model(x)
    for name in ("dot_product_weights", "multihead_weights", "_version"):
        monkeypatch.setattr(attention_module, name, fails)
    with capture(model, kinds="attention") as cap:
        assert torch.equal(model(x), plain)
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert set(reasons) == {"0:attention", "1:attention", "2.attention:attention"}
    assert all("no weights today" in why for why in reasons.values())


def test_what_would_not_fit_is_not_computed() -> None:
    model = Projected()
    with capture(model, kinds="attention", budget=1000) as cap:
        model(example())
    assert cap["(model):attention"].info.unreadable == OVER_BUDGET
    assert cap["(model):attention"].info.shape == (2, HEADS, TOKENS, TOKENS)


def test_only_the_modules_that_were_asked_for() -> None:
    model = Stacked()
    with capture(model, "layers.1", kinds="attention") as cap:
        model(example())
    assert list(cap) == ["layers.1:attention"]
    with capture(model, "layers.1.qkv", kinds="attention") as cap:
        model(example())
    assert list(cap) == []


def test_tokens_name_queries_and_keys() -> None:
    names = ("the", "cat", "sat", "on", "a", "mat")
    model = Stacked()
    with capture(model, kinds=("attention", "output"), tokens=names) as cap:
        model(example())
    assert cap["layers.0:attention"].info.labels == ((), (), names, names)
    assert cap["layers:attention.layers"].info.labels == ((), (), (), names, names)
    assert cap["layers.0:output"].info.labels == ()
    model.token_names = names[:3]  # type: ignore[assignment]
    with capture(model, kinds="attention") as cap:
        model(example()[:, :3])
        assert cap["layers.0:attention"].info.labels[2] == names[:3]
        model(example())
        assert cap["layers.0:attention"].info.labels == ()


def test_attention_is_recorded(tmp_path: Path) -> None:
    model, x = build(Stacked), example()
    with watch(model, tmp_path / "run", every=1, kinds=("attention",)) as run:
        for _ in range(2):
            model(x)
            run.step()
    with capture(model, kinds="attention") as cap:
        model(x)
    reader = RunReader(tmp_path / "run")
    assert reader.frame_steps("layers.1:attention").tolist() == [0, 1]
    found = reader.frame("layers.1:attention", 1)
    assert found is not None
    assert found[1].note == attention_module.DOT_PRODUCT
    np.testing.assert_array_equal(found[2].arrays["values"], weights(cap)["layers.1:attention"])
