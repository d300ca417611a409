"""A small vision transformer (Dosovitskiy et al. 2021), with attention written out so that its weights can be seen.

The softmax of each attention is a module: what its hook sees is the attention that was really used, with shape
(batch, heads, queries, keys), and not one computed again.
"""

# mypy: disallow-subclassing-any=False
# (torch is not followed by mypy here: its modules are Any to it)

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

PATCH = 2  # pixels per side
PATCHES = 16
WIDTH = 64
HEADS = 4
DEPTH = 4


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.softmax = nn.Softmax(dim=-1)
        self.projection = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, token, WIDTH] → the same shape."""
        batch, tokens, _ = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, HEADS, WIDTH // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [batch, head, token, WIDTH / HEADS]
        attention = self.softmax(q @ k.transpose(-2, -1) / math.sqrt(WIDTH // HEADS))  # [batch, head, query, key]
        mixed = (attention @ v).transpose(1, 2).reshape(batch, tokens, WIDTH)
        result: Tensor = self.projection(mixed)
        return result


class Block(nn.Module):
    """Attention and a two-layer perceptron, each normalised before and added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, token, WIDTH] → the same shape."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class DigitsVit(nn.Module):
    """Sixteen patches of 2 × 2 pixels and a class token through four blocks."""

    token_names = ("class", *(f"{i // 4},{i % 4}" for i in range(PATCHES)))  # patches by row and column

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, WIDTH, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.position = nn.Parameter(torch.randn(1, PATCHES + 1, WIDTH) * 0.02)
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 10)

    def forward(self, images: Tensor) -> Tensor:
        """images: [batch, 1, 8, 8] in −1–1 → logits [batch, 10]."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)  # [batch, patch, WIDTH], patches row by row
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), tokens], dim=1) + self.position
        logits: Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return logits
