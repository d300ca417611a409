"""Training either model from scratch, one step at a time, and measuring it on the held-out images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .adamw import AdamW
from .data import held_out_part, training_part

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 64


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes
    ----------
    epochs : int
    rate : float
        Highest learning rate, reached along a straight line after a tenth of the steps; then it falls along a half
        cosine to zero.
    decay : float
        Weight decay of AdamW.
    """

    epochs: int = 40
    rate: float = 3e-3
    decay: float = 0.05

    def rate_at(self, progress: float) -> float:
        """The learning rate when ``progress`` of the steps, in 0–1, is done."""
        if progress < 0.1:
            return self.rate * progress / 0.1
        return self.rate * (1 + math.cos(math.pi * (progress - 0.1) / 0.9)) / 2


def accuracy(model: nn.Module) -> float:
    """Share of the held-out images whose digit gets the largest logit. Leaves the model's mode as it was."""
    part = held_out_part()
    training = model.training
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(part.images))
    model.train(training)
    return float((logits.argmax(1) == torch.from_numpy(part.digits)).double().mean())


def train(model: nn.Module, seed: int, recipe: Recipe | None = None) -> Iterator[dict[str, int | float]]:
    """Forget the weights and train on the training part; yields after each step.

    What is yielded: ``step`` and ``epoch`` from 1, ``loss`` of the step's batch, ``accuracy`` on the held-out images
    (measured at the end of each epoch; absent before).
    """
    recipe = recipe or Recipe()
    generator = torch.Generator().manual_seed(seed)
    _initialise(model, seed)
    part = training_part()
    images, digits = torch.from_numpy(part.images), torch.from_numpy(part.digits)
    optimizer = AdamW(model, recipe.decay)
    measured: dict[str, float] = {}
    step, steps = 0, recipe.epochs * (len(images) // BATCH)
    for epoch in range(1, recipe.epochs + 1):
        batches = torch.randperm(len(images), generator=generator)[: len(images) // BATCH * BATCH].view(-1, BATCH)
        for number, batch in enumerate(batches, 1):
            step += 1
            loss = _loss(model, _shifted(images[batch], generator), digits[batch])
            optimizer.step(recipe.rate_at(step / steps))
            if number == len(batches):
                measured = {"accuracy": accuracy(model)}
            yield {"step": step, "epoch": epoch, "loss": loss, **measured}


def _loss(model: nn.Module, images: Tensor, digits: Tensor) -> float:
    """Cross entropy with smoothed labels; its gradients are left in the parameters."""
    model.train()
    model.zero_grad()
    loss = F.cross_entropy(model(images), digits, label_smoothing=0.05)
    loss.backward()
    return float(loss.detach())


def _shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image moved by −1, 0 or 1 pixels along both axes; what comes in from outside is background."""
    padded = F.pad(images, (1, 1, 1, 1), value=-1.0)  # [image, 1, 10, 10]
    windows = padded.unfold(2, 8, 1).unfold(3, 8, 1)  # [image, 1, row shift, column shift, 8, 8]
    rows, columns = torch.randint(0, 3, (2, len(images)), generator=generator)
    return windows[torch.arange(len(images)), :, rows, columns]


def _initialise(model: nn.Module, seed: int) -> None:
    """Fresh weights from ``seed``; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = type(model)().state_dict()
    model.load_state_dict(fresh)
