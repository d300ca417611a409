"""Gradients of parameters, as the optimiser is given them.

A post-accumulate hook sees the gradient before ``zero_grad`` can change it, fires for shared or sharded parameters once
for each sum, and leaves in-place operations alone, which full backward hooks of modules break (promise P10). PyTorch
itself drops these hooks when a model is copied, pickled or saved. As it may have been unscaled or clipped since, it is
copied again when an optimiser of PyTorch begins its step: that is the gradient which moves the parameters. An optimiser
that divides by the scale within its own kernel, or that is not PyTorch's, is given what the backward pass has left.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from nnscope.sources.live.half import carried, with_label
from nnscope.sources.live.shards import local_part
from nnscope.sources.live.values import copy_of, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.hooks import RemovableHandle

    from nnscope.sources.live.captured import Room
    from nnscope.sources.live.turns import Turns

KIND = "grad"


class GradientRecorder:
    """Hears of the gradient of each parameter of a model while it is attached.

    Parameters
    ----------
    model : Module
        Not kept alive by this.
    keep : callable
        ``keep(name, gradient)`` copies it, in place of the one before: what was accumulated last is the sum of all. The
        name of a shard says which it is.
    """

    def __init__(self, model: torch.nn.Module, keep: Callable[[str, torch.Tensor], object]) -> None:
        self.seconds = 0.0  # that copies took from the backward pass
        self._model = weakref.ref(model)
        self._keep = keep
        self._handles: list[RemovableHandle] = []
        self._names: dict[int, str] = {}  # of parameters, by their identity

    def attach(self) -> None:
        """Put a hook on every parameter that takes a gradient; on any failure none stays."""
        model = self._model()
        if model is None:
            return
        try:
            for name, parameter in model.named_parameters():
                if parameter.requires_grad and parameter.is_leaf:
                    self._names[id(parameter)] = name
                    self._handles.append(parameter.register_post_accumulate_grad_hook(_Accumulated(self, name)))
            self._handles.append(register_optimizer_step_pre_hook(self._steps))
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Take all hooks off. Idempotent."""
        while self._handles:
            self._handles[-1].remove()
            self._handles.pop()
        self._names.clear()

    def accumulated(self, name: str, gradient: torch.Tensor | None) -> None:
        """A gradient is there."""
        if gradient is None:
            return
        begun = time.perf_counter()
        part, ending = local_part(gradient)
        if not why_unreadable(part):
            self._keep(name + ending, part)
        self.seconds += time.perf_counter() - begun

    def _steps(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """An optimiser begins its step: copy what it is given. Its version does not tell whether it was unscaled."""
        if torch.compiler.is_compiling():
            return
        try:
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                name = self._names.get(id(parameter))
                if name:
                    self.accumulated(name, parameter.grad)
        except Exception:  # never into the caller's code (P10): what was copied before stays
            return


class Gradient(NamedTuple):
    """A copy of a gradient, and a note where it is not as it was."""

    value: torch.Tensor
    note: str


class LatestGradients:
    """The newest gradient of each parameter since the last `take`.

    Parameters
    ----------
    room : Room
    turns : Turns
        Of addresses: which gradients are wanted, and told which found no room.
    """

    def __init__(self, room: Room, turns: Turns) -> None:
        self._room = room
        self._turns = turns
        self._lock = threading.Lock()
        self._kept: dict[str, Gradient] = {}
        self._bytes = 0

    def keep(self, name: str, gradient: torch.Tensor) -> None:
        """Copy the gradient of the parameter ``name``, in place of the one before."""
        address = f"{name}:{KIND}"
        dtype = carried(KIND, gradient.dtype, self._room.half)
        nbytes = gradient.numel() * dtype.itemsize
        with self._lock:
            if address not in self._kept and not self._admits(address, nbytes):
                return
            before = self._kept.get(address)
            same = before is not None and before.value.shape == gradient.shape and before.value.dtype is dtype
            copied = copy_of(gradient, before.value if before is not None and same else None, dtype)
            self._kept[address] = Gradient(copied, with_label("", gradient.dtype, dtype))

    def take(self) -> dict[str, Gradient]:
        """The copies made since the last call, by address."""
        with self._lock:
            kept, self._kept, self._bytes = self._kept, {}, 0
        return kept

    def _admits(self, address: str, nbytes: int) -> bool:
        if not self._turns.has(address):
            return False
        if self._bytes + nbytes > self._room.nbytes:
            self._turns.miss(address, nbytes <= self._room.nbytes)
            return False
        self._bytes += nbytes
        return True


class _Accumulated:
    """The hook on one parameter."""

    __slots__ = ("_name", "_recorder")

    def __init__(self, recorder: GradientRecorder, name: str) -> None:
        self._recorder = recorder
        self._name = name

    def __call__(self, parameter: torch.Tensor) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            self._recorder.accumulated(self._name, parameter.grad)
        except Exception:  # never into the caller's code (P10): this gradient is missing from the record
            return
