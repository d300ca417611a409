"""Names of the axes of what a model holds and gives, where the class of a module tells them.

Only PyTorch's own modules tell: their documentation fixes what each axis means. A module of the user's own may give
anything, so its values have no names, and an axis that a class leaves open has the empty name. Names are singular, as
in "channel 3".
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from nnscope.core.address import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.live.modules import ModuleRef

    Names = tuple[str, ...]

SPACE: dict[int, Names] = {1: ("position",), 2: ("row", "column"), 3: ("plane", "row", "column")}
KERNEL: dict[int, Names] = {
    1: ("kernel position",),
    2: ("kernel row", "kernel column"),
    3: ("kernel plane", "kernel row", "kernel column"),
}
TOKENS = ("query", "key")
MOST_TOKENS = 4096  # that are named
_SPATIAL = re.compile(r"\w*([123])d")  # Conv2d, BatchNorm1d, AdaptiveAvgPool3d, Dropout2d, ZeroPad2d …
_PER_CHANNEL = (_NormBase, nn.GroupNorm, nn.PReLU)
_NORMS = (nn.LayerNorm, nn.RMSNorm)
_GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3}


class NamedAxes:
    """Gives tensors of a model the names of their axes. Keeps no module alive; names once given stay."""

    def __init__(self, modules: Iterable[ModuleRef], tokens: Iterable[str] = ()) -> None:
        self._modules = {path: ref.reference for ref in modules for path in (ref.path, *ref.aliases)}
        self._given: dict[tuple[str, int], Names] = {}  # by address and rank
        self._tokens = tuple(map(str, tokens))[:MOST_TOKENS]

    def of(self, info: TensorInfo) -> TensorInfo:
        """``info`` with its axes, as far as its module tells."""
        if info.unreadable or not info.shape:
            return info
        if info.kind == "attention":
            axes = attention_axes(len(info.shape))
            return replace(info, axes=axes, labels=self._labels(axes, info.shape))
        key = info.address, len(info.shape)
        if key not in self._given:
            self._give(key, info.kind)
        axes = self._given.get(key, ())
        return replace(info, axes=axes) if axes else info

    def _labels(self, axes: Names, shape: tuple[int, ...]) -> tuple[Names, ...]:
        """The tokens along queries and keys, where there are as many."""
        count = len(self._tokens)
        sides = zip(axes, shape, strict=True)
        named = [self._tokens if axis in TOKENS and size == count else () for axis, size in sides]
        return tuple(named) if any(named) else ()

    def _give(self, key: tuple[str, int], kind: str) -> None:
        """Ask the module, unless it is gone."""
        address, rank = key
        owner, colon, value = address.partition(":")
        path, _, name = ("" if owner == ROOT else owner, "", "") if colon else owner.rpartition(".")
        reference = self._modules.get(path)
        module = None if reference is None else reference()
        if module is None:
            return
        member = value.removeprefix(kind).partition("~")[0]
        self._given[key] = value_axes(module, kind, member, rank) if colon else parameter_axes(module, name, rank)


def attention_axes(rank: int) -> Names:
    """[batch, head, query, key]; of three axes the first may be either of both."""
    heads = {2: (), 3: ("",), 4: ("batch", "head")}.get(rank, (*("",) * (rank - 3), "head"))
    return (*heads, *TOKENS)


def parameter_axes(module: nn.Module, name: str, rank: int) -> Names:
    """Names of the axes of the parameter or buffer ``name`` of ``module``; empty when they aren't known."""
    for kinds, names_of in _PARAMETERS:
        if isinstance(module, kinds):
            names = names_of(module, name)
            return names if len(names) == rank else ()
    return ("in", "out") if _is_gpt2_linear(module) and name == "weight" and rank == 2 else ()


def value_axes(module: nn.Module, kind: str, member: str, rank: int) -> Names:
    """Names of the axes of an input or output of ``module``; empty when they aren't known.

    Parameters
    ----------
    module : Module
    kind : str
        ``"input"`` or ``"output"``.
    member : str
        Which tensor of several, as in addresses: ``".0"``, ``".key"``; empty for the only one.
    rank : int
    """
    for kinds, names_of in _VALUES:
        if isinstance(module, kinds):
            return names_of(module, kind, member, rank)
    dimensions = _dimensions(module)
    return _spatial(dimensions, rank) if dimensions else ()


# -- parameters and buffers


def _of_convolution(module: Any, name: str) -> Names:
    if name == "bias":
        return ("out",)
    group = " in group" if module.groups > 1 else ""
    sides = ("in", f"out{group}") if module.transposed else ("out", f"in{group}")
    return (*sides, *KERNEL[len(module.kernel_size)]) if name == "weight" else ()


def _of_linear(module: Any, name: str) -> Names:
    return {"weight": ("out", "in"), "bias": ("out",)}.get(name, ())


def _of_bilinear(module: Any, name: str) -> Names:
    return {"weight": ("out", "first in", "second in"), "bias": ("out",)}.get(name, ())


def _of_embedding(module: Any, name: str) -> Names:
    return ("token", "channel") if name == "weight" else ()


def _of_channels(module: Any, name: str) -> Names:
    return ("channel",)


def _of_recurrent(module: Any, name: str) -> Names:
    """``weight_ih_l0`` [gate × out, in], ``weight_hh_l0_reverse`` [gate × out, hidden], ``bias_ih`` [gate × out] …"""
    gates = _GATES.get(_own_class(module), 1)
    out = "gate × out" if gates > 1 else "out"
    what = name.split("_l")[0]
    names = {"weight_ih": (out, "in"), "weight_hh": (out, "hidden"), "weight_hr": ("out", "hidden")}
    return names.get(what, (out,) if what in ("bias_ih", "bias_hh") else ())


def _of_attention(module: Any, name: str) -> Names:
    """``in_proj_weight`` holds the matrices of query, key and value one below the other."""
    if name.endswith("_proj_weight"):
        return ("query, key, value × out" if name.startswith("in_") else "out", "in")
    return ("query, key, value × out",) if name == "in_proj_bias" else ()


_PARAMETERS: tuple[tuple[Any, Callable[[Any, str], Names]], ...] = (
    (_ConvNd, _of_convolution),
    (nn.Linear, _of_linear),
    (nn.Bilinear, _of_bilinear),
    ((nn.Embedding, nn.EmbeddingBag), _of_embedding),
    ((*_PER_CHANNEL, *_NORMS), _of_channels),
    ((nn.RNNBase, nn.RNNCellBase), _of_recurrent),
    (nn.MultiheadAttention, _of_attention),
)


# -- inputs and outputs


def _last(name: str, rank: int) -> Names:
    """Only the last axis is known; in a matrix the other one is the batch."""
    if rank == 2:
        return "batch", name
    return (*("",) * (rank - 1), name) if rank else ()


def _features(module: Any, kind: str, member: str, rank: int) -> Names:
    return _last("feature", rank)


def _normed(module: Any, kind: str, member: str, rank: int) -> Names:
    return _last("channel", rank) if len(module.normalized_shape) == 1 else ()


def _embedded(module: Any, kind: str, member: str, rank: int) -> Names:
    return (*("",) * (rank - 1), "channel") if kind == "output" and rank else ()


def _batched(module: Any, kind: str, member: str, rank: int) -> Names:
    """(N, C, …) with any number of axes of space."""
    return ("batch", "channel", *SPACE.get(rank - 2, ("",) * (rank - 2))) if rank >= 2 else ()


def _sequences(module: Any, kind: str, member: str, rank: int) -> Names:
    """The sequence, or the hidden state (of an LSTM also the cell state) that goes along."""
    if rank not in (2, 3):
        return ()
    if member in ("", ".0", ".input"):
        order = ("batch", "step") if module.batch_first else ("step", "batch")
        return (*order, "channel") if rank == 3 else ("step", "channel")
    return ("layer", "batch", "channel") if rank == 3 else ("layer", "channel")


def _attended(module: Any, kind: str, member: str, rank: int) -> Names:
    """Queries, keys, values and what comes of them; the second output is the attention itself."""
    if kind == "output" and member == ".1":
        return {2: ("query", "key"), 3: ("batch", "query", "key"), 4: ("batch", "head", "query", "key")}.get(rank, ())
    if kind == "input" and member not in ("", ".0", ".1", ".2", ".query", ".key", ".value"):
        return ()
    order = ("batch", "token") if module.batch_first else ("token", "batch")
    return {2: ("token", "channel"), 3: (*order, "channel")}.get(rank, ())


_VALUES: tuple[tuple[Any, Callable[[Any, str, str, int], Names]], ...] = (
    (nn.Linear, _features),
    (_NORMS, _normed),
    ((nn.Embedding, nn.EmbeddingBag), _embedded),
    ((nn.GroupNorm, nn.BatchNorm1d, nn.SyncBatchNorm), _batched),
    (nn.RNNBase, _sequences),
    (nn.MultiheadAttention, _attended),
)


def _spatial(dimensions: int, rank: int) -> Names:
    """(N, C, space) or, without a batch, (C, space)."""
    if rank == dimensions + 2:
        return ("batch", "channel", *SPACE[dimensions])
    if rank == dimensions + 1:
        return "channel", *SPACE[dimensions]
    return ()


def _dimensions(module: nn.Module) -> int:
    """1, 2 or 3 for modules such as ``Conv2d``, and those derived from them; else 0."""
    found = _SPATIAL.fullmatch(_own_class(module))
    return int(found[1]) if found else 0


def _own_class(module: nn.Module) -> str:
    """The name of the nearest class of PyTorch's own: of what it is, or of what it is derived from."""
    cls: type = type(module)
    return _nearest(cls)


@lru_cache(maxsize=1024)
def _nearest(cls: type) -> str:
    return next((base.__name__ for base in cls.__mro__ if base.__module__.startswith("torch.nn.modules.")), "")


def _is_gpt2_linear(module: nn.Module) -> bool:
    """The linear layer of GPT-2 in ``transformers``, which keeps its weight the other way round."""
    return type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils"
