"""A small model to watch, and what is asked of it again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    import numpy as np


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 4))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor, error: BaseException | None = None) -> Tensor:
        x = self.encoder(x)
        if error is not None:
            raise error
        return self.head(x)


def hook_count(model: nn.Module) -> int:
    lists = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    more = ("_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs")
    return sum(len(getattr(module, name)) for module in model.modules() for name in (*lists, *more))


def array(reader: Any) -> np.ndarray:
    return reader.read(tuple((0, n, 1) for n in reader.info.shape))


X = torch.linspace(-1, 1, 12).view(3, 4)
