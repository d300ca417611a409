"""Fields as files: safetensors, which any reader of tensors opens, with what a field is in its metadata.

Tensors (n Gaussians in d = 2 or 3 dimensions; positions (x, y[, z]) in cells, see `nnscope.fields.parameters`):

===================================  ==============  ==================================================================
name                                 type, shape     what
===================================  ==============  ==================================================================
``means``                            F32 (n, d)      positions
``chol``                             F32 (n, k)      k = 3 (d = 2) or 6 (d = 3) numbers of L; k = d of a diagonal field
``amplitudes``                       F32 (n,)        before the sigmoid, if there is one
``ids``                              I64 (n,)        names that Gaussians keep over training; may be left out
``errors``                           F32 (n,)        mean magnitude of what the field is off under each; may be left out
``target``                           F32 as shape    the tensor itself, for its residual; may be left out
``path.steps``                       I64 (t,)        steps of training, of a field over training; then also
``path.means``, ``.chol``, ``.amplitudes``  F32      the three at each of them: (t, n, d), (t, n, k), (t, n)
``path.ranges``                      F32 (t, 2)      offset and scale at each of them
``optimizer.NAME.first``, ``.second``  F32 as NAME   moments of Adam for each of the three; only in fits to be resumed
===================================  ==============  ==================================================================

Metadata (text, as safetensors has it):

==================  ===================================================================================================
``format``          ``nnscope-field``
``version``         ``1``
``amplitude``       ``sigmoid`` or ``identity``
``covariance``      ``full`` or ``diagonal``
``shape``           sizes of the tensor, [z,]y,x: ``48,48,48``
``offset, scale``   the tensor's values are offset + scale · f, as Python writes floats
``rendering``       ``sum``, or ``mip`` for a field fitted to projections, whose pictures are maxima and not sums
other keys          what the fit noted: ``address``, ``step``, ``seed``, ``psnr``, …
==================  ===================================================================================================
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import FileError, NnscopeError
from nnscope.fields.parameters import AMPLITUDES, COVARIANCES, Gaussians, chol_width
from nnscope.fields.path import PREFIX, FieldPath
from nnscope.sources.base import full_region
from nnscope.sources.files.open import open_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.fields.parameters import Covariance
    from nnscope.sources.base import Source

Word = TypeVar("Word", bound=str)

FORMAT, VERSION = "nnscope-field", "1"
PARAMETERS = ("means", "chol", "amplitudes")
_RESERVED = ("format", "version", "amplitude", "covariance", "shape", "offset", "scale")
_TYPES = {"float32": "F32", "int64": "I64"}


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A field and what is known of its fit.

    Attributes
    ----------
    field : Gaussians
    moments : dict of str to ndarray
        Of the optimiser: ``"means.first"``, ``"means.second"``, ``"chol.first"`` …; empty where it can't be resumed.
    notes : dict of str to str
        The metadata beyond what makes the field.
    errors : ndarray, shape (n,), or None
        Mean magnitude of what the field is off under each Gaussian, in the tensor's values.
    target : ndarray of the field's shape, or None
        The tensor itself, where the file is to keep it; `load_field` leaves it in the file.
    path : FieldPath or None
        The same Gaussians at steps of training, of which ``field`` is the last.
    """

    field: Gaussians
    moments: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    errors: np.ndarray | None = None
    target: np.ndarray | None = None
    path: FieldPath | None = None


def is_field(metadata: Mapping[str, str]) -> bool:
    """Whether a file of this metadata is a field."""
    return metadata.get("format") == FORMAT


def save_field(path: str | os.PathLike[str], checkpoint: Checkpoint | Gaussians) -> None:
    """Write a field; the name never holds half of it.

    Raises
    ------
    NnscopeError
        If the file can't be written.
    """
    held = Checkpoint(checkpoint) if isinstance(checkpoint, Gaussians) else checkpoint
    gaussians = held.field
    tensors = {name: np.asarray(getattr(gaussians, name), "<f4") for name in PARAMETERS}
    if gaussians.ids is not None:
        tensors["ids"] = np.asarray(gaussians.ids, "<i8")
    beside = {"errors": held.errors, "target": held.target}
    tensors |= {name: np.asarray(values, "<f4") for name, values in beside.items() if values is not None}
    tensors |= {} if held.path is None else held.path.tensors()
    tensors |= {f"optimizer.{name}": np.asarray(values, "<f4") for name, values in held.moments.items()}
    write_atomically(path, _encoded(tensors, {**held.notes, **_metadata(gaussians)}))


def load_field(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a field.

    Raises
    ------
    FileError
        If the file can't be read, is no field, or a tensor of it is missing, mis-shaped or not finite.
    """
    name = os.fspath(path)
    source = open_file(name)
    try:
        return _loaded(source, name)
    finally:
        source.close()


def _metadata(gaussians: Gaussians) -> dict[str, str]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "amplitude": gaussians.amplitude,
        "covariance": gaussians.covariance,
        "shape": ",".join(map(str, gaussians.shape)),
        "offset": repr(float(gaussians.offset)),
        "scale": repr(float(gaussians.scale)),
    }


def _encoded(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """safetensors: the header's length in 8 bytes, the header as JSON, the values one behind the other."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    at = 0
    # the widest first, so that every tensor begins at a multiple of its item
    for name, values in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        kind, end = _TYPES[values.dtype.name], at + values.nbytes
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(tensors[name]).tobytes() for name in header if name != "__metadata__")
    return struct.pack("<Q", len(text)) + text + data


def _loaded(source: Source, path: str) -> Checkpoint:
    listing = source.listing()
    metadata = dict(listing.metadata)
    if not is_field(metadata):
        raise FileError("no-field", "This file holds no Gaussian field.", path, "`nnscope fit` writes one.")
    tensors = {info.address: info.shape for info in listing.tensors}
    amplitude = _word(metadata, "amplitude", AMPLITUDES, path)
    covariance = _word(metadata, "covariance", COVARIANCES, path)
    values = {name: _read(source, name, tensors, path) for name in PARAMETERS}
    wanted = _shapes(values["means"], covariance, path)
    for name in PARAMETERS:
        _require_shape(name, values[name], wanted[name], path)
    shape, offset, scale = _numbers(metadata, values["means"].shape[1], path)
    ids, errors = (_of_each(source, name, (tensors, wanted), path) for name in ("ids", "errors"))
    gaussians = Gaussians(
        values["means"], values["chol"], values["amplitudes"], amplitude, covariance, shape, offset, scale, ids
    )
    notes = {key: value for key, value in metadata.items() if key not in _RESERVED}
    moments, over = _moments(source, tensors, wanted, path), _over_training(source, tensors, values, path)
    return Checkpoint(gaussians, moments, notes, errors, path=over)


def _over_training(
    source: Source, tensors: Mapping[str, tuple[int, ...]], values: Mapping[str, np.ndarray], path: str
) -> FieldPath | None:
    """The field at steps of training, where the file has them."""
    names = [name for name in tensors if name.startswith(PREFIX)]
    if not names:
        return None
    try:
        found = FieldPath.read({name: _read(source, name, tensors, path) for name in names})
    except NnscopeError as error:
        raise FileError("path", error.what, path, error.remedy) from None
    for name in PARAMETERS:
        _require_shape(PREFIX + name, getattr(found, name)[0], values[name].shape, path)
    return found


def _of_each(
    source: Source, name: str, shapes: tuple[Mapping[str, tuple[int, ...]], dict[str, tuple[int, ...]]], path: str
) -> np.ndarray | None:
    """A number for each Gaussian, where the file has them; ``shapes`` are those it has, and those that are wanted."""
    tensors, wanted = shapes
    if name not in tensors:
        return None
    values = _read(source, name, tensors, path)
    _require_shape(name, values, wanted["amplitudes"], path)
    return values


def _word(metadata: Mapping[str, str], key: str, known: tuple[Word, ...], path: str) -> Word:
    found = next((word for word in known if word == metadata.get(key)), None)
    if found is None:
        raise FileError("metadata", f"The {key} of this field is not {' or '.join(known)}.", path)
    return found


def _shapes(means: np.ndarray, covariance: Covariance, path: str) -> dict[str, tuple[int, ...]]:
    if means.ndim != 2 or means.shape[1] not in (2, 3):
        raise FileError("shape", f"means of this field are {means.shape}, not (n, 2) or (n, 3).", path)
    n, d = means.shape
    return {"means": (n, d), "chol": (n, chol_width(d, covariance)), "amplitudes": (n,)}


def _require_shape(name: str, values: np.ndarray, wanted: tuple[int, ...], path: str) -> None:
    if values.shape != wanted:
        raise FileError("shape", f"{name} of this field is {values.shape}, not {wanted}.", path, "Fit it anew.")
    if not np.isfinite(values).all():
        raise FileError("not-finite", f"{name} of this field holds values that are not finite.", path, "Fit it anew.")


def _read(source: Source, name: str, tensors: Mapping[str, tuple[int, ...]], path: str) -> np.ndarray:
    if name not in tensors:
        raise FileError("missing-key", f"This field has no tensor {name}.", path, "Fit it anew.")
    return source.reader(name).read(full_region(tensors[name]))


def _moments(
    source: Source, tensors: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]], path: str
) -> dict[str, np.ndarray]:
    """The optimiser's, all or none."""
    names = [f"{name}.{which}" for name in PARAMETERS for which in ("first", "second")]
    if not any(f"optimizer.{name}" in tensors for name in names):
        return {}
    found = {name: _read(source, f"optimizer.{name}", tensors, path) for name in names}
    for name, values in found.items():
        _require_shape(f"optimizer.{name}", values, wanted[name.partition(".")[0]], path)
    return found


def _numbers(metadata: Mapping[str, str], dimensions: int, path: str) -> tuple[tuple[int, ...], float, float]:
    try:
        shape = tuple(int(part) for part in metadata["shape"].split(","))
        offset, scale = float(metadata["offset"]), float(metadata["scale"])
    except (KeyError, ValueError):
        raise FileError("metadata", "The shape, offset or scale of this field is missing or no number.", path) from None
    if len(shape) != dimensions or min(shape) < 1 or not (math.isfinite(offset) and math.isfinite(scale)):
        raise FileError("metadata", "The shape, offset or scale of this field makes no sense.", path)
    return shape, offset, scale


def noted_number(notes: Mapping[str, str], key: str, default: float = 0.0) -> float:
    """A number among a checkpoint's notes.

    Raises
    ------
    NnscopeError
        If it is no finite number.
    """
    text = notes.get(key, repr(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NnscopeError(f"{key} of this field is no number.", text[:64])
    return value
