"""Requests and answers as bytes: msgpack with an explicit list of classes, and never pickle (promise P23).

What can travel is what `Message` and the classes inside them are made of: numbers, text, bytes, tuples, dictionaries
with text keys, arrays, and the frozen dataclasses of ``nnscope.core`` listed here. Everything is checked on the way in:
the class must be listed, each field must be of the type its annotation says, and an array's bytes must be as many as
its dtype and shape call for, before anything is made of them. Whatever else arrives is a `WireError`.

What would be a long message goes in parts (`nnscope.engine.parcels`): its large arrays are left out of it and their
bytes follow, a few at a time.

A dataclass travels as the map {0: class name, 1: fields in order}, an array as {0: "ndarray", 1: (dtype, shape,
bytes)} or, when its bytes are sent apart, as {0: "apart", 1: (dtype, shape, which of these)}, a complex number as
{0: "complex", 1: (real, imaginary)}; a dictionary is a map with text keys. Sequences come back as tuples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import ml_dtypes
import msgpack  # type: ignore[import-untyped]
import numpy as np

from nnscope.core import answer, errors, landscape, layout, picture, request, splats, statistics, tensor, volume, voxels
from nnscope.core.errors import NnscopeError
from nnscope.engine.fieldtypes import field_checks

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = (
    answer.Values
    | answer.ProbeAnswer
    | answer.Spectrum
    | answer.Analysis
    | answer.Branches
    | answer.ControlAnswer
    | answer.Series
    | tensor.Listing
    | tensor.TensorInfo
    | statistics.TensorStats
    | picture.TilePicture
    | volume.VolumePicture
    | voxels.VoxelPicture
    | voxels.LeafPicture
    | landscape.LandscapePicture
    | splats.SplatPicture
    | errors.Failure
)
MAX_AXES = 64  # NumPy's own limit
LARGE = 1 << 20  # bytes from which an array is sent apart from a message that goes in parts


class WireError(NnscopeError):
    """A message that can't be sent or is not understood."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Client to server, first of all: send me notices."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Client to server: answer this. ``number`` is the client's own."""

    number: int
    request: request.Request


@dataclass(frozen=True, slots=True)
class Drop:
    """Client to server: the answer to that request is not wanted any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Server to client: the answer to request ``number``."""

    number: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Begin:
    """Server to client: the answer to request ``number`` comes in parts.

    Attributes
    ----------
    number : int
    head : bytes
        The `Reply`, without its large arrays.
    sizes : tuple of int
        Bytes of each of these.
    """

    number: int
    head: bytes
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class More:
    """Client to server: send the next part of the answer to that request."""

    number: int


@dataclass(frozen=True, slots=True)
class Part:
    """Server to client: bytes of the array ``array`` of an answer, from ``first`` on."""

    number: int
    array: int
    first: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Going:
    """Server to client: how far request ``number`` is."""

    number: int
    progress: answer.Progress


@dataclass(frozen=True, slots=True)
class Notify:
    """Server to client: something happened by itself."""

    notice: answer.Notice


Message = Hello | Ask | Drop | Reply | Begin | More | Part | Going | Notify
_CLASSES: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        *(Hello, Ask, Drop, Reply, Begin, More, Part, Going, Notify),
        *(request.ListTensors, request.GetStats, request.BuildPicture, request.ReadRegion),
        *(request.BuildSpace, request.ProbeSpace, request.GetInfo, request.GetSeries, answer.Series),
        *(request.Probe, request.GetSpectrum, request.Analyse, request.Control),
        *(answer.Values, answer.BlockStats, answer.ProbeAnswer, answer.Spectrum, answer.Analysis),
        *(request.GetBranches, answer.Branches, answer.BranchRegion, answer.ControlAnswer),
        *(answer.Changed, answer.Progress, answer.Died, answer.Grown),
        *(tensor.Listing, tensor.TensorInfo, tensor.Kept, tensor.ModuleInfo, statistics.TensorStats),
        *(volume.VolumePicture, voxels.VoxelPicture, voxels.LeafPicture, voxels.CutFacts, landscape.LandscapePicture),
        *(splats.SplatPicture, splats.Splatting),
        *(picture.TilePicture, picture.Tile, picture.Step, layout.Layout, errors.Failure),
    )
}
_NUMPY = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
_ML = (
    "bfloat16 int2 int4 uint2 uint4 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 "
    "float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu"
)
_DTYPES: dict[str, np.dtype[Any]] = {
    **{name: np.dtype(name) for name in _NUMPY.split()},
    **{name: np.dtype(getattr(ml_dtypes, name)) for name in _ML.split()},
}


def encode(message: Message) -> bytes:
    """The bytes of ``message``.

    Raises
    ------
    WireError
        If it holds something that can't travel.
    """
    return _packed(message, _simplify)


def encode_apart(message: Message) -> tuple[bytes, tuple[np.ndarray, ...]]:
    """The bytes of ``message`` without its large arrays, and the bytes of these, flat uint8; nothing is copied.

    Raises
    ------
    WireError
        If it holds something that can't travel.
    """
    arrays: list[np.ndarray] = []

    def simplify(value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.nbytes >= LARGE:
            name, shape, data = _array_parts(value)
            arrays.append(np.frombuffer(data, np.uint8))
            return {0: "apart", 1: (name, shape, len(arrays) - 1)}
        return _simplify(value)

    return _packed(message, simplify), tuple(arrays)


def _packed(message: Message, simplify: Callable[[Any], Any]) -> bytes:
    try:
        packed: bytes = msgpack.packb(message, default=simplify, unicode_errors="surrogatepass")
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(f"This can't be sent to another process ({error}).", type(message).__name__) from error
    return packed


def decode(data: bytes, apart: tuple[np.ndarray, ...] = ()) -> Message:
    """The message in ``data``, with the bytes of the arrays that were sent apart.

    No length that the bytes declare is believed beyond the bytes that are there.

    Raises
    ------
    WireError
        If the bytes are anything else.
    """
    try:
        message = msgpack.unpackb(
            data,
            use_list=False,
            object_hook=partial(_restore, apart),
            strict_map_key=False,
            ext_hook=_refuse,
            unicode_errors="surrogatepass",
        )
    except WireError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise WireError(f"A message is malformed ({type(error).__name__}: {error}).") from error
    if not isinstance(message, Message):
        raise WireError(f"A {type(message).__name__} is no message by itself.")
    return message


def _simplify(value: Any) -> Any:
    name = type(value).__name__
    if _CLASSES.get(name) is type(value):
        return {0: name, 1: tuple(getattr(value, field) for field, _ in _CHECKS[name])}
    if isinstance(value, np.ndarray):
        return {0: "ndarray", 1: _array_parts(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, complex):
        return {0: "complex", 1: (value.real, value.imag)}
    raise TypeError(f"{type(value).__name__} is not among the types that travel")


def _array_parts(array: np.ndarray) -> tuple[str, tuple[int, ...], memoryview]:
    name = array.dtype.name
    if name not in _DTYPES:
        raise TypeError(f"arrays of dtype {name} don't travel")
    own = np.ascontiguousarray(array, dtype=_DTYPES[name])  # native byte order, which both ends share
    return name, array.shape, own.reshape(-1).view(np.uint8).data


def _restore(apart: tuple[np.ndarray, ...], found: dict[Any, Any]) -> Any:
    if 0 not in found:
        if not all(isinstance(key, str) for key in found):
            raise WireError("A dictionary in a message has keys that are no text.")
        return found
    name, parts = found.get(0), found.get(1)
    if len(found) != 2 or not isinstance(name, str) or not isinstance(parts, tuple):
        raise WireError("A message holds an object that is not understood.")
    if name in _CLASSES:
        return _build(_CLASSES[name], parts)
    if name == "apart" and len(parts) == 3:
        return _array_apart(apart, *parts)
    if name not in _OTHERS:
        raise WireError(f"A message names the class {name!r}, which is not among those that travel.")
    return _OTHERS[name](*parts)


def _build(cls: type[Any], parts: tuple[Any, ...]) -> Any:
    checks = _CHECKS[cls.__name__]
    if len(parts) != len(checks):
        raise WireError(f"A {cls.__name__} has {len(checks)} fields, not {len(parts)}.")
    for (field, check), part in zip(checks, parts, strict=True):
        if not check(part):
            raise WireError(f"The field {field} of a {cls.__name__} is of a wrong type ({type(part).__name__}).")
    return cls(*parts)


def _array_apart(apart: tuple[np.ndarray, ...], name: str, shape: tuple[int, ...], which: int) -> np.ndarray:
    if type(which) is not int or not 0 <= which < len(apart):
        raise WireError("A message holds an array whose bytes did not come.")
    return _build_array(name, shape, apart[which])


def _build_array(name: str, shape: tuple[int, ...], data: bytes | np.ndarray) -> np.ndarray:
    dtype = _DTYPES.get(name) if isinstance(name, str) else None
    if dtype is None:
        raise WireError(f"A message holds an array of the unknown dtype {name!r}.")
    if not (isinstance(shape, tuple) and len(shape) <= MAX_AXES and all(type(n) is int and n >= 0 for n in shape)):
        raise WireError("A message holds an array whose shape is none.")
    if not isinstance(data, (bytes, np.ndarray)) or math.prod(shape) * dtype.itemsize != len(data):
        raise WireError("A message holds an array whose bytes are not as many as its shape says.")
    return np.frombuffer(data, np.uint8).view(dtype).reshape(shape)


def _refuse(code: int, data: bytes) -> Any:
    raise WireError(f"A message holds a msgpack extension ({code}), which none of ours does.")


_NAMES = {**vars(request), **_CLASSES, "np": np, "Answer": Answer, "Shape3": volume.Shape3}
_CHECKS = {name: field_checks(cls, _NAMES) for name, cls in _CLASSES.items()}
_OTHERS: dict[str, Callable[..., Any]] = {"ndarray": _build_array, "complex": complex}
