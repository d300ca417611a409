"""What PyTorch's pickles mean: descriptions of storages and tensors instead of the calls that would make them.

The functions are those of ``torch/_utils.py`` and ``torch/_tensor.py`` up to PyTorch 2.13. Only argument lists are
read; nothing of PyTorch is imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.sources.files.dtypes import TORCH_DTYPES, TORCH_STORAGES
from nnscope.sources.files.pickle_values import Global, Placeholder, safe_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAX_INT = (1 << 63) - 1
_SPARSE = {
    "torch.sparse_coo": ("indices", "values"),
    **dict.fromkeys(("torch.sparse_csr", "torch.sparse_bsr"), ("crow_indices", "col_indices", "values")),
    **dict.fromkeys(("torch.sparse_csc", "torch.sparse_bsc"), ("ccol_indices", "row_indices", "values")),
}
_TEXT_ID = re.compile(r"\('storage', <class 'torch\.([\w.]+)'>, '(\w+)', '[\w:]+', (\d+)(?:, None)?\)")


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A storage by its key in the archive: type and number of elements, and where a view of it begins."""

    key: str
    dtype: str
    numel: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor as a pickle describes it: offsets, shape and strides in elements.

    ``note`` says why its values can't be shown; empty when they can.
    """

    storage: StorageRef | None
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str
    note: str = ""


class TorchVocabulary:
    """The names that PyTorch's own pickles use (a `Vocabulary`).

    Attributes
    ----------
    storages : dict of str to StorageRef
        Every storage mentioned so far, as it was mentioned first.
    """

    def __init__(self) -> None:
        self.storages: dict[str, StorageRef] = {}

    def knows(self, name: str) -> bool:
        """Whether ``name`` is described here."""
        return name in _CALLS or name in _INERT or _storage_dtype(name) is not None or _dtype_name(name) is not None

    def call(self, name: str, args: tuple[object, ...]) -> object:
        """The description of what calling ``name`` would make."""
        describe = _CALLS.get(name)
        return Placeholder(name, args) if describe is None else describe(*args)

    def persistent(self, identity: object) -> object:
        """The storage that a persistent id names; a module's class for the ids of old ``torch.save``."""
        match identity:
            case ("storage", Global() as kind, str() | int() | bytes() as key, _, int(numel), *view):
                return self._note(_storage(kind.name, key, numel, view))
            case ("module", Global() as kind, *_):
                return kind
            case str(text) if (match_ := _TEXT_ID.fullmatch(text)) is not None:  # protocol 0 writes the id's repr
                return self._note(_storage(f"torch.{match_[1]}", match_[2], int(match_[3]), []))
        raise ValueError("a persistent id that is not PyTorch's")

    def _note(self, storage: StorageRef) -> StorageRef:
        self.storages.setdefault(storage.key, storage)
        return storage


def _storage(kind: str, key: str | int | bytes, numel: int, view: Sequence[object]) -> StorageRef:
    dtype = _storage_dtype(kind)
    if dtype is None:
        raise ValueError("an unknown storage type")
    match view:
        case [(_, int(offset), int())] if 0 <= offset <= _MAX_INT:
            return StorageRef(_text(key), dtype, numel, offset)
        case [] | [None]:
            return StorageRef(_text(key), dtype, numel)
    raise ValueError("a malformed storage view")


def _storage_dtype(name: str) -> str | None:
    """``torch.FloatStorage``, ``torch.cuda.FloatStorage``, ``torch.storage.UntypedStorage`` … → element type."""
    return TORCH_STORAGES.get(name.rpartition(".")[2].lstrip("_")) if name.startswith("torch.") else None


def _dtype_name(name: str) -> str | None:
    return TORCH_DTYPES.get(name[6:]) if name.startswith("torch.") else None


def _text(value: object) -> str:
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _sizes(value: object) -> tuple[int, ...]:
    """A shape or strides: none negative, none beyond 63 bits."""
    if not isinstance(value, tuple | list) or not all(type(n) is int and 0 <= n <= _MAX_INT for n in value):
        raise ValueError("a shape or strides that are not whole numbers")
    return tuple(value)


def _tensor(storage: object, offset: object, size: object, stride: object, dtype: str = "") -> TensorRef:
    shape, strides = _sizes(size), _sizes(stride)
    if not isinstance(storage, StorageRef) or type(offset) is not int or not 0 <= offset <= _MAX_INT:
        raise ValueError("a tensor without a storage")
    if len(shape) != len(strides):
        raise ValueError("a tensor with more sizes than strides")
    return TensorRef(storage, offset, shape, strides, dtype or storage.dtype)


def _tensor_v2(
    storage: object, offset: object, size: object, stride: object, grad: object, hooks: object, metadata: object = None
) -> TensorRef:
    return _noted(_tensor(storage, offset, size, stride), metadata)


def _tensor_v3(*args: object) -> TensorRef:
    storage, offset, size, stride, _, _, dtype, *metadata = args
    name = _dtype_name(dtype.name) if isinstance(dtype, Global) else None
    if name is None:
        raise ValueError("a tensor of unknown type")
    return _noted(_tensor(storage, offset, size, stride, name), metadata[0] if metadata else None)


def _noted(tensor: TensorRef, metadata: object) -> TensorRef:
    if not isinstance(metadata, dict) or not (metadata.get("conj") or metadata.get("neg")):
        return tensor
    note = "It is a lazily conjugated or negated view; save it after resolve_conj() and resolve_neg()."
    return replace(tensor, note=note)


def _quantized(storage: object, offset: object, size: object, stride: object, *_: object) -> TensorRef:
    return _tensor(storage, offset, size, stride)


def _first(data: object, *_: object) -> object:
    return data


def _meta(dtype: object, size: object, stride: object, *_: object) -> TensorRef:
    name = _dtype_name(dtype.name) if isinstance(dtype, Global) else None
    note = "It was saved from the meta device: the file holds no values of it."
    return TensorRef(None, 0, _sizes(size), _sizes(stride), name or "uint8", note=note)


def _sparse(layout: object, data: object) -> object:
    """The dense tensors that a sparse one consists of."""
    parts = _SPARSE.get(layout) if isinstance(layout, str) else None
    if parts is None or not isinstance(data, tuple):
        raise ValueError("a malformed sparse tensor")
    return dict(zip(parts, data, strict=False))


def _nested(*parts: object) -> object:
    return dict(zip(("values", "sizes", "strides", "storage_offsets"), parts, strict=False))


def _from_type(function: object, kind: object, args: object, *_: object) -> object:
    """A tensor subclass: described by the function that would make its plain tensor."""
    name = function.name if isinstance(function, Global) else ""
    if not isinstance(args, tuple) or name not in _TENSORS:
        return Placeholder(name, args if isinstance(args, tuple) else (args,))
    return _TENSORS[name](*args)


def _ordered_dict(pairs: object = (), *_: object) -> object:
    if not isinstance(pairs, list | tuple):
        return Placeholder("collections.OrderedDict", (pairs,))
    made: dict[object, object] = {}
    for pair in pairs:
        key, value = pair if isinstance(pair, list | tuple) else (pair, None)
        made[safe_key(key)] = value
    return made


def _default_dict(*_: object) -> object:
    return {}


def _sequence(items: object = (), *_: object) -> object:
    return items if isinstance(items, list | tuple) else Placeholder("builtins.list", (items,))


def _encoded(text: object = "", *_: object) -> object:
    """``_codecs.encode(text, "latin1")``: how protocol 2 writes bytes."""
    return text.encode("latin-1", errors="replace") if isinstance(text, str) else b""


def _bytes(data: object = b"", *_: object) -> object:
    """``bytes()`` and ``bytearray(data)``: how protocols below 5 write what has no opcode."""
    return data if isinstance(data, bytes) else Placeholder("builtins.bytes", (data,))


def _reconstructed(kind: object, *args: object) -> object:
    """``copyreg._reconstructor(class, base, state)``: how protocols 0 and 1 make objects."""
    return Placeholder(kind.name if isinstance(kind, Global) else "object", args)


_TENSORS: dict[str, Callable[..., object]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_qtensor": _quantized,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
}
_CALLS: dict[str, Callable[..., object]] = {
    **_TENSORS,
    "torch._tensor._rebuild_from_type": _from_type,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch.Size": _sequence,
    "torch.device": _first,
    "torch.serialization._get_layout": _first,
    "collections.OrderedDict": _ordered_dict,
    "collections.defaultdict": _default_dict,
    "_codecs.encode": _encoded,
    **{f"{module}._reconstructor": _reconstructed for module in ("copyreg", "copy_reg")},
    **{
        f"{module}.{kind}": describe
        for module in ("builtins", "__builtin__")
        for kind, describe in {
            **dict.fromkeys(("list", "tuple", "set", "frozenset"), _sequence),
            **dict.fromkeys(("bytes", "bytearray"), _bytes),
        }.items()
    },
}
_INERT = frozenset(
    (
        "torch.Tensor",
        "torch.nn.Parameter",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
        "torch.per_tensor_affine",
        "torch.per_channel_affine",
        "torch.per_channel_affine_float_qparams",
        "builtins.object",
        "builtins.dict",
        "__builtin__.object",
        "__builtin__.dict",
    )
)
