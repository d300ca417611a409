"""Record a training script that does not know nnscope: the first model that an optimiser trains is watched.

PyTorch tells of every call of a module and of every step of an optimiser through hooks of its own, which are global and
taken off again. A call that is no part of another is that of a model; when an optimiser first steps, the model with
most of its parameters is the one, and from then on each step of that optimiser is a step of the run. Its number
``backward`` is what the last backward pass began at: the loss, or what a script makes of it before, such as a part of
it or a scaled one.
"""

from __future__ import annotations

import contextlib
import functools
import runpy
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_post_hook

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.values import copy_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from nnscope.sources.live.watching import Watch

BACKWARD = "backward"
MOST_MODELS = 64  # that are remembered until one trains


@dataclass(frozen=True, slots=True)
class Ended:
    """A script that was recorded: its run, its exit code, and what it raised."""

    run: Watch
    code: int
    error: Exception | None = None


def record_script(
    script: str | os.PathLike[str],
    arguments: Sequence[str],
    begin: Callable[[torch.nn.Module], Watch],
    model: str = "",
) -> Ended:
    """Run a script as ``python SCRIPT ARGUMENTS…`` would, and record the model that it trains.

    Parameters
    ----------
    script : path
    arguments : sequence of str
    begin : callable
        Begins the recording of the model that was found.
    model : str
        Name of the model's class; the first model that trains if empty.

    Returns
    -------
    Ended
        How the script ended, and its recording, closed.

    Raises
    ------
    NnscopeError
        If there is no such script, or it ended well and trained no model (of that class).
    Exception
        What the script raised before it trained a model.
    """
    if not Path(script).is_file():
        raise NnscopeError("There is no such script.", str(script))
    follower = _Follower(model, begin)
    error: Exception | None = None
    code = 0
    try:
        with follower.following(), _as_main(str(script), arguments):
            runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as raised:
        error, code = raised, 1
    finally:
        if follower.run is not None:
            follower.run.close()
    if follower.run is None:
        if error is not None:
            raise error
        which = f"no model of the class {model}" if model else "no model"
        raise NnscopeError(f"The script trained {which} with an optimiser of PyTorch.", str(script))
    return Ended(follower.run, code, error)


class _Follower:
    """Finds the model that trains and tells its run of each step."""

    def __init__(self, wanted: str, begin: Callable[[torch.nn.Module], Watch]) -> None:
        self.run: Watch | None = None
        self._wanted = wanted
        self._begin = begin
        self._depth = 0
        self._models: list[weakref.ref[torch.nn.Module]] = []
        self._optimizer: weakref.ref[torch.optim.Optimizer] | None = None
        self._begun_at: torch.Tensor | None = None  # what the last backward pass began at
        self._calls: list[Any] = []

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Listen to modules and optimisers meanwhile."""
        steps = register_optimizer_step_post_hook(self._stepped)
        self._calls = [
            register_module_forward_pre_hook(self._called),
            register_module_forward_hook(self._returned, always_call=True),
        ]
        try:
            with _hearing_backward(self._goes_back):
                yield
        finally:
            steps.remove()
            self._listen_no_more()

    def _goes_back(self, value: Any) -> None:
        if isinstance(value, torch.Tensor) and value.numel() == 1:
            self._begun_at = copy_of(value)

    def _called(self, module: torch.nn.Module, inputs: Any) -> None:
        known = any(reference() is module for reference in self._models)
        if not self._depth and not known and len(self._models) < MOST_MODELS:
            self._models.append(weakref.ref(module))
        self._depth += 1

    def _returned(self, module: torch.nn.Module, inputs: Any, result: Any) -> None:
        self._depth = max(0, self._depth - 1)

    def _stepped(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self.run is None:
            model = self._trained_by(optimizer)
            if model is None:
                return
            self._listen_no_more()
            self._optimizer = weakref.ref(optimizer)
            self.run = self._begin(model)
        if self._optimizer is not None and self._optimizer() is optimizer:
            begun_at, self._begun_at = self._begun_at, None
            self.run.step(**({} if begun_at is None else {BACKWARD: begun_at}))

    def _trained_by(self, optimizer: torch.optim.Optimizer) -> torch.nn.Module | None:
        """The model with most of the optimiser's parameters, the outermost of equals."""
        trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
        best, most = None, 0
        for reference in self._models:
            model = reference()
            if model is None or (self._wanted and type(model).__name__ != self._wanted):
                continue
            count = len(trained & {id(p) for p in model.parameters()})
            if count > most:
                best, most = model, count
        return best

    def _listen_no_more(self) -> None:
        while self._calls:
            self._calls.pop().remove()


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


@contextlib.contextmanager
def _as_main(script: str, arguments: Sequence[str]) -> Iterator[None]:
    """``sys.argv`` and the path of imports as the script expects them."""
    argv, path = sys.argv, sys.path[:]
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
