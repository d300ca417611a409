"""Forward hooks that see without being seen (promises P9–P12).

Each watched module gets a pre-hook, which copies what the module is called with before it can overwrite it, and a
forward hook, which copies what it gives. A module that holds no other watched one, of which outputs alone are wanted,
does with the second. They return None, raise nothing into the caller, make no graph, and draw no
random number. They are the only thing ever added to a module, and `Recorder.detach` takes all of them off again; the
handles live here and not in the model. A model that is copied, pickled or saved meanwhile carries inert hooks that
need no nnscope to load (`_Hook.__reduce__`), and in a compiled graph the hooks are empty.

Passes and calls. A *pass* begins when the model is called, or a part of it while no watched module is running. Within a
pass the calls of a module are numbered, and from the second on its values are tagged ``~2``, ``~3`` … up to
`MAX_CALLS`, whose place always holds the newest. Calls that PyTorch makes during a backward pass (activation
checkpointing computes a part again) are no calls of their own and are passed over. A recording wants passes of
training: until values are taken, a pass without gradients or in evaluation mode, such as a validation between the
training pass and the end of the step, does not take the place of one with gradients in training mode.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import weakref
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from nnscope.sources.live.backward import GradientHooks
from nnscope.sources.live.captured import Place
from nnscope.sources.live.members import arguments, tensors_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch.utils.hooks import RemovableHandle

    from nnscope.sources.live.captured import CapturedValues, Slot
    from nnscope.sources.live.modules import ModuleRef

MAX_CALLS = 64  # calls of one module that are told apart within a pass

# Bound here: looked up in torch at each call, every name costs a hook a few misses of the caches.
_is_compiling = torch.compiler.is_compiling
_backward_under_way = torch._C._current_graph_task_id
_tracing, _grad_enabled = torch._C._get_tracing_state, torch.is_grad_enabled
_function_modes, _dispatch_modes = torch._C._len_torch_function_stack, torch._C._len_torch_dispatch_stack


@dataclass(slots=True)
class Calls:
    """What is known of a module's calls in the newest pass it took part in."""

    forward: int
    order: int
    count: int = 0
    tensors: int = 0


class _Pass(threading.local):
    """The pass under way in this thread: its number, how many modules took part, and the calls that haven't ended."""

    def __init__(self) -> None:
        self.number = 0
        self.begun = 0
        self.open: list[tuple[str, int]] = []


class Recorder:
    """Keeps copies of what modules take and give.

    Parameters
    ----------
    model : Module
        Its call begins a pass. Not kept alive by this.
    watched : sequence of ModuleRef
    kinds : sequence of str
        Of ``"input"``, ``"output"``, ``"grad_input"`` and ``"grad_output"``.
    values : CapturedValues
        Where the copies go.
    """

    def __init__(
        self, model: torch.nn.Module, watched: Sequence[ModuleRef], kinds: Sequence[str], values: CapturedValues
    ) -> None:
        self.values = values
        self.calls: dict[str, Calls] = {}
        self.troubles: dict[str, str] = {}  # path → why nothing could be kept of it
        self.paused = False
        self.seconds = 0.0  # that copies took from those who call the model
        self._keeps_inputs, self._keeps_outputs = "input" in kinds, "output" in kinds
        self._follows_inputs, self._follows_outputs = "grad_input" in kinds, "grad_output" in kinds
        self._gradients = GradientHooks(values.put)
        self._watched = {ref.path: ref.aliases for ref in watched}
        self._aliases = self._watched  # of those that are listened to
        self._prefers_training = False
        self._trained = False  # whether there was a pass of training since values were taken
        self._modules = {ref.path: ref.reference for ref in watched}
        self._modules[""] = weakref.ref(model)  # watched in any case, to know where a pass begins
        self._numbers = itertools.count(1)
        self._pass = _Pass()
        self._handles: list[RemovableHandle] = []
        self._leaves = _leaves(self._modules) if set(kinds) <= {"output"} else frozenset()

    @property
    def within(self) -> bool:
        """Whether a call is under way that was heard as it began."""
        return bool(self._pass.open)

    @property
    def attached(self) -> bool:
        """Whether hooks are on the model."""
        return bool(self._handles)

    def attach(self, wanted: Callable[[str], bool] | None = None) -> None:
        """Put the hooks on; on any failure none stays.

        For a recording, values are kept of those watched modules only that are ``wanted``, and of passes of training
        rather than others.
        """
        self._prefers_training, self._trained = wanted is not None, False
        self._aliases = {path: names for path, names in self._watched.items() if wanted is None or wanted(path)}
        try:
            for path, reference in self._modules.items():
                module = reference()
                if module is not None and not (path in self._leaves and path not in self._aliases):
                    self._hook(module, path)
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Take all hooks off. Idempotent, and safe to call again after an interruption."""
        self._gradients.release()
        while self._handles:
            self._handles[-1].remove()
            self._handles.pop()

    def taken(self) -> None:
        """What was kept was taken for a recording: the next pass counts, whichever it is."""
        self._trained = False

    def entering(self, module: torch.nn.Module, path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """A watched module is being called."""
        if self._ignores(path, module) or (self._prefers_training and self._gives_way(path)):
            return
        calls = self._called(path)
        self._pass.open.append((path, calls.count))
        if self._keeps_inputs and path in self._aliases:
            self._keep(path, "input", calls.count, arguments(args, kwargs))
        if self._follows_inputs and path in self._aliases:
            self._follow(path, "grad_input", calls.count, arguments(args, kwargs))

    def leaving(self, path: str, result: Any) -> None:
        """A watched module has returned; ``result`` is None also when it raised."""
        now = self._pass
        if _backward_under_way() != -1:
            return
        call = _close(now.open, path)
        if call is None:  # it was ignored, or the hooks came on in the middle of this call
            return
        if self._keeps_outputs and path in self._aliases:
            self.calls[path].tensors, _ = self._keep(path, "output", call, result)
            self.troubles.pop(path, None)
        if self._follows_outputs and path in self._aliases:
            self._follow(path, "grad_output", call, result)
        if not now.open:
            self.values.drop_older(path, now.number)

    def gave(self, module: torch.nn.Module, hook: _Giving, result: Any) -> None:
        """A watched module without others inside it, of which outputs alone are wanted, has returned."""
        path = hook.path
        if self._ignores(path, module) or (self._prefers_training and self._gives_way(path)):
            return
        calls = self._called(path)
        call = min(calls.count, MAX_CALLS)
        calls.tensors, hook.slots[call] = self._keep(path, "output", call, result)
        self.troubles.pop(path, None)
        if not self._pass.open:
            self.values.drop_older(path, self._pass.number)

    def gave_alike(self, module: torch.nn.Module, hook: _Giving, result: Any) -> bool:
        """As `gave`, when all is as in the pass before; False, and nothing done, if not.

        Between two operations of a model every line of Python costs several times what it does in a loop, and this is
        the way of nearly all calls in a training.
        """
        calls, now = self.calls.get(hook.path), self._pass
        if calls is None or not now.open:
            return False
        begins = calls.forward != now.number
        call = 1 if begins else calls.count + 1
        slot = hook.slots.get(min(call, MAX_CALLS))
        if slot is None or _function_modes() or _dispatch_modes() or self._ignores(hook.path, module):
            return False
        begun = perf_counter()
        if not self.values.put_alike(slot, now.number, result):
            return False
        if begins:
            self.calls[hook.path] = Calls(now.number, now.begun, 1, 1)
            now.begun += 1
        else:
            calls.count, calls.tensors = call, 1
        self.seconds += perf_counter() - begun
        return True

    def failed(self, path: str, error: Exception) -> None:
        """Something went wrong while copying: the model goes on, and the listing says so."""
        self.troubles[path] = f"It could not be captured ({type(error).__name__}: {error})."

    def _hook(self, module: torch.nn.Module, path: str) -> None:
        if path in self._leaves:
            self._handles.append(module.register_forward_hook(_Giving(self, path)))
            return
        before = module.register_forward_pre_hook(_Entering(self, path), with_kwargs=True)
        self._handles.append(before)
        after = module.register_forward_hook(_Leaving(self, path), with_kwargs=True, always_call=True)
        self._handles.append(after)

    def _ignores(self, path: str, module: torch.nn.Module) -> bool:
        """Whether this is no call of its own: paused, traced, recomputed, or of a replica."""
        if self.paused or _backward_under_way() != -1 or _tracing() is not None:
            return True
        return self._modules[path]() is not module  # a shallow copy, such as DataParallel makes for its threads

    def _gives_way(self, path: str) -> bool:
        """Whether a pass begins that is none of training, after one that was and whose values were not taken yet."""
        if path and self._pass.open:
            return False
        model = self._modules[""]()
        if model is not None and model.training and _grad_enabled():
            self._trained = True
            return False
        return self._trained

    def _called(self, path: str) -> Calls:
        """Count a call, the first of a new pass where none is under way."""
        now = self._pass
        if not path or not now.open:
            now.number, now.begun = next(self._numbers), 0
            now.open.clear()
            self._gradients.release()
        calls = self.calls.get(path)
        if calls is None or calls.forward != now.number:
            calls = self.calls[path] = Calls(now.number, now.begun)
            now.begun += 1
        calls.count += 1
        return calls

    def _follow(self, path: str, kind: str, call: int, value: Any) -> None:
        tag, aliases, forward = tag_of(call), self._aliases[path], self._pass.number
        for member, tensor in tensors_of(value):
            self._gradients.follow(Place(path, aliases, kind, member + tag, forward), tensor)

    def _keep(self, path: str, kind: str, call: int, value: Any) -> tuple[int, Slot | None]:
        """How many tensors were copied, and where the next like a lone one goes."""
        begun = perf_counter()
        tag, slot = tag_of(call), None
        tensors, aliases, forward = tensors_of(value), self._aliases[path], self._pass.number
        for member, tensor in tensors:
            slot = self.values.put(Place(path, aliases, kind, member + tag, forward), tensor)
        self.seconds += perf_counter() - begun
        return len(tensors), slot if tensors and not tensors[-1][0] else None


class _Hook:
    """A hook of ``recorder`` on the module at ``path``."""

    __slots__ = ("path", "recorder")

    def __init__(self, recorder: Recorder, path: str) -> None:
        self.recorder = recorder
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles of the model hold a callable from the standard library that does nothing."""
        return getattr, (contextlib.nullcontext(), "__exit__")


class _Entering(_Hook):
    __slots__ = ()

    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if _is_compiling() or self.recorder.paused:
            return
        try:
            with torch._C.DisableTorchFunction():  # nor to subclasses and modes that listen to operations
                self.recorder.entering(module, self.path, args, kwargs)
        except Exception as error:  # never into the caller's code (P10)
            self.recorder.failed(self.path, error)


class _Leaving(_Hook):
    __slots__ = ()

    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        if _is_compiling() or not self.recorder.within:
            return
        try:
            with torch._C.DisableTorchFunction():
                self.recorder.leaving(self.path, result)
        except Exception as error:  # never into the caller's code (P10)
            self.recorder.failed(self.path, error)


class _Giving(_Hook):
    __slots__ = ("slots",)

    def __init__(self, recorder: Recorder, path: str) -> None:
        super().__init__(recorder, path)
        self.slots: dict[int, Slot | None] = {}  # by the number of the call, `MAX_CALLS` of them at most

    def __call__(self, module: torch.nn.Module, args: tuple[Any, ...], result: Any) -> None:
        if _is_compiling() or self.recorder.paused:
            return
        try:
            if self.recorder.gave_alike(module, self, result):
                return
            with torch._C.DisableTorchFunction():
                self.recorder.gave(module, self, result)
        except Exception as error:  # never into the caller's code (P10)
            self.recorder.failed(self.path, error)


def _leaves(modules: Mapping[str, weakref.ref[torch.nn.Module]]) -> frozenset[str]:
    """Paths of modules that hold no other watched one; never the model itself, where passes begin and end."""
    found = {path: reference() for path, reference in modules.items()}
    watched = {id(module) for module in found.values()}

    def holds_none(module: torch.nn.Module) -> bool:
        return not any(id(inner) in watched for inner in module.modules() if inner is not module)

    return frozenset(path for path, module in found.items() if path and module is not None and holds_none(module))


def tag_of(call: int) -> str:
    """What the address of a call's values ends with."""
    return f"~{min(call, MAX_CALLS)}" if call > 1 else ""


def _close(open_calls: list[tuple[str, int]], path: str) -> int | None:
    """End the innermost call of ``path``, with whatever was left open inside it; its number in the pass."""
    for depth in reversed(range(len(open_calls))):
        if open_calls[depth][0] == path:
            call = open_calls[depth][1]
            del open_calls[depth:]
            return call
    return None
