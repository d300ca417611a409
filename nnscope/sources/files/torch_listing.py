"""From what a PyTorch pickle described to a source: tensors checked against the storages that are there.

A tensor that needs more than its storage holds is listed with the reason and not shown; one storage cut short does not
hide the others. Tensors that are the same view of the same storage are listed once, the other names as aliases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.core.text import plain
from nnscope.sources.files.axes import stored_axes
from nnscope.sources.files.dtypes import element
from nnscope.sources.files.pickle_tree import Found, Tree, find_tensors
from nnscope.sources.files.source import FileSource, stem_of
from nnscope.sources.files.strided import Strided

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.sources.files.handle import FileHandle, Section
    from nnscope.sources.files.source import Located
    from nnscope.sources.files.torch_rebuild import TensorRef

_MAX_ELEMENTS = (1 << 63) - 1
_MAX_METADATA = 1000


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage as found: its bytes, or why there are none."""

    section: Section | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened PyTorch file, before its tensors are looked up.

    Attributes
    ----------
    handle : FileHandle
    format : str
        Name for the listing.
    root : object
        What its pickle described.
    storage : callable
        The storage of a key.
    byteorder : str
        ``"little"`` or ``"big"``.
    refused, warnings : tuple of str
        For the listing.
    """

    handle: FileHandle
    format: str
    root: object
    storage: Callable[[str], Storage]
    byteorder: str = "little"
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def checkpoint_source(checkpoint: Checkpoint) -> FileSource:
    """The source of a checkpoint's tensors.

    Raises
    ------
    FileError
        If a tensor is described in a way that can't be true.
    """
    handle = checkpoint.handle
    tree = find_tensors(checkpoint.root, stem_of(handle.path), handle.path)
    infos: list[TensorInfo] = []
    located: list[Located | None] = []
    for found, aliases in _with_aliases(tree.tensors):
        layout, section, note = _locate(checkpoint, found)
        infos.append(_info(found, layout, note, aliases, handle.version))
        located.append(None if section is None else (section, layout))

    def locate(i: int) -> Located:
        place = located[i]
        assert place is not None  # a tensor without a place is listed as unreadable
        return place

    return FileSource(_listing(checkpoint, tree, infos), locate, handle.close)


def _listing(checkpoint: Checkpoint, tree: Tree, infos: list[TensorInfo]) -> Listing:
    empty = () if infos else ("No tensor was found in this file.",)
    return Listing(
        path=checkpoint.handle.path,
        format=checkpoint.format,
        tensors=tuple(infos),
        modules=tuple(tree.modules),
        refused=checkpoint.refused,
        warnings=(*checkpoint.warnings, *tree.warnings, *empty),
        metadata=_metadata(checkpoint.root),
        nbytes=checkpoint.handle.size,
    )


def _with_aliases(tensors: list[Found]) -> list[tuple[Found, tuple[str, ...]]]:
    """Each tensor once, with the other names of the same view of the same storage."""
    groups: dict[object, list[Found]] = {}
    for found in tensors:
        storage = found.tensor.storage
        groups.setdefault(found.address if storage is None else (storage.key, found.tensor), []).append(found)
    return [(first, tuple(other.address for other in others)) for first, *others in groups.values()]


def _locate(checkpoint: Checkpoint, found: Found) -> tuple[Strided, Section | None, str]:
    """Where a tensor lies, and why it can't be shown if it can't."""
    tensor = found.tensor
    if math.prod(n for n in tensor.shape if n) > _MAX_ELEMENTS:
        what = f"The tensor {plain(found.address, 80)!r} claims more elements than can be counted."
        raise FileError("numel-overflow", what, checkpoint.handle.path, "The file was made to deceive.")
    layout, note = _layout(tensor, checkpoint.byteorder)
    if tensor.storage is None or note:
        return layout, None, note or "The file holds no values of it."
    storage = checkpoint.storage(tensor.storage.key)
    if storage.section is None:
        return layout, None, storage.note
    if layout.end > storage.section.size:
        note = f"It needs {layout.end} bytes of its storage, which has only {storage.section.size}."
        return layout, None, note
    return layout, storage.section, ""


def _layout(tensor: TensorRef, byteorder: str) -> tuple[Strided, str]:
    """The layout in the storage's bytes, and why values can't be decoded; empty when they can."""
    offset = tensor.offset + (tensor.storage.offset if tensor.storage else 0)
    if tensor.dtype == "float4_e2m1fn_x2":
        return _pairs_layout(tensor, offset)
    kind = element(tensor.dtype, byteorder)
    layout = Strided(kind, tensor.shape, tensor.strides, offset * kind.bits // 8)
    if offset * kind.bits % 8:
        return layout, "It is a view of packed values that does not start at a whole byte."
    return layout, tensor.note or layout.unreadable


def _pairs_layout(tensor: TensorRef, offset: int) -> tuple[Strided, str]:
    """``float4_e2m1fn_x2`` counts bytes of two values; shown is the tensor of values, its last axis twice as long."""
    kind = element("float4_e2m1fn")
    if not tensor.shape or (tensor.shape[-1] > 1 and tensor.strides[-1] != 1):
        return Strided(kind, tensor.shape, tensor.strides), "It is a view that tears pairs of 4-bit values apart."
    shape = (*tensor.shape[:-1], 2 * tensor.shape[-1])
    layout = Strided(kind, shape, (*(2 * s for s in tensor.strides[:-1]), 1), offset)
    return layout, tensor.note or layout.unreadable


def _info(found: Found, layout: Strided, note: str, aliases: tuple[str, ...], version: int) -> TensorInfo:
    dtype = layout.element.name
    axes = stored_axes(found.address, len(layout.shape), dtype)
    info = TensorInfo(found.address, layout.shape, dtype, found.kind, layout.nbytes, version, axes)
    return replace(info, aliases=aliases, unreadable=note) if aliases or note else info


def _metadata(root: object) -> tuple[tuple[str, str], ...]:
    """The plain values beside the tensors: epoch, step, architecture name …"""
    items = root.items() if isinstance(root, dict) else ()
    pairs = ((key, value) for key, value in items if isinstance(key, str) and _is_plain(value))
    return tuple((key, str(value)) for key, value in islice(pairs, _MAX_METADATA))


def _is_plain(value: object) -> bool:
    return type(value) in (str, bool, float) or (type(value) is int and abs(value) < 1 << 64)
