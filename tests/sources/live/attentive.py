"""Models that attend in every way there is, and what they are given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEADS, TOKENS = 16, 4, 6


def heads(x: Tensor) -> Tensor:
    """[batch, token, WIDTH] → [batch, head, token, WIDTH / HEADS]."""
    return x.view(*x.shape[:2], HEADS, -1).transpose(1, 2)


class Projected(nn.Module):
    """Query, key and value by one linear layer; how they are used is told by ``how``."""

    def __init__(self, how: str = "fused", dropout: float = 0.0) -> None:
        super().__init__()
        self.how, self.dropout = how, dropout
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x: Tensor) -> Any:
        q, k, v = map(heads, self.qkv(x).chunk(3, -1))
        if self.how == "fused":
            share = self.dropout if self.training else 0.0
            return merged(functional.scaled_dot_product_attention(q, k, v, dropout_p=share))
        weights = functional.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), -1)
        if self.how == "written out":
            weights = functional.dropout(weights, self.dropout, self.training)
            return merged(weights @ v)
        if self.how == "in place":
            functional.dropout(weights, self.dropout, self.training, inplace=True)
            return merged(torch.matmul(weights, v))
        if self.how == "einsum":
            return merged(torch.einsum("bhqk,bhkc->bhqc", weights, v))
        if self.how == "bmm":
            flat = weights.reshape(-1, *weights.shape[-2:]).contiguous()
            return merged(torch.bmm(flat, v.flatten(0, 1)).view_as(v))
        assert self.how == "returned"
        return merged(Opaque.apply(weights, v)), exponentials(q, k)


class Opaque(torch.autograd.Function):
    """A product that no function mode hears."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, v: Tensor) -> Tensor:
        return weights @ v

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return None, None


def exponentials(q: Tensor, k: Tensor) -> Tensor:
    """A softmax by hand."""
    scores = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).exp()
    return scores / scores.sum(-1, keepdim=True)


def merged(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


class Stacked(nn.Module):
    """Two layers of the same kind."""

    def __init__(self, how: str = "fused", dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Projected(how, dropout) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            given = layer(x)
            x = x + (given[0] if isinstance(given, tuple) else given)
        return x


class SharedLayer(nn.Module):
    """One layer, three times."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Projected()
        self.again = self.layer

    def forward(self, x: Tensor) -> Tensor:
        return self.again(self.layer(self.layer(x)))


class Recomputed(nn.Module):
    """Activation checkpointing around attention."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.layer, self.reentrant = Projected(dropout=0.5), reentrant

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.layer, x, use_reentrant=self.reentrant)


class Encoder(nn.Module):
    """PyTorch's own layers, which have fused ways of their own."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 24, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class Attends(nn.Module):
    """Self-attention by PyTorch's module, which is not asked for weights."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, dropout=0.3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


MODELS: dict[str, Callable[[], nn.Module]] = {
    "scaled_dot_product_attention": lambda: Stacked(dropout=0.4),
    **{how: lambda how=how: Stacked(how, 0.4) for how in ("written out", "einsum", "bmm", "returned")},
    "MultiheadAttention": Attends,
    "TransformerEncoder": Encoder,
    "shared": SharedLayer,
    "checkpointing": lambda: Recomputed(False),
    "checkpointing, reentrant": lambda: Recomputed(True),
}


def example() -> Tensor:
    return torch.linspace(-1, 1, 2 * TOKENS * WIDTH).sin().view(2, TOKENS, WIDTH) * torch.arange(1, 3).view(2, 1, 1)
