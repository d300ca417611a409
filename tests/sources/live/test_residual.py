"""Which additions join which branches, from traces and from names, and what they weigh."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from nnscope.compute.branches import Part, block_of, branch_layout
from nnscope.core.tensor import TensorInfo
from nnscope.sources.live.capture import capture
from nnscope.sources.live.residual import residual_blocks
from nnscope.sources.residual import ResidualBlock, activation_norms, blocks_of_names, weight_norms
from tests.sources.live.watched import array, hook_count

if TYPE_CHECKING:
    from collections.abc import Callable


class BasicBlock(nn.Module):
    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential(nn.Conv2d(inside, out, 1), nn.BatchNorm2d(out)) if inside != out else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Block(nn.Module):
    """A transformer's, as nanoGPT has it."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.Sequential(nn.Linear(width, 3 * width), nn.Linear(3 * width, width))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Untraceable(nn.Module):
    """What it does depends on values."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 1e9:
            return x
        return self.inside(x)


def infos(model: nn.Module) -> list[TensorInfo]:
    return [TensorInfo(name, tuple(tensor.shape), "float32") for name, tensor in model.state_dict().items()]


def weigh(model: nn.Module, blocks: tuple[ResidualBlock, ...]) -> tuple[tuple[float, ...], ...]:
    held = dict(model.named_parameters(remove_duplicate=False))
    return weight_norms(blocks, infos(model), lambda name: float(held[name].detach().double().norm()))


def resnet() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), BasicBlock(4, 4), BasicBlock(4, 6))


@pytest.mark.parametrize("traced", [True, False], ids=["traced", "by name"])
def test_a_resnet(traced: bool) -> None:
    model = resnet() if traced else Untraceable(resnet())
    prefix = "" if traced else "inside."
    first, second = residual_blocks(model)
    assert (first.path, second.path) == (f"{prefix}1", f"{prefix}2")
    assert first.traced == second.traced == traced
    branch, skip = first.branches
    through = [path for path in branch.modules if "relu" not in path]
    assert through == [f"{prefix}1.{name}" for name in ("conv1", "bn1", "conv2", "bn2")]
    assert branch.end == f"{prefix}1.bn2"
    assert (skip.name, skip.modules, skip.skip) == ("identity", (), True)
    assert second.branches[1].modules == (f"{prefix}2.downsample.0", f"{prefix}2.downsample.1")


@pytest.mark.parametrize("traced", [True, False], ids=["traced", "by name"])
def test_a_transformer(traced: bool) -> None:
    model = nn.Sequential(Block(), Block()) if traced else Untraceable(nn.Sequential(Block(), Block()))
    prefix = "" if traced else "inside."
    found = residual_blocks(model)
    assert [block.traced for block in found] == [traced] * 4
    attention, mlp = found[:2]
    assert attention.branches[0].modules == tuple(f"{prefix}0.{n}" for n in ("ln_1", "attn.0", "attn.1"))
    assert {f"{prefix}0.{n}" for n in ("ln_2", "mlp.0", "mlp.2")} <= set(mlp.branches[0].modules)
    assert all(block.branches[1].name == "identity" for block in found)


def test_a_transformer_of_torch() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    attention, mlp = residual_blocks(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False))
    assert attention.branches[0].modules == ("layers.0.self_attn", "layers.0.norm1")
    assert (attention.branches[0].end, mlp.branches[0].end) == ("layers.0.self_attn", "layers.0.linear2")
    held = [*layer.self_attn.parameters(), *layer.norm1.parameters()]
    model = nn.Sequential()
    model.add_module("layers", nn.ModuleList([layer]))
    weighed = weigh(model, (attention,))[0][0]
    assert weighed == pytest.approx(math.sqrt(sum(float((p.detach() ** 2).sum()) for p in held)), rel=1e-6)


def test_numbers() -> None:
    model = resnet()
    blocks = residual_blocks(model)
    first, second = weigh(model, blocks)

    def norm_of(module: nn.Module) -> float:
        return math.sqrt(sum(float((p.detach().double() ** 2).sum()) for p in module.parameters()))

    expected = norm_of(model[1])
    assert first == pytest.approx((expected, 2.0))  # the identity on 4 channels
    assert second[1] == pytest.approx(norm_of(model[2].downsample))
    parts = tuple(Part(b.name, norm, skip=b.skip) for b, norm in zip(blocks[0].branches, first, strict=True))
    regions = {region.path: region for region in branch_layout((block_of(blocks[0].path, parts),))}
    assert regions[("1", "identity")].w == pytest.approx(2 / (2 + expected))
    with capture(model) as cap:
        model(torch.randn(2, 1, 6, 6))
    norms = {name: float((array(reader).astype(float) ** 2).sum() ** 0.5) for name, reader in cap.items()}
    live = activation_norms(blocks, norms.__getitem__)
    assert live[0] == (norms["1.bn2:output"], norms["1.conv1:input"])  # as it was before the addition wrote to it
    assert live[1][1] == norms["2.downsample.1:output"]


@pytest.mark.parametrize("make", [resnet, lambda: nn.Sequential(Block(), Block())], ids=["resnet", "transformer"])
def test_names_in_a_file_tell_the_same(make: Callable[[], nn.Module]) -> None:
    model = make()
    traced, named = residual_blocks(model), blocks_of_names(infos(model))
    assert [block.path for block in named] == [block.path.partition(".")[0] for block in traced]
    assert weigh(model, named) == tuple(pytest.approx(norms) for norms in weigh(model, traced))


def test_the_model_is_left_alone() -> None:
    class Keeps(nn.Module):
        last: Any = None

        def forward(self, x: Tensor) -> Tensor:
            self.last = x
            return x + torch.relu(x)

    model = nn.Sequential(Keeps(), Block())
    model.register_forward_hook(lambda *_: None)
    before = [dict(module.__dict__) for module in model.modules()]
    state = torch.get_rng_state()
    assert len(residual_blocks(model)) == 2
    assert [dict(module.__dict__) for module in model.modules()] == before
    assert hook_count(model) == 1
    assert torch.equal(torch.get_rng_state(), state)


class Adds(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.bias = nn.Linear(4, 4), nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.linear(x) + self.bias
        return (x + y) + 1.0 + (x + x)


def test_other_additions_are_no_branches() -> None:
    assert residual_blocks(Adds()) == ()
    assert residual_blocks(nn.Linear(2, 2)) == ()
    assert weigh(nn.Linear(2, 2), ()) == ()
