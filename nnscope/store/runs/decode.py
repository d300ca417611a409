"""What is inside a segment, read without trust in who wrote it: shapes against bytes, and nothing from other files."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import ml_dtypes
import numpy as np

from nnscope.core.errors import FileError
from nnscope.core.statistics import TensorStats
from nnscope.core.tensor import TensorInfo
from nnscope.store.runs.encode import BINS, FIELDS
from nnscope.store.runs.record import (
    ARRAYS,
    ITEMS,
    LEVEL,
    MOST_COMPONENTS,
    MOST_ELEMENTS,
    PCA,
    RAW,
    Frame,
    Projection,
    StepRecord,
    is_leading,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_AXES = 32
RATIO = 1000  # what a compressed array may be larger than its segment, at most

_WHOLE = ("count", "finite", "nan", "posinf", "neginf", "zeros", "near_zero", "positive")


@dataclass(frozen=True, slots=True)
class FrameAt:
    """Where a frame lies: its row among the steps and its tensor's number; the rest as of `Frame`."""

    row: int
    tensor: int
    form: str
    level: int
    shape: tuple[int, ...]
    projection: Projection | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What a segment holds, less its frames and histograms.

    Attributes
    ----------
    steps : ndarray of int64, shape (n,)
    times : ndarray of float64, shape (n,)
    late : ndarray of bool, shape (n,)
        See `StepRecord`.
    names : tuple of str
    scalars : ndarray of float64, shape (n, len(names))
    given : ndarray of bool, same shape
        Whether the step gave that number.
    tensors : tuple of TensorInfo
    frames : tuple of FrameAt
    at : ndarray of int64, shape (m, 2)
        Row and tensor of each entry of the statistics.
    values : ndarray of float64, shape (m, len(FIELDS))
    thinned : int
        Frames that were dropped to save room.
    """

    steps: np.ndarray
    times: np.ndarray
    late: np.ndarray
    names: tuple[str, ...]
    scalars: np.ndarray
    given: np.ndarray
    tensors: tuple[TensorInfo, ...]
    frames: tuple[FrameAt, ...]
    at: np.ndarray
    values: np.ndarray
    thinned: int


class Segment:
    """The HDF5 file of a segment, open in memory.

    Parameters
    ----------
    content : bytes
        What `seal.unsealed` gave.
    where : str
        The path it came from, for messages.

    Raises
    ------
    FileError
        If it is not what `encode` makes.
    """

    def __init__(self, content: bytes, where: str) -> None:
        self._where = where
        self._bytes = len(content)
        try:
            self._file = h5py.File(h5py.h5f.open_file_image(content))
            self.contents = self._read_contents()
        except FileError:
            raise
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, OverflowError) as error:
            raise self._odd(f"{type(error).__name__}: {error}") from error

    def frame(self, at: FrameAt) -> Frame:
        """The arrays of a frame."""
        info = self.contents.tensors[at.tensor]
        arrays = {name: self._array(f"frames/{at.row}/{at.tensor}.{name}") for name in ARRAYS[at.form]}
        if at.form == RAW and at.shape != info.shape:
            raise self._odd(f"{info.address} is recorded with another shape than it has")
        if at.form in (RAW, ITEMS):
            if arrays["values"].dtype.itemsize != dtype_of(info.dtype).itemsize:
                raise self._odd(f"{info.address} is recorded in another dtype than it has")
            arrays = {"values": _typed(arrays["values"], info.dtype)}
        if any(arrays[name].shape != shape for name, shape in _shapes(at).items()):
            raise self._odd(f"what was kept of {info.address} has another shape than is told")
        if at.projection is not None and {array.dtype.str for array in arrays.values()} != {_precision(at.projection)}:
            raise self._odd(f"what was kept of {info.address} has another precision than is told")
        return Frame(at.form, arrays, at.level, at.projection)

    def statistics(self, entry: int) -> TensorStats:
        """The statistics of one entry of ``contents.at``."""
        return self._stats(entry, self._array("statistics/histogram", (slice(entry, entry + 1), slice(None)))[0])

    def _stats(self, entry: int, counts: np.ndarray) -> TensorStats:
        values = dict(zip(FIELDS, self.contents.values[entry].tolist(), strict=True))
        return TensorStats(**{k: int(v) if k in _WHOLE else v for k, v in values.items()}, histogram=counts)

    def records(self) -> Iterator[StepRecord]:
        """Everything, step by step, as it was given to `encode`."""
        known, counts = self.contents, self._array("statistics/histogram")
        for row, step in enumerate(known.steps.tolist()):
            scalars = {n: float(known.scalars[row, i]) for i, n in enumerate(known.names) if known.given[row, i]}
            entries = np.flatnonzero(known.at[:, 0] == row).tolist()
            statistics = {known.tensors[known.at[e, 1]]: self._stats(e, counts[e]) for e in entries}
            frames = {known.tensors[at.tensor]: self.frame(at) for at in known.frames if at.row == row}
            yield StepRecord(step, float(known.times[row]), scalars, statistics, frames, bool(known.late[row]))

    def close(self) -> None:
        """Let go of the memory."""
        self._file.close()

    def _read_contents(self) -> Contents:
        told = json.loads(self._array("names").tobytes().decode("utf-8", "surrogatepass"))
        found = Contents(
            steps=self._array("steps"),
            times=self._array("times"),
            late=self._array("late") != 0,
            names=tuple(map(str, told["scalars"])),
            scalars=self._array("scalars"),
            given=self._array("given") != 0,
            tensors=tuple(map(_info, told["tensors"])),
            frames=tuple(map(_frame_at, told["frames"])),
            at=self._array("statistics/at"),
            values=self._array("statistics/values"),
            thinned=int(told["thinned"]),
        )
        n, tensors = len(found.steps), len(found.tensors)
        table, entries = (n, len(found.names)), len(found.at)
        shapes = (found.times.shape, found.scalars.shape, found.given.shape, found.values.shape, found.at.shape)
        if (*shapes, found.late.shape) != ((n,), table, table, (entries, len(FIELDS)), (entries, 2), (n,)):
            raise self._odd("its tables do not fit each other")
        rows = [*found.at.tolist(), *((at.row, at.tensor) for at in found.frames)]
        if not all(0 <= row < n and 0 <= tensor < tensors for row, tensor in rows):
            raise self._odd("it names a step or tensor that it does not have")
        if not all(_is_known(at, found.tensors[at.tensor].shape) for at in found.frames):
            raise self._odd("it holds a form of frames that is not known")
        if self._file["statistics/histogram"].shape != (len(found.at), BINS):
            raise self._odd("its histograms are not of 256 bins")
        return found

    def _array(self, name: str, part: Any = ()) -> np.ndarray:
        dataset = self._file.get(name)
        ours = isinstance(dataset, h5py.Dataset) and dataset.file == self._file
        if not ours or dataset.is_virtual or dataset.external:
            raise self._odd(f"{name} is no array of this file")
        if dataset.dtype.kind not in "biufc" or dataset.nbytes > RATIO * self._bytes:
            raise self._odd(f"{name} claims {dataset.nbytes} bytes")
        try:
            return np.asarray(dataset[part])
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise self._odd(f"{name}: {error}") from error

    def _odd(self, what: str) -> FileError:
        return FileError("segment-odd", f"The segment can't be read: {what}.", self._where)


def _frame_at(told: list[Any]) -> FrameAt:
    row, tensor, form, level, sizes, *projected = told
    shape, projection = tuple(map(int, sizes)), None
    if projected:
        ((axis, components, explained, half),) = projected
        projection = Projection(shape, int(axis), int(components), float(explained), bool(half))
    return FrameAt(int(row), int(tensor), str(form), int(level), shape, projection)


def _is_known(at: FrameAt, whole: tuple[int, ...]) -> bool:
    """Whether a frame can be one of a tensor of that shape; of raw values that is looked at when they are read."""
    if (at.form == PCA) != (at.projection is not None) or (at.form == LEVEL) != bool(at.level):
        return False
    if at.form == LEVEL:
        return len(at.shape) == 2
    if at.projection is None:
        return at.form == RAW or (at.form == ITEMS and is_leading(at.shape, whole))
    told = at.projection
    within = 0 <= told.axis < len(whole) and 1 <= told.components <= MOST_COMPONENTS and 0 <= told.explained <= 1
    return within and is_leading(at.shape, whole) and math.prod(at.shape) <= MOST_ELEMENTS


def _shapes(at: FrameAt) -> dict[str, tuple[int, ...]]:
    """Those of the arrays of a frame."""
    told = at.projection
    if told is None:
        return dict.fromkeys(ARRAYS[at.form], at.shape)
    k = told.components
    return {"scores": (told.places, k), "basis": (k, told.features), "mean": (told.features,)}


def _precision(told: Projection) -> str:
    return np.dtype(np.float16 if told.half else np.float32).str


def _info(told: dict[str, Any]) -> TensorInfo:
    shape = tuple(map(int, told["shape"]))
    if len(shape) > MOST_AXES or min(shape, default=0) < 0:
        raise ValueError(f"the shape {shape}")
    dtype = str(told["dtype"])
    nbytes = int(np.prod(shape, dtype=object)) * dtype_of(dtype).itemsize
    labels = tuple(tuple(map(str, names)) for names in told.get("labels", ()))
    if labels and [len(names) or size for names, size in zip(labels, shape, strict=True)] != list(shape):
        raise ValueError("names of places that are not there")
    return TensorInfo(
        str(told["address"]),
        shape,
        dtype,
        str(told["kind"]),
        nbytes,
        axes=tuple(map(str, told["axes"])),
        aliases=tuple(map(str, told["aliases"])),
        note=str(told.get("note", "")),
        labels=labels,
    )


def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy type of that name, those of ml_dtypes among them.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = getattr(ml_dtypes, name, None)
    if isinstance(found, type):
        return np.dtype(found)
    try:
        return np.dtype(name)
    except TypeError:
        raise ValueError(f"the dtype {name!r}") from None


def _typed(array: np.ndarray, name: str) -> np.ndarray:
    dtype = dtype_of(name)
    return array if array.dtype == dtype else array.view(dtype)
