"""Listening to the operations of a forward pass, where attention is computed by functions and not by modules.

A function mode of PyTorch is told of every operation of its thread. It passes each one on as it is and returns what
came of it, so results are those without it, with one exception: ``MultiheadAttention`` leaves its fused path when a
mode is there, and that rounds differently. `Hearing.pause` takes the mode away for the length of such a call.

Modes are a stack, and a pass may end in an interruption, so a mode is taken out of the stack wherever it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOT_PRODUCT = frozenset((functional.scaled_dot_product_attention,))
MULTIHEAD = frozenset((functional.multi_head_attention_forward,))
SOFTMAX = frozenset((functional.softmax, torch.softmax, torch.Tensor.softmax))
PRODUCTS = frozenset(
    (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm, torch.einsum)
)
DROPOUT = frozenset((functional.dropout, torch.dropout))
# what leaves probabilities what they are, in another type or arrangement
SAME = frozenset(
    getattr(torch.Tensor, name)
    for name in ("to", "type", "type_as", "float", "half", "bfloat16", "contiguous", "clone", "view", "reshape")
)
HEARD = DOT_PRODUCT | MULTIHEAD | SOFTMAX | PRODUCTS | DROPOUT | SAME


class Hearing(TorchFunctionMode):  # type: ignore[misc]
    """Calls ``heard(function, args, kwargs, result)`` after each operation of `HEARD` while it is on."""

    def __init__(self, heard: Callable[[Any, tuple[Any, ...], Mapping[str, Any], Any], None]) -> None:
        super().__init__()
        self._heard = heard

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Pass the operation on; what we do with it never changes or hinders it."""
        result = func(*args, **(kwargs or {}))
        if not torch.compiler.is_compiling() and func in HEARD:
            self._heard(func, args, kwargs or {}, result)
        return result

    def begin(self) -> None:
        """Listen in this thread, from the top of the stack."""
        self.end()
        _push_mode(self)

    def end(self) -> None:
        """Listen no more in this thread. Idempotent; modes of others stay as they are."""
        above = []
        while torch._C._len_torch_function_stack():
            mode = _pop_mode()
            if mode is self:
                break
            above.append(mode)
        for mode in reversed(above):
            _push_mode(mode)
