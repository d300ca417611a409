"""The hooks on a model that is recorded, and what they and the model give at a look."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.address import ROOT, split_kind
from nnscope.core.tensor import TensorInfo
from nnscope.sources.live.captured import OVER_BUDGET, Room
from nnscope.sources.live.gradients import GradientRecorder, LatestGradients
from nnscope.sources.live.half import carried, with_label
from nnscope.sources.live.modules import modules_of, select
from nnscope.sources.live.sensing import SENSITIVITY, Sensing
from nnscope.sources.live.shards import local_part
from nnscope.sources.live.source import CAPTURED, LiveSource
from nnscope.sources.live.turns import Turns
from nnscope.sources.live.values import copy_of, dtype_name, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from nnscope.sources.live.budget import Budget
    from nnscope.sources.live.modules import Layers


class Watched:
    """The hooks on a model and what they give; the model is not kept alive by this.

    Attributes
    ----------
    share : int
        Bytes that a look may copy.
    turns : Turns
        Of addresses, where a look has not room for all.
    listening : bool
        Whether hooks copy what is computed.
    """

    def __init__(
        self, model: torch.nn.Module, layers: Layers, kinds: Sequence[str], tokens: Sequence[str], budget: Budget
    ) -> None:
        modules = modules_of(model)
        captured = tuple(kind for kind in kinds if kind in CAPTURED)
        self.name = type(model).__name__
        self.tree = tuple((ref.path, ref.type) for ref in modules)
        self.share = budget.share
        self.turns = Turns()
        self._heeded = self.turns.now  # as hooks are on at present
        self.listening = False
        self._half = budget.half
        room = Room(self.share, self._half)
        self.gradients = LatestGradients(room, self.turns)
        self._gradient_hooks = GradientRecorder(model, self.gradients.keep)
        chosen = select(modules, layers) if captured else ()
        self._source = LiveSource(model, self.name, chosen, captured, room, tokens)
        self._sensing = Sensing(model)
        self._model = weakref.ref(model)
        self._kinds = kinds
        self._version = 0

    def attach(self) -> None:
        """Put the hooks on, to hear at once where that can't be done."""
        self.listen(True)

    def detach(self) -> None:
        """Take them off. Idempotent."""
        self._gradient_hooks.detach()
        self._sensing.detach()
        self._source.close()

    @property
    def seconds(self) -> float:
        """That copies in hooks took from the training."""
        return self._gradient_hooks.seconds + self._source.recorder.seconds

    def listen(self, on: bool) -> None:
        """Whether hooks copy what the next step computes.

        Hooks that only find that nothing is wanted cost a small network a hundredth of its time: none is on meanwhile.
        """
        if on and self.listening and self._heeded != self.turns.now:  # others have their turn
            self.listen(False)
        if on == self.listening:
            return
        self.listening, self._heeded = on, self.turns.now
        self._source.recorder.paused = not on
        self._hook(on)

    def _hook(self, on: bool) -> None:
        if "grad" in self._kinds:
            (self._gradient_hooks.attach if on else self._gradient_hooks.detach)()
        if set(CAPTURED) & set(self._kinds):
            recorder = self._source.recorder
            recorder.attach(self._wanted) if on else recorder.detach()
        if SENSITIVITY in self._kinds:
            (self._sensing.attach if on else self._sensing.detach)()

    def sensed(self) -> tuple[torch.Tensor, float] | None:
        """See `Sensing.take`; the model runs for it, which hooks must not hear."""
        if SENSITIVITY not in self._kinds:
            return None
        self.listen(False)
        return self._sensing.take()

    def parameters(self) -> Iterator[tuple[TensorInfo, torch.Tensor]]:
        """Parameters and buffers as they are, each once."""
        model = self._model() if "parameter" in self._kinds else None
        if model is None:
            return
        for kind, named in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
            for name, whole in named:
                tensor, ending = local_part(whole)
                if not why_unreadable(tensor):
                    dtype = carried(kind, tensor.dtype, self._half)
                    info = info_of(name + ending, kind, tensor, with_label("", tensor.dtype, dtype))
                    nbytes = tensor.numel() * dtype.itemsize
                    yield replace(info, dtype=dtype_name(dtype), nbytes=nbytes), tensor

    def copy(self, info: TensorInfo, tensor: torch.Tensor) -> torch.Tensor:
        """A copy of a parameter or buffer, as it is carried."""
        return copy_of(tensor, dtype=carried(info.kind, tensor.dtype, self._half))

    def captured(self) -> Iterator[tuple[TensorInfo, torch.Tensor]]:
        """What hooks have copied since the last look; what was not computed anew is not the present."""
        last = self._version
        for info in self._source.captured.infos():
            if info.version > last and info.unreadable == OVER_BUDGET and self.turns.has(info.address):
                self.turns.miss(info.address, info.nbytes <= self.share)
            kept = self._source.captured.find(info.address) if info.version > last else None
            self._version = max(self._version, info.version)
            if kept is not None and kept.value is not None:
                yield replace(self._source.named(info), version=0), kept.value
        self._source.recorder.taken()

    def _wanted(self, path: str) -> bool:
        """Whether it is the turn of something that the module at ``path`` takes or gives."""
        now = self.turns.now
        return not now or any(split_kind(address)[0] == (path or ROOT) for address in now)


def info_of(address: str, kind: str, tensor: torch.Tensor, note: str = "") -> TensorInfo:
    """The entry of a tensor as it is."""
    return TensorInfo(address, tuple(tensor.shape), dtype_name(tensor.dtype), kind, tensor.nbytes, note=note)
