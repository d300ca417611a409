"""Parameters and buffers of a live model, read where they are.

A tensor that several names share is listed once, the other names as aliases. Its content version rises when its
signature changes: the object, its memory, PyTorch's own count of in-place writes, and a checksum of a sample of its
bytes for writes through ``.data``, which that count misses (host memory only: a checksum of device memory would wait
for the device).
"""

from __future__ import annotations

import math
import threading
import weakref
import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import TensorInfo
from nnscope.sources.live.values import copy_of, dtype_name, read_region, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    import numpy as np

    from nnscope.core.request import Region
    from nnscope.sources.live.steplock import StepLock

SNAPSHOT = 64 << 20  # bytes up to which a reader copies the whole tensor, so that all its regions are of one moment
SNAPSHOTS = 128 << 20  # bytes of such copies kept
SAMPLE = 4096  # elements in the checksum


class LiveParameters:
    """The parameters and buffers of ``model``, which is not kept alive by this.

    Parameters
    ----------
    model : Module
    next_version : callable
        Gives a content version greater than all before.
    lock : StepLock
        Held while values are copied.
    """

    def __init__(self, model: torch.nn.Module, next_version: Callable[[], int], lock: StepLock) -> None:
        self._model = weakref.ref(model)
        self._next_version = next_version
        self._lock = lock
        self._versions: dict[str, tuple[Hashable, int]] = {}
        self._first_name: dict[str, str] = {}
        self._snapshots = _Snapshots(SNAPSHOTS)
        self._guard = threading.Lock()

    def infos(self) -> list[TensorInfo]:
        """All of them as listed, in the order of the modules."""
        groups: dict[Hashable, list[_Named]] = {}
        for named in self._named():
            groups.setdefault(named.place(), []).append(named)
        self._first_name = {named.name: group[0].name for group in groups.values() for named in group}
        return [self._info(group[0], tuple(named.name for named in group[1:])) for group in groups.values()]

    def reader(self, name: str) -> ParameterReader | None:
        """The parameter or buffer of that name or alias; None when there is none."""
        named = self._find(self._first_name.get(name, name))
        return None if named is None else ParameterReader(self, self._info(named))

    def pin(self, name: str) -> tuple[torch.Tensor | None, int]:
        """A copy of the tensor and its version; no copy when it is larger than `SNAPSHOT`."""
        with self._lock.read():
            named = self._require(name)
            version = self._version(named)
            found = self._snapshots.get(name, version)
            if found is None and named.nbytes <= SNAPSHOT:
                found = copy_of(named.tensor)
                self._snapshots.keep(name, version, found)
        return found, version

    def read(self, name: str, region: Region) -> np.ndarray:
        """A region as it is now."""
        with self._lock.read():
            return read_region(self._require(name).tensor, region)

    def _info(self, named: _Named, aliases: tuple[str, ...] = ()) -> TensorInfo:
        return TensorInfo(
            named.name,
            named.shape,
            dtype_name(named.tensor.dtype),
            named.kind,
            named.nbytes,
            self._version(named),
            aliases=aliases,
            unreadable=named.unreadable,
        )

    def _version(self, named: _Named) -> int:
        signature = named.signature()
        with self._guard:
            known = self._versions.get(named.name)
            if known is not None and known[0] == signature:
                return known[1]
            version = self._next_version()
            self._versions[named.name] = (signature, version)
            return version

    def _named(self) -> Iterator[_Named]:
        model = self._model()
        if model is None:
            return
        for prefix, module in model.named_modules(remove_duplicate=False):
            for kind, members in (("parameter", module._parameters), ("buffer", module._buffers)):
                for name, tensor in list(members.items()):
                    if tensor is not None:
                        yield _Named(f"{prefix}.{name}" if prefix else name, kind, tensor, why_unreadable(tensor))

    def _find(self, name: str) -> _Named | None:
        module = self._model()
        *path, last = name.split(".")
        for part in path:
            module = module._modules.get(part) if module is not None else None
        if module is None:
            return None
        for kind, members in (("parameter", module._parameters), ("buffer", module._buffers)):
            tensor = members.get(last)
            if tensor is not None:
                return _Named(name, kind, tensor, why_unreadable(tensor))
        return None

    def _require(self, name: str) -> _Named:
        named = self._find(name)
        if named is None:
            raise NnscopeError("The model has no such parameter any more.", name)
        return named


@dataclass(slots=True)
class ParameterReader:
    """A parameter pinned at the moment of its first read (see `SNAPSHOT` for the largest)."""

    parameters: LiveParameters
    info: TensorInfo
    _pinned: torch.Tensor | None = None

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        if self.info.unreadable:
            raise NnscopeError(self.info.unreadable, self.info.address)
        if self._pinned is None:
            self._pinned, version = self.parameters.pin(self.info.address)
            self.info = replace(self.info, version=version)
        if self._pinned is None:
            return self.parameters.read(self.info.address, region)
        return read_region(self._pinned, region)


class _Snapshots:
    """The newest copies, least recently used first out."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._nbytes = 0
        self._kept: OrderedDict[str, tuple[int, torch.Tensor]] = OrderedDict()

    def get(self, name: str, version: int) -> torch.Tensor | None:
        found = self._kept.get(name)
        if found is None or found[0] != version:
            return None
        self._kept.move_to_end(name)
        return found[1]

    def keep(self, name: str, version: int, copy: torch.Tensor) -> None:
        old = self._kept.pop(name, None)
        self._nbytes += copy.nbytes - (old[1].nbytes if old else 0)
        self._kept[name] = (version, copy)
        while self._nbytes > self._budget:
            self._nbytes -= self._kept.popitem(last=False)[1][1].nbytes


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """A parameter or buffer as found, and why it can't be read, if it can't."""

    name: str
    kind: str
    tensor: torch.Tensor
    unreadable: str

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self._shapeless() else tuple(self.tensor.shape)

    @property
    def nbytes(self) -> int:
        return 0 if self._shapeless() else int(self.tensor.numel() * self.tensor.element_size())

    def place(self) -> Hashable:
        """Equal for tensors that are the same elements of the same memory."""
        t = self.tensor
        if self.unreadable or not t.numel():
            return id(t)
        return t.data_ptr(), t.shape, t.stride(), t.dtype, t.device

    def signature(self) -> Hashable:
        """Differs when the values may."""
        t = self.tensor
        if self.unreadable:
            return id(t)
        writes = -1 if t.is_inference() else t._version
        return id(t), t.data_ptr(), t.shape, t.dtype, writes, _checksum(t)

    def _shapeless(self) -> bool:
        return bool(self.unreadable) and (torch.nn.parameter.is_lazy(self.tensor) or self.tensor.is_nested)


def _checksum(tensor: torch.Tensor) -> int:
    if tensor.device.type != "cpu" or not tensor.numel():
        return 0
    part = tensor.detach()
    if part.numel() > SAMPLE:
        step = math.ceil((part.numel() / SAMPLE) ** (1 / part.ndim))
        part = part[(slice(None, None, step),) * part.ndim]
    return zlib.crc32(part.resolve_conj().resolve_neg().contiguous().view(-1).view(torch.uint8).numpy())
