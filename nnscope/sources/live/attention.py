"""Attention weights of whatever runs, by hooks on modules and by listening to operations (promises P9–P12).

There are four ways to come by them, and each value tells its own:

- a softmax over the last axis whose result is multiplied with values, as in attention that is written out and in eager
  models of Hugging Face: the very weights that were used, kept before dropout changes them;
- ``scaled_dot_product_attention``, which gives no weights: recomputed from query, key and mask;
- ``nn.MultiheadAttention``, whatever it was asked to return: its own weights if it gives those of each head, else
  recomputed from its inputs, and its own computation left alone;
- weights that a module returns beside its output, where nothing else was seen inside of it: checked to be weights.

They belong to the innermost module that was running. Nothing is listened to in a model with compiled parts, where a
change of modes would have them compiled again.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from nnscope.sources.live import attention_hearing as hearing
from nnscope.sources.live.attention_hearing import Hearing
from nnscope.sources.live.attention_weights import (
    dot_product_arguments,
    dot_product_shape,
    dot_product_weights,
    function_arguments,
    looks_like_attention,
    module_arguments,
    multihead_shape,
    multihead_weights,
)
from nnscope.sources.live.captured import OVER_BUDGET, Place
from nnscope.sources.live.hooks import Recorder, tag_of
from nnscope.sources.live.members import tensors_of
from nnscope.sources.live.modules import compiled_paths, modules_of
from nnscope.sources.live.values import why_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nnscope.sources.live.captured import CapturedValues
    from nnscope.sources.live.modules import ModuleRef

KIND = "attention"
DOT_PRODUCT = "recomputed from query, key and mask"
MULTIHEAD = "recomputed from the module's inputs"
BEFORE_DROPOUT = "before dropout"
MOST_PENDING = 8  # results of a softmax that may still turn out to be attention

Call = tuple[tuple[Any, ...], "Mapping[str, Any]"]


@dataclass(slots=True, eq=False)
class Running:
    """A module that is running: its call, how often attention was seen in it, and what it was given.

    ``given`` is set for modules whose weights are recomputed from that.
    """

    path: str
    call: int
    count: int = 0
    within: bool = False  # whether a module inside has had attention
    given: Call | None = None


class Probabilities(NamedTuple):
    """A tensor that came of a softmax by nothing that changes it, but perhaps dropout."""

    tensor: torch.Tensor
    softmax: torch.Tensor
    version: int | None  # of the softmax, to tell whether it was overwritten since
    note: str


class _Thread(threading.local):
    """What runs in this thread."""

    def __init__(self) -> None:
        self.running: list[Running] = []
        self.pending: OrderedDict[int, Probabilities] = OrderedDict()
        self.hearing: Hearing | None = None


class AttentionRecorder(Recorder):
    """A `Recorder` that keeps attention too; every module is followed, to know whose attention it is.

    Attributes
    ----------
    unheard : dict of str to str
        Why the attention of a module could not be kept.
    """

    def __init__(
        self, model: torch.nn.Module, watched: Sequence[ModuleRef], kinds: Sequence[str], values: CapturedValues
    ) -> None:
        super().__init__(model, watched, kinds, values)
        everything = modules_of(model)
        self._modules.update((ref.path, ref.reference) for ref in everything)
        self._listens = not compiled_paths(everything)
        self.unheard: dict[str, str] = {}
        self._here = _Thread()

    def detach(self) -> None:
        """Take all hooks off, and listen no more in this thread."""
        self._stop_listening()
        super().detach()

    def entering(self, module: torch.nn.Module, path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A module is being called."""
        before = self._pass.open[-1] if self._pass.open else None
        super().entering(module, path, args, kwargs)
        now = self._pass.open
        if not now or now[-1] is before:
            return
        here = self._here
        del here.running[len(now) - 1 :]
        here.running.append(Running(path, now[-1][1]))
        if len(now) == 1:
            self._start_listening()
        if is_plain_multihead(module):
            here.running[-1].given = args, kwargs
            if here.hearing is not None:
                here.hearing.end()

    def leaving(self, path: str, result: Any) -> None:
        """A module has returned."""
        if torch._C._current_graph_task_id() == -1:
            running = self._close(path)
            if running is not None and result is not None:
                self._guard(path, self._returned, running, result)
        super().leaving(path, result)
        if not self._pass.open:
            self._stop_listening()

    # -- what runs

    def _start_listening(self) -> None:
        here = self._here
        here.pending.clear()
        if self._listens:
            here.hearing = here.hearing or Hearing(self._heard)
            here.hearing.begin()

    def _stop_listening(self) -> None:
        here = self._here
        here.running.clear()
        here.pending.clear()
        if here.hearing is not None:
            here.hearing.end()

    def _close(self, path: str) -> Running | None:
        """End the innermost call of ``path``; the one around it knows that there was attention."""
        here = self._here
        depth = next((i for i in reversed(range(len(here.running))) if here.running[i].path == path), None)
        if depth is None:
            return None
        running = here.running[depth]
        del here.running[depth:]
        if running.given is not None and here.hearing is not None:
            here.hearing.begin()
        if here.running and (running.count or running.within or running.given is not None):
            here.running[-1].within = True
        return running

    # -- what is heard

    def _heard(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        running = self._here.running[-1] if self._here.running else None
        if running is None or self.paused:
            return
        if func in hearing.DOT_PRODUCT:
            self._guard(running.path, self._keep_dot_product, running, args, kwargs)
        elif func in hearing.MULTIHEAD:
            self._guard(running.path, self._keep_multihead, running, lambda: function_arguments(args, kwargs))
        elif func in hearing.SOFTMAX:
            self._guard(running.path, self._remember, args, kwargs, result)
        elif self._here.pending:
            self._guard(running.path, self._follow_on, func, args, kwargs, result, running)

    def _guard(self, path: str, do: Callable[..., None], *given: Any) -> None:
        """Whatever goes wrong with us is no concern of the model's (P10)."""
        try:
            with torch._C.DisableTorchFunction():
                do(*given)
        except Exception as error:
            self.unheard[path] = f"Its attention could not be captured ({type(error).__name__}: {error})."

    def _remember(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor) -> None:
        """The result of a softmax over the last of three axes or more may turn out to be attention."""
        axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if result.dim() < 3 or axis not in (-1, result.dim() - 1):
            return
        here = self._here
        here.pending[id(result)] = Probabilities(result, result, _version(result), "")
        while len(here.pending) > MOST_PENDING:
            here.pending.popitem(last=False)

    def _follow_on(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, at: Running) -> None:
        """Something was done, perhaps with probabilities."""
        pending = self._here.pending
        if func in hearing.PRODUCTS:
            for operand in args[:1] if func is not torch.einsum else _operands(args):
                found = pending.pop(id(operand), None)
                if found is not None:
                    self._keep_used(at, found)
            return
        before = pending.get(id(args[0])) if args else None
        if before is not None and isinstance(result, torch.Tensor):
            dropped = func in hearing.DROPOUT and result is not before.tensor
            pending[id(result)] = before._replace(tensor=result, note=BEFORE_DROPOUT if dropped else before.note)

    # -- what is kept

    def _keep_used(self, at: Running, found: Probabilities) -> None:
        """Probabilities were multiplied with values; those overwritten meanwhile are kept as they were multiplied."""
        pending = self._here.pending
        for key in [key for key, other in pending.items() if other.softmax is found.softmax]:
            del pending[key]
        if found.version == _version(found.softmax):
            self._put(at, found.softmax, found.note)
        else:
            self._put(at, found.tensor, "")

    def _keep_dot_product(self, at: Running, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        given = dot_product_arguments(args, kwargs)
        share = given.get("dropout_p") or 0.0
        note = f"{DOT_PRODUCT}, without the dropout of {share:.3g}" if share else DOT_PRODUCT
        self._recompute(at, given, dot_product_shape, dot_product_weights, note)

    def _keep_multihead(self, at: Running, arguments: Callable[[], dict[str, Any]]) -> None:
        self._recompute(at, arguments(), multihead_shape, multihead_weights, MULTIHEAD)

    def _recompute(
        self,
        at: Running,
        given: dict[str, Any],
        shape_of: Callable[[Mapping[str, Any]], tuple[int, ...]],
        weights_of: Callable[[Mapping[str, Any]], torch.Tensor],
        note: str,
    ) -> None:
        """Weights that nobody has computed, unless there is no room or nothing to compute them from."""
        place = self._place(at)
        if place is None:
            return
        shape: tuple[int, ...] = ()
        why = why_unreadable(given["query"]) or why_unreadable(given["key"])
        if not why:
            shape = shape_of(given)
            why = OVER_BUDGET if math.prod(shape) * 4 > self.values.budget else ""
        if why:
            self.values.refuse(place, shape, torch.float32, why)
        else:
            self.values.adopt(place, weights_of(given), note)

    def _returned(self, running: Running, result: Any) -> None:
        """A module is done: take its weights if it is one that has them, or if it returns some."""
        if running.given is not None:
            module = self._modules[running.path]()
            assert isinstance(module, torch.nn.MultiheadAttention)  # only they are given something
            self._keep_module(running, module, running.given, result)
        elif not running.count and not running.within and running.path in self._aliases:
            for member, tensor in tensors_of(result)[1:]:
                if member and not why_unreadable(tensor) and looks_like_attention(tensor):
                    self._put(running, tensor, "")

    def _keep_module(self, at: Running, module: torch.nn.MultiheadAttention, given: Call, result: Any) -> None:
        own = result[1] if isinstance(result, tuple) and len(result) == 2 else None
        dropped = module.training and module.dropout > 0
        if own is not None and own.dim() == given_rank(given) + 1 and not dropped:
            self._put(at, own, "")
        else:
            self._keep_multihead(at, lambda: module_arguments(module, *given))

    def _put(self, at: Running, tensor: torch.Tensor, note: str) -> None:
        place = self._place(at)
        if place is not None:
            self.values.put(place, tensor, note)

    def _place(self, at: Running) -> Place | None:
        """Where attention of a running module is kept; None when that is not watched."""
        member, at.count = f".{at.count}" if at.count else "", at.count + 1
        if at.path not in self._aliases:
            return None
        self.unheard.pop(at.path, None)
        return Place(at.path, self._aliases[at.path], KIND, member + tag_of(at.call), self._pass.number)


def is_plain_multihead(module: torch.nn.Module) -> bool:
    """Whether it is PyTorch's own attention, or one that computes as that does."""
    return isinstance(module, torch.nn.MultiheadAttention) and type(module).forward is _FORWARD


def given_rank(given: Call) -> int:
    """Number of axes of the queries of a call."""
    query = given[0][0] if given[0] else given[1]["query"]
    return int(query.dim())


_FORWARD = torch.nn.MultiheadAttention.forward


def _version(tensor: torch.Tensor) -> int | None:
    """How often a tensor was written to; tensors of inference mode don't count."""
    return None if tensor.is_inference() else tensor._version


def _operands(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an einsum, which may stand in a list."""
    listed = len(args) == 2 and isinstance(args[1], list | tuple)
    return tuple(args[1]) if listed else args[1:]
