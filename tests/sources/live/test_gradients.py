"""Gradients as the optimiser is given them: unscaled, clipped, summed over micro-batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.sources.live.capture import capture
from tests.sources.live.watched import Net, X, array

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[nn.Module, torch.optim.Optimizer], dict[str, np.ndarray]]


def _of(model: nn.Module) -> dict[str, np.ndarray]:
    return {f"{name}:grad": p.grad.numpy().copy() for name, p in model.named_parameters()}


def plain(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    model(X).square().sum().backward()
    used = _of(model)
    optimizer.step()
    optimizer.zero_grad()
    return used


def clipped(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    model(X).square().sum().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
    used = _of(model)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return used


def scaled(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(model(X).square().sum()).backward()
    scaler.step(optimizer)
    used = _of(model)
    scaler.update()
    return used


def accumulated(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    for part in X:
        model(part).square().sum().backward()
    used = _of(model)
    optimizer.step()
    return used


def by_hand(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    model(X).square().sum().backward()
    used = _of(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None
    return used


def by_closure(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    solver, used = torch.optim.LBFGS(model.parameters(), max_iter=3), {}

    def closure() -> torch.Tensor:
        solver.zero_grad()
        loss = model(X).square().sum()
        loss.backward()
        used.update(_of(model))
        return loss

    solver.step(closure)
    return used


@pytest.mark.parametrize("step", [plain, clipped, scaled, accumulated, by_hand, by_closure], ids=lambda s: s.__name__)
def test_what_is_captured_is_what_moved_the_parameters(step: Step) -> None:
    torch.manual_seed(0)
    model = Net()
    with capture(model, kinds="grad") as cap:
        used = step(model, torch.optim.SGD(model.parameters(), 0.1))
    assert sorted(cap) == sorted(used)
    for address, right in used.items():
        np.testing.assert_array_equal(array(cap[address]), right)


def test_optimisers_of_others_are_left_alone_and_nothing_stays() -> None:
    model, other = Net(), Net()
    with capture(model, kinds="grad") as cap:
        plain(other, torch.optim.SGD(other.parameters(), 0.1))
        assert not list(cap)
    from torch.optim import optimizer

    assert not optimizer._global_optimizer_pre_hooks
