"""Gradients of parameters, copied when the backward pass has added the last of them.

A post-accumulate hook sees the gradient before an optimiser or ``zero_grad`` can change it, fires for shared or sharded
parameters once for each sum, and leaves in-place operations alone, which full backward hooks of modules break (promise
P10). PyTorch itself drops these hooks when a model is copied, pickled or saved.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

import torch

from nnscope.sources.live.shards import local_part
from nnscope.sources.live.values import copy_of, why_unreadable

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle


class GradientRecorder:
    """Keeps the newest gradient of each parameter of a model while it is not paused.

    Parameters
    ----------
    model : Module
        Not kept alive by this.
    budget : int
        Bytes of copies kept at most; what comes later in a backward pass is not kept then.
    """

    def __init__(self, model: torch.nn.Module, budget: int) -> None:
        self.paused = True
        self.seconds = 0.0  # that copies took from the backward pass
        self._model = weakref.ref(model)
        self._budget = budget
        self._lock = threading.Lock()
        self._kept: dict[str, torch.Tensor] = {}
        self._bytes = 0
        self._handles: list[RemovableHandle] = []

    def attach(self) -> None:
        """Put a hook on every parameter that takes a gradient; on any failure none stays."""
        model = self._model()
        if model is None:
            return
        try:
            for name, parameter in model.named_parameters():
                if parameter.requires_grad and parameter.is_leaf:
                    self._handles.append(parameter.register_post_accumulate_grad_hook(_Accumulated(self, name)))
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Take all hooks off. Idempotent."""
        while self._handles:
            self._handles[-1].remove()
            self._handles.pop()

    def take(self) -> dict[str, torch.Tensor]:
        """The copies made since the last call, by the parameter's name."""
        with self._lock:
            kept, self._kept, self._bytes = self._kept, {}, 0
        return kept

    def keep(self, name: str, gradient: torch.Tensor | None) -> None:
        """Copy a gradient, in place of the one before; what was accumulated last is the sum of all."""
        if gradient is None:
            return
        gradient, ending = local_part(gradient)
        if why_unreadable(gradient):
            return
        name += ending
        begun = time.perf_counter()
        with self._lock:
            if name not in self._kept and self._bytes + gradient.nbytes > self._budget:
                return
            self._bytes += 0 if name in self._kept else gradient.nbytes
            self._kept[name] = copy_of(gradient)
        self.seconds += time.perf_counter() - begun


class _Accumulated:
    """The hook on one parameter."""

    __slots__ = ("_name", "_recorder")

    def __init__(self, recorder: GradientRecorder, name: str) -> None:
        self._recorder = recorder
        self._name = name

    def __call__(self, parameter: torch.Tensor) -> None:
        if self._recorder.paused or torch.compiler.is_compiling():
            return
        try:
            self._recorder.keep(self._name, parameter.grad)
        except Exception:  # never into the caller's code (P10): this gradient is missing from the record
            return
