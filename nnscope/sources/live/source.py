"""A live model as a source: its parameters as they are now, and what its hooks have captured."""

from __future__ import annotations

import itertools
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nnscope.core.address import ROOT
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import Listing, ModuleInfo, TensorInfo
from nnscope.sources.attention_stack import open_stack, stacks
from nnscope.sources.live.attention import KIND as ATTENTION
from nnscope.sources.live.attention import AttentionRecorder
from nnscope.sources.live.axes import NamedAxes
from nnscope.sources.live.captured import ROOM, CapturedValues, Room
from nnscope.sources.live.compatibility import COMPILED, HOLDER, NO, Remark, remarks
from nnscope.sources.live.hooks import MAX_CALLS, Recorder
from nnscope.sources.live.modules import ModuleRef, compiled_paths, is_callable, is_inside, modules_of
from nnscope.sources.live.parameters import LiveParameters
from nnscope.sources.live.sensitivity import call_of, linearise
from nnscope.sources.live.steplock import StepLock
from nnscope.sources.live.values import read_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np

    from nnscope.core.request import Region
    from nnscope.sources.base import TensorReader
    from nnscope.sources.live.hooks import Calls
    from nnscope.sources.live.sensitivity import Call, Linearised
    from nnscope.sources.residual import ResidualBlock

KINDS = ("input", "output")  # that are captured if nothing else is asked for
CAPTURED = (*KINDS, "grad_input", "grad_output", ATTENTION)
SHOWN = (*KINDS, ATTENTION)  # that a window shows of a model it runs

_NOT_CALLED = (
    "It was not called in the last forward pass: its parent uses its weights without calling it, or did not need it, "
    "or it ran inside a compiled graph."
)
_NO_TENSOR = "It gave no tensor in the last forward pass."


class LiveSource:
    """The parameters, buffers and captured values of ``model``.

    The model is not kept alive by this: hold it as long as parameters are to be read. Captured values stay readable.

    Parameters
    ----------
    model : Module
    path : str
        What the listing calls it, such as ``"demo:digits-cnn"``.
    watched : sequence of ModuleRef, optional
        The modules to capture; all of them by default.
    kinds : sequence of str
        Of `CAPTURED`.
    room : Room
        What captured values may take.
    tokens : sequence of str
        Names of the tokens that the model is given; those of its own ``token_names`` by default.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        path: str = "live",
        watched: Sequence[ModuleRef] | None = None,
        kinds: Sequence[str] = KINDS,
        room: Room = ROOM,
        tokens: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.lock = StepLock()
        self.live: Callable[[], dict[str, object]] = dict
        self.warnings: Callable[[], tuple[str, ...]] = tuple
        self.given: Callable[[], Call] | None = None  # what the model is run on
        self._model = weakref.ref(model)
        self._ticks = itertools.count(1)
        self._modules = modules_of(model)
        self._axes = NamedAxes(self._modules, tokens or getattr(model, "token_names", ()))
        self._watched = tuple(self._modules if watched is None else watched)
        self._kinds = tuple(kinds)
        self._remarks: dict[str, Remark] = {}  # on modules, when they are first listed
        self.parameters = LiveParameters(model, self.next_version, self.lock)
        self.captured = CapturedValues(room, self.next_version)
        recorder = AttentionRecorder if ATTENTION in kinds else Recorder
        self.recorder = recorder(model, self._watched, kinds, self.captured)

    def next_version(self) -> int:
        """A content version greater than all before."""
        return next(self._ticks)

    def listing(self) -> Listing:
        """Parameters and buffers by module, then captured values in the order of execution."""
        parameters = self.parameters.infos()
        return Listing(
            self.path,
            "live",
            (*map(self._axes.of, parameters), *self.captured_infos(), *self._unseen()),
            modules=tuple(self._module_infos()),
            warnings=(*self.warnings(), *self._bounded()),
            metadata=self._metadata(),
            nbytes=sum(info.nbytes for info in parameters),
            live=self.live(),
        )

    def named(self, info: TensorInfo) -> TensorInfo:
        """A tensor with the names of its axes and of places along them."""
        return self._axes.of(info)

    def captured_infos(self) -> tuple[TensorInfo, ...]:
        """Captured values in the order of execution, then the attention of all layers."""
        captured = tuple(map(self._axes.of, self.captured.infos()))
        return (*captured, *(stack.info for stack in stacks(info for info in captured if info.kind == ATTENTION)))

    def reader(self, address: str) -> TensorReader:
        """The captured value, parameter or buffer of that address.

        Raises
        ------
        NnscopeError
            If there is none.
        """
        kept = self.captured.find(address)
        if kept is not None:
            return CapturedReader(self._axes.of(kept.info), kept.value)
        parameter = self.parameters.reader(address)
        if parameter is not None:
            parameter.info = self._axes.of(parameter.info)
            return parameter
        for stack in stacks(info for info in self.captured_infos() if info.kind == ATTENTION):
            if stack.info.address == address:
                return open_stack(stack, self.reader)
        for unseen in self._unseen():
            if unseen.address == address:
                return CapturedReader(unseen, None)
        raise NnscopeError(self._why_missing(address), address)

    @contextmanager
    def linearised(self, path: str) -> Iterator[Linearised]:
        """The module at ``path`` as a linear map about what the chosen sample gives it; the model rests meanwhile.

        Raises
        ------
        NnscopeError
            If nothing is known that the model could be run on, or the module can't be derived.
        """
        model = self._model()
        if model is None or self.given is None:
            raise NnscopeError("This model is not run by nnscope, so nothing is known to derive it at.", path)
        inside = "" if path == ROOT else path
        with self.lock.read():
            call = call_of(model, inside, self.given())
            yield linearise(model.get_submodule(inside), call)

    def residual_blocks(self) -> tuple[ResidualBlock, ...]:
        """Where the model adds branches to what went past them; none of a model that is gone."""
        from nnscope.sources.live.residual import residual_blocks

        model = self._model()
        if model is None:
            return ()
        with self.lock.read():
            return residual_blocks(model)

    def close(self) -> None:
        """Take the hooks off the model. Idempotent."""
        self.recorder.detach()
        self.captured.trim()

    def _why_missing(self, address: str) -> str:
        if self._model() is None:
            return "The model is gone: hold a reference to it as long as its parameters are to be read."
        return "There is no tensor of this name now; what a pass captures takes the place of the pass before."

    def _module_infos(self) -> Iterator[ModuleInfo]:
        calls, compiled = dict(self.recorder.calls), compiled_paths(self._modules)
        self._remarks = told = self._remarks or remarks(self._modules)
        watched = {ref.path for ref in self._watched}
        for ref in self._modules:
            seen, remark = calls.get(ref.path), told[ref.path]
            why = self._why_unseen(ref, calls, compiled) if ref.path in watched else ""
            if why and remark.observed not in (NO, HOLDER):
                remark = Remark(NO, why)
            yield ModuleInfo(ref.path, ref.type, -1 if seen is None else seen.order, *remark)

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        model = self._model()
        if model is None:
            return ()
        device = next((str(p.device) for p in model.parameters()), "cpu")
        return (("class", type(model).__name__), ("device", device), ("torch", str(torch.__version__)))

    def _bounded(self) -> Iterator[str]:
        for path, calls in list(self.recorder.calls.items()):
            if calls.count > MAX_CALLS:
                yield (
                    f"{path or ROOT} was called {calls.count} times in one forward pass: "
                    f"the first {MAX_CALLS - 1} calls and the newest are kept."
                )

    def _unseen(self) -> Iterator[TensorInfo]:
        """Outputs and attention that could not be captured, each with the reason (P12)."""
        if isinstance(self.recorder, AttentionRecorder):
            for path, why in list(self.recorder.unheard.items()):
                yield TensorInfo(f"{path or ROOT}:{ATTENTION}", (), "", ATTENTION, unreadable=why)
        if "output" not in self._kinds:
            return
        calls = dict(self.recorder.calls)
        compiled = compiled_paths(self._modules)
        for ref in self._watched:
            why = self._why_unseen(ref, calls, compiled) if is_callable(ref.reference()) else ""
            if why:
                yield TensorInfo(f"{ref.name}:output", (), "", "output", unreadable=why)

    def _why_unseen(self, ref: ModuleRef, calls: dict[str, Calls], compiled: tuple[str, ...]) -> str:
        seen = calls.get(ref.path)
        newest = max((calls[p].forward for p in _parents(ref.path) if p in calls), default=0)
        if seen is None or seen.forward < newest:
            if any(is_inside(ref.path, path) for path in compiled):
                return COMPILED
            return _NOT_CALLED if newest else ""
        if ref.path in self.recorder.troubles:
            return self.recorder.troubles[ref.path]
        return "" if seen.tensors else _NO_TENSOR


@dataclass(slots=True)
class CapturedReader:
    """A captured value, or the reason why there is none."""

    info: TensorInfo
    value: torch.Tensor | None

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        if self.value is None:
            raise NnscopeError(self.info.unreadable, self.info.address)
        return read_region(self.value, region)


def _parents(path: str) -> Iterator[str]:
    """The paths of all modules around ``path``, outwards to the model itself."""
    while path:
        path = path.rpartition(".")[0]
        yield path
