"""The attention of all layers as one tensor, which is what overviews and rollout want.

Captured attention whose modules differ in numbers alone (``h.0.attn``, ``h.1.attn`` …), or that one module gave in
several calls, and that has one shape, is listed a second time: as ``h:attention.layers``, with the axes (layer, batch,
head, query, key), in the order of capture. It holds no memory: reading goes to the copies of the layers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.address import ROOT, split_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader

LAYER = "layer"
_NUMBER = re.compile(r"(?<![^.~])\d+")  # a whole part of a path, or the number of a call


@dataclass(frozen=True, slots=True)
class Stack:
    """Attention of several layers, listed as one tensor."""

    info: TensorInfo
    parts: tuple[str, ...]


@dataclass(slots=True)
class StackReader:
    """Reads a stack layer by layer."""

    info: TensorInfo
    parts: tuple[TensorReader, ...]

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        layers, inside = range(*region[0]), region[1:]
        if not layers:
            return np.zeros((0, *(len(range(*axis)) for axis in inside)), self.parts[0].read(inside).dtype)
        return np.stack([self.parts[layer].read(inside) for layer in layers])


def stacks(infos: Iterable[TensorInfo]) -> tuple[Stack, ...]:
    """The stacks that captured attention makes; modules of which there is one make none."""
    groups: dict[tuple[str, tuple[int, ...], str], list[TensorInfo]] = {}
    for info in infos:
        if not info.unreadable and info.shape:
            groups.setdefault((family(info.address), info.shape, info.dtype), []).append(info)
    found: dict[str, Stack] = {}
    for group in groups.values():
        if len(group) > 1:
            stack = _stack(group, found)
            found[stack.info.address] = stack
    return tuple(found.values())


def open_stack(stack: Stack, reader: Callable[[str], TensorReader]) -> StackReader:
    """A reader of a stack; ``reader`` gives those of its layers."""
    return StackReader(stack.info, tuple(map(reader, stack.parts)))


def _stack(group: Sequence[TensorInfo], taken: dict[str, Stack]) -> Stack:
    parts = tuple(info.address for info in group)
    prefix = _common([split_kind(part)[0] for part in parts])
    address, number = f"{prefix or ROOT}:attention.layers", 2
    while address in taken or address in parts:  # beside the decoder's own attention, that to the encoder
        address, number = f"{prefix or ROOT}:attention.layers_{number}", number + 1
    return Stack(stacked(address, group), parts)


def stacked(address: str, group: Sequence[TensorInfo]) -> TensorInfo:
    """The entry of what layers of one shape are together."""
    first = group[0]
    kept = None if first.kept is None else replace(first.kept, whole=(len(group), *first.kept.whole))
    return replace(
        first,
        address=address,
        shape=(len(group), *first.shape),
        nbytes=sum(info.nbytes for info in group),
        version=max(info.version for info in group),
        axes=(LAYER, *first.axes) if first.axes else (),
        labels=((), *first.labels) if first.labels else (),
        aliases=(),
        kept=kept,
    )


def family(address: str) -> str:
    """What addresses of layers that may make a stack have in common: all but numbers, that of the call among them."""
    return _NUMBER.sub("#", address if "~" in address else f"{address}~1")


def _common(paths: Sequence[str]) -> str:
    """What module paths begin with, in whole parts."""
    parts = [path.split(".") for path in paths]
    shared = next((i for i, names in enumerate(zip(*parts, strict=False)) if len(set(names)) > 1), None)
    if shared is None:
        shared = min(map(len, parts))
    return ".".join(parts[0][:shared])
