"""AdamW (Loshchilov & Hutter 2019, algorithm 2), written out.

``torch.optim`` does the same, but its first optimizer imports PyTorch's compiler: two seconds in which someone who has
pressed Train sees nothing move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class AdamW:
    """Decoupled weight decay and bias-corrected moments for all parameters of ``model``."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._parameters = list(model.parameters())
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]
        self._steps = 0

    def step(self, rate: float) -> None:
        """One step along the gradients that are in the parameters."""
        self._steps += 1
        unbias1, unbias2 = 1 - BETA1**self._steps, 1 - BETA2**self._steps
        with torch.no_grad():
            for p, first, second in zip(self._parameters, self._first, self._second, strict=True):
                first.lerp_(p.grad, 1 - BETA1)
                second.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
                p.mul_(1 - rate * self._decay)
                p.addcdiv_(first / unbias1, (second / unbias2).sqrt_().add_(EPSILON), value=-rate)
