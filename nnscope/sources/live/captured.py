"""Captured values: the copies that hooks make, kept under a byte budget in which the newest win.

A copy is made at once, inside the hook, on the tensor's own device: an in-place operation of the next layer may
overwrite the original before anyone looks at it. Statistics and pictures are made from copies when they are asked for,
never while the model runs. Between two operations of a model Python code is cold, and each line of it costs several
times what it does in a loop; so a hook copies, notes where, and the rest waits for the end of the pass or for the first
who asks (`CapturedValues._settle`). A copy that was handed out is never written to again, so it is read without a lock;
one that nobody asked for is written over in the next pass by what is like it (`put_alike`), or gives its memory to
another copy (`Spares`).

Copies that share memory with the original until either is written to (`torch._lazy_clone`) would cost less still, but
they move the user's tensors to other memory when they are written to, away from NumPy arrays that view them (P9).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from nnscope.core.address import ROOT
from nnscope.core.tensor import TensorInfo
from nnscope.sources.live.half import carried, with_label
from nnscope.sources.live.modules import is_inside
from nnscope.sources.live.spares import LEAST_BYTES, Spares
from nnscope.sources.live.values import copy_of, dtype_name, is_plain, why_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

CAPTURING = "It was computed while a CUDA graph was captured, where values can't be copied."
OVER_BUDGET = "It was not kept: newer values fill the memory set aside for captured values. Capture fewer layers."


class Place(NamedTuple):
    """Where a value was seen.

    Attributes
    ----------
    module : str
        Path of the module, ``""`` for the model itself.
    aliases_of_module : tuple of str
        Its other paths.
    kind : str
    ending : str
        Member and call, such as ``".0~2"``.
    forward : int
        Number of the pass.
    """

    module: str
    aliases_of_module: tuple[str, ...]
    kind: str
    ending: str
    forward: int

    @property
    def address(self) -> str:
        """Where it is found."""
        return f"{self.module or ROOT}:{self.kind}{self.ending}"

    @property
    def aliases(self) -> tuple[str, ...]:
        """Where it is found too."""
        return tuple(f"{alias or ROOT}:{self.kind}{self.ending}" for alias in self.aliases_of_module)


@dataclass(slots=True, eq=False)
class Slot:
    """What a large tensor at a place is like (shape, strides, dtype), and what is kept of it for as long as it is."""

    layout: Hashable
    kept: Captured | None = None


@dataclass(slots=True, eq=False)
class Captured:
    """A captured tensor as it is kept; ``value`` is None when ``unreadable`` says why."""

    place: Place
    shape: tuple[int, ...]
    dtype: torch.dtype
    nbytes: int
    value: torch.Tensor | None
    unreadable: str
    version: int = 0
    slot: Slot | None = None  # None when the copy's memory is not worth using again
    lent: bool = False  # whether someone may be reading the copy
    note: str = ""

    @property
    def info(self) -> TensorInfo:
        """As listed."""
        return TensorInfo(
            self.place.address,
            self.shape,
            dtype_name(self.dtype),
            self.place.kind,
            self.nbytes,
            self.version,
            aliases=self.place.aliases,
            unreadable=self.unreadable,
            note=self.note,
        )


class Room(NamedTuple):
    """What captured values may take: bytes kept at most, and whether float32 ones are kept in half precision."""

    nbytes: int = 256 << 20
    half: bool = False


ROOM = Room()


class CapturedValues:
    """Captured tensors by address, oldest first.

    Parameters
    ----------
    room : Room
    next_version : callable
        Gives a content version greater than all before.
    """

    def __init__(self, room: Room, next_version: Callable[[], int]) -> None:
        self.budget = room.nbytes
        self._half = room.half
        self.nbytes = 0
        self._next_version = next_version
        self._lock = threading.Lock()
        self._kept: dict[str, Captured] = {}  # oldest first
        self._held: OrderedDict[str, int] = OrderedDict()  # bytes of those with a value, oldest first
        self._spares = Spares()
        self._noted: list[Captured] = []  # not settled yet
        self._noted_bytes = 0

    def put(self, place: Place, tensor: torch.Tensor, note: str = "") -> Slot | None:
        """Copy ``tensor`` and keep it, in place of what was at that address; older values make room.

        Returns
        -------
        slot : Slot or None
            For `put_alike`, where copies are large enough for that to matter.
        """
        why, kept = why_unreadable(tensor), carried(place.kind, tensor.dtype, self._half)
        shape, nbytes = ((), 0) if tensor.is_nested else (tensor.shape, tensor.numel() * kept.itemsize)
        if nbytes > self.budget:
            why = why or OVER_BUDGET
        if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
            why = why or CAPTURING
        value = slot = spare = None
        if not why:
            if nbytes >= LEAST_BYTES and tensor.is_cpu:
                slot = Slot((shape, tensor.stride(), tensor.dtype))
                with self._lock:
                    spare = self._spares.take((slot.layout, kept))
            value = copy_of(tensor, spare, kept)
        note = with_label(note, tensor.dtype, kept)
        self._note(Captured(place, shape, kept, nbytes, value, why, slot=slot, note=note))
        return slot

    def put_alike(self, slot: Slot, forward: int, tensor: torch.Tensor) -> bool:
        """As `put` in a later pass, over the copy in ``slot``; False, and nothing done, if that can't be.

        Nobody may be listening to operations. Who asks meanwhile waits for this one copy.
        """
        if not is_plain(tensor) or (tensor.shape, tensor.stride(), tensor.dtype) != slot.layout or not tensor.is_cpu:
            return False
        with self._lock:
            kept = slot.kept
            if kept is None or kept.value is None or kept.lent:
                return False
            kept.value.copy_(tensor.detach() if tensor.requires_grad else tensor)
            kept.place = kept.place._replace(forward=forward)
            self._noted.append(kept)
        return True

    def adopt(self, place: Place, tensor: torch.Tensor, note: str) -> None:
        """Keep ``tensor``, which nobody else holds, as `put` keeps a copy; ``note`` tells how it came about."""
        dtype = carried(place.kind, tensor.dtype, self._half)
        value = tensor if dtype is tensor.dtype else copy_of(tensor, dtype=dtype)
        note = with_label(note, tensor.dtype, dtype)
        self._note(Captured(place, value.shape, dtype, value.nbytes, value, "", note=note))

    def refuse(self, place: Place, shape: tuple[int, ...], dtype: torch.dtype, why: str) -> None:
        """List what was seen and could not be kept."""
        nbytes = math.prod(shape) * dtype.itemsize
        self._note(Captured(place, shape, dtype, nbytes, None, why))

    def _note(self, captured: Captured) -> None:
        """Take what will be settled in its place."""
        with self._lock:
            self._noted.append(captured)
            self._noted_bytes += captured.nbytes if captured.value is not None else 0
            if self.nbytes + self._noted_bytes + self._spares.nbytes > self.budget:
                self._settle()

    def drop_older(self, module: str, forward: int) -> None:
        """Forget what ``module`` and those inside it gave in passes before ``forward``: it is not the present."""
        with self._lock:
            self._settle()
            for address, kept in list(self._kept.items()):
                if kept.place.forward < forward and is_inside(kept.place.module, module):
                    self._remove(address)
            self._spares.shrink(self.nbytes)  # the next pass needs no more than this one

    def infos(self) -> list[TensorInfo]:
        """Everything kept as listed, in the order of capture."""
        with self._lock:
            self._settle()
            return [kept.info for kept in self._kept.values()]

    def addresses(self) -> list[str]:
        """Everything kept, by address, in the order of capture."""
        with self._lock:
            self._settle()
            return list(self._kept)

    def find(self, address: str) -> Captured | None:
        """What is kept under that address or alias; its copy stays as it is from now on."""
        with self._lock:
            self._settle()
            kept = self._kept.get(address)
            if kept is None:
                kept = next((k for k in self._kept.values() if address in k.place.aliases), None)
            if kept is not None:
                kept.lent = True
            return kept

    def trim(self) -> None:
        """Let go of memory that holds no value."""
        with self._lock:
            self._settle()
            self._spares.shrink(0)

    def _settle(self) -> None:
        """Put what was noted in its places."""
        for captured in self._noted:
            address = captured.place.address
            captured.shape, captured.version = tuple(captured.shape), self._next_version()
            if self._kept.get(address) is captured:  # written over: it is the newest now
                self._kept[address] = self._kept.pop(address)
                self._held.move_to_end(address)
                continue
            self._remove(address)
            self._keep(address, captured)
        self._noted.clear()
        self._noted_bytes = 0

    def _keep(self, address: str, captured: Captured) -> None:
        self._kept[address] = captured
        if captured.value is not None:
            self._held[address] = captured.nbytes
            self.nbytes += captured.nbytes
        if captured.slot is not None:
            captured.slot.kept = captured
        if self.nbytes + self._spares.nbytes > self.budget:
            self._spares.shrink(max(0, self.budget - self.nbytes))
        while self.nbytes > self.budget:
            self._release_oldest()

    def _release_oldest(self) -> None:
        address, nbytes = self._held.popitem(last=False)
        self.nbytes -= nbytes
        old = self._kept[address]
        if old.slot is not None:
            old.slot.kept = None
        self._kept[address] = Captured(
            old.place, old.shape, old.dtype, old.nbytes, None, OVER_BUDGET, self._next_version()
        )

    def _remove(self, address: str) -> None:
        old = self._kept.pop(address, None)
        self.nbytes -= self._held.pop(address, 0)
        if old is None or old.slot is None:
            return
        old.slot.kept = None
        if old.value is not None and not old.lent:
            self._spares.keep((old.slot.layout, old.dtype), old.value)
