"""Models that make watching them hard: each is a row in the table of ``test_hostile_models.py``."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

if TYPE_CHECKING:
    from collections.abc import Callable


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
        self.cell, self.never = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(1000):
            x = self.cell(x)
        return x


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
