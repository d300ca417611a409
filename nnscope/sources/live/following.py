"""Finds the model that a script trains, and what is a step of its training.

PyTorch tells of every call of a module and of every step of an optimiser through hooks of its own, which are global and
taken off again. When an optimiser first steps, the model is looked for: of the modules that were called by themselves
the first that holds all that the optimiser trains; where none does (a training that calls parts of its model), the
smallest that holds most of it, called or not.

A step of the run is a step of the optimiser that was first. Another one's is a step too if it trains most of the same
parameters and a backward pass has gone before it since the last step, as where a training changes its optimiser on the
way; not so the second optimiser of an adversarial training, or one around another. When the first is gone, the next
that trains anything of the model takes its place.

The number ``backward`` of a step is what the last backward pass began at: the loss, or what a script makes of it
before, such as a part of it or a scaled one.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.nn.parameter import is_lazy
from torch.optim.optimizer import register_optimizer_step_post_hook

from nnscope.sources.live.values import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nnscope.sources.live.watching import Watch

BACKWARD = "backward"
MOST_MODELS = 64  # that are remembered until one trains

log = logging.getLogger("nnscope")

_Sizes = dict[int, int]  # numbers of elements of parameters, by identity


class Follower:
    """Finds the model that trains and tells its run of each step; raises nothing into the script.

    Parameters
    ----------
    wanted : str
        Name of the model's class; any if empty.
    begin : callable
        Begins the recording of the model that was found.

    Attributes
    ----------
    run : Watch or None
    what : str
        What is recorded.
    trouble : str
        Why recording could not begin.
    """

    def __init__(self, wanted: str, begin: Callable[[torch.nn.Module], Watch]) -> None:
        self.run: Watch | None = None
        self.what = ""
        self.trouble = ""
        self._wanted = wanted
        self._begin = begin
        self._depth = 0
        self._called: list[weakref.ref[torch.nn.Module]] = []  # by themselves, not as parts of others
        self._passed_over: weakref.WeakSet[torch.optim.Optimizer] = weakref.WeakSet()
        self._model: weakref.ref[torch.nn.Module] | None = None
        self._leader: weakref.ref[torch.optim.Optimizer] | None = None
        self._led: _Sizes = {}  # what the leader trains
        self._went_back = False  # since the last step
        self._begun_at: torch.Tensor | None = None  # what the last backward pass began at
        self._hooks: list[Any] = []

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Listen to modules and optimisers meanwhile."""
        steps = register_optimizer_step_post_hook(self._stepped)
        self._hooks = [
            register_module_forward_pre_hook(self._entered),
            register_module_forward_hook(self._returned, always_call=True),
        ]
        try:
            with _hearing_backward(self._goes_back):
                yield
        finally:
            steps.remove()
            self._listen_no_more()

    def _goes_back(self, value: Any) -> None:
        self._went_back = True
        with contextlib.suppress(Exception):  # an odd tensor is no number of ours, and nothing to tell the script
            if isinstance(value, torch.Tensor) and value.numel() == 1:
                self._begun_at = copy_of(value)

    def _entered(self, module: torch.nn.Module, inputs: Any) -> None:
        known = any(reference() is module for reference in self._called)
        if not self._depth and not known and len(self._called) < MOST_MODELS:
            self._called.append(weakref.ref(module))
        self._depth += 1

    def _returned(self, module: torch.nn.Module, inputs: Any, result: Any) -> None:
        self._depth = max(0, self._depth - 1)

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self.trouble:
            return
        try:
            if self.run is None:
                self._look_for_model(optimizer)
            if self.run is not None and self._is_step(optimizer):
                self._step(self.run)
        except Exception as error:  # never into the script (P10)
            self.trouble = str(error) or type(error).__name__
            self._listen_no_more()
            log.warning("Not recorded, and the script goes on: %s", self.trouble)

    def _step(self, run: Watch) -> None:
        begun_at, self._begun_at, self._went_back = self._begun_at, None, False
        run.step(**({} if begun_at is None else {BACKWARD: begun_at}))

    def _look_for_model(self, optimizer: torch.optim.Optimizer) -> None:
        if optimizer in self._passed_over:
            return
        trained = _trained_by(optimizer)
        model = self._model_of(trained)
        if model is None:
            self._passed_over.add(optimizer)
            return
        self._listen_no_more()
        whole, part = sum(trained.values()), _share(model, trained)
        what = f"{part} of the {whole} parameters that its {type(optimizer).__name__} trains"
        self.what = f"{type(model).__name__}, {what}"
        self._model = weakref.ref(model)
        self._lead(optimizer, trained)
        self.run = self._begin(model)

    def _model_of(self, trained: _Sizes) -> torch.nn.Module | None:
        """See the module's text; ``trained`` are sizes of parameters."""
        best, rank = None, (0, 0, 0, 0, 0)
        for model in self._wanted_of(reference() for reference in self._called):
            if (_share(model, trained), 1) > rank[:2]:
                best, rank = model, (_share(model, trained), 1, 0, 0, 0)
        if rank[0] == sum(trained.values()):
            return best
        for model in self._wanted_of(_modules_alive()):
            this = _rank(model, trained)
            if this > rank and this[0]:
                best, rank = model, this
        return best

    def _wanted_of(self, models: Iterable[torch.nn.Module | None]) -> Iterator[torch.nn.Module]:
        for model in models:
            if model is not None and (not self._wanted or type(model).__name__ == self._wanted):
                yield model

    def _is_step(self, optimizer: torch.optim.Optimizer) -> bool:
        """See the module's text."""
        leader = None if self._leader is None else self._leader()
        if leader is optimizer:
            return True
        trained = _trained_by(optimizer)
        if leader is not None:
            return self._went_back and 2 * len(trained.keys() & self._led.keys()) > len(self._led)
        model = None if self._model is None else self._model()
        if model is None or not _share(model, trained):
            return False
        self._lead(optimizer, trained)
        return True

    def _lead(self, optimizer: torch.optim.Optimizer, trained: _Sizes) -> None:
        self._leader, self._led = weakref.ref(optimizer), trained

    def _listen_no_more(self) -> None:
        while self._hooks:
            self._hooks.pop().remove()
        self._called.clear()


def _trained_by(optimizer: torch.optim.Optimizer) -> _Sizes:
    """Sizes of the optimiser's parameters; those that have none yet take no part."""
    return {id(p): p.numel() for group in optimizer.param_groups for p in group["params"] if not is_lazy(p)}


def _share(model: torch.nn.Module, trained: _Sizes) -> int:
    """How many elements of parameters that are ``trained`` the model holds."""
    return sum(trained.get(id(p), 0) for p in model.parameters())


def _rank(model: torch.nn.Module, trained: _Sizes) -> tuple[int, int, int, int, int]:
    """Greater for one that holds more of what is trained; of equals for the smaller, and for the script's own class."""
    own = not type(model).__module__.startswith("torch.")  # no container and no wrapper
    return (_share(model, trained), 0, -sum(1 for _ in model.parameters()), own, -sum(1 for _ in model.modules()))


def _modules_alive() -> list[torch.nn.Module]:
    """All modules of this process. By their types: asking an object for its class may run code of it."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]


@contextlib.contextmanager
def _hearing_backward(heard: Callable[[Any], None]) -> Iterator[None]:
    """Be told what backward passes begin at, which PyTorch has no hook for."""
    original = torch.autograd.backward

    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        heard(tensors)
        original(tensors, *args, **kwargs)

    torch.autograd.backward = backward
    try:
        yield
    finally:
        torch.autograd.backward = original
