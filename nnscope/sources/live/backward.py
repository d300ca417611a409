"""Gradients of what modules take and give, by hooks on the tensors themselves.

A hook on a tensor leaves in-place operations alone, which a full backward hook of a module breaks (promise P10), and
sees the gradient of the values as they were when it was put on. It returns nothing and goes when its graph does; on
tensors that outlive it (a leaf that the user passes in) it is taken off before the next pass.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.utils.hooks import RemovableHandle

    from nnscope.sources.live.captured import Place


class GradientHooks:
    """Copies the gradients of tensors that are followed, when a backward pass computes them.

    Parameters
    ----------
    keep : callable
        ``keep(place, gradient)``, called in the thread of the backward pass.
    """

    def __init__(self, keep: Callable[[Place, torch.Tensor], object]) -> None:
        self._keep = keep
        self._handles: list[RemovableHandle] = []

    def follow(self, place: Place, tensor: torch.Tensor) -> None:
        """Have the gradient of ``tensor`` kept at ``place``; nothing where none is computed."""
        if tensor.requires_grad and torch.is_grad_enabled():
            self._handles.append(tensor.register_hook(_Computed(self, place)))

    def release(self) -> None:
        """Take off all hooks."""
        while self._handles:
            self._handles.pop().remove()

    def computed(self, place: Place, gradient: torch.Tensor) -> None:
        """A gradient is there."""
        self._keep(place, gradient)


class _Computed:
    """The hook on one tensor; whoever follows it is not kept alive by a graph."""

    __slots__ = ("_hooks", "_place")

    def __init__(self, hooks: GradientHooks, place: Place) -> None:
        self._hooks = weakref.ref(hooks)
        self._place = place

    def __call__(self, gradient: torch.Tensor) -> None:
        hooks = self._hooks()
        if hooks is None or torch.compiler.is_compiling():
            return
        try:
            with torch._C.DisableTorchFunction():
                hooks.computed(self._place, gradient)
        except Exception:  # never into the backward pass (P10): this gradient is missing from what is captured
            return
