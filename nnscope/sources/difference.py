"""The difference of two tensors as a tensor of its own, worked out where its values are read (``stem.weight@1200-0``).

Values are subtracted as stored, in float64: nothing wraps around, and what float64 can't hold is rounded once, also
of two integers of 64 bits. NaN stays NaN, and equal infinities give it; the difference of complex values is complex.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain
from nnscope.sources.kept import is_approximate, note_of_both

if TYPE_CHECKING:
    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader

KIND = "difference"
_HALF = 32  # bits of an integer that are subtracted at a time


@dataclass(slots=True)
class Difference:
    """``minuend`` − ``subtrahend`` (a `TensorReader`); see `difference`."""

    info: TensorInfo
    minuend: TensorReader
    subtrahend: TensorReader

    def read(self, region: Region) -> np.ndarray:
        """The differences in ``region``, float64 or complex128; see `TensorReader`."""
        return subtract(self.minuend.read(region), self.subtrahend.read(region))


def difference(address: str, note: str, minuend: TensorReader, subtrahend: TensorReader) -> Difference:
    """The reader of ``minuend`` − ``subtrahend``.

    Parameters
    ----------
    address : str
        Its name.
    note : str
        What it is the difference of, in words of its legend.
    minuend, subtrahend : TensorReader

    Raises
    ------
    NnscopeError
        If they have not the same shape, or were not kept alike, or one of them can't be read.
    """
    for info in (minuend.info, subtrahend.info):
        if info.unreadable:
            raise NnscopeError(info.unreadable, plain(info.address))
    return Difference(difference_info(address, note, minuend.info, subtrahend.info), minuend, subtrahend)


def difference_info(address: str, note: str, one: TensorInfo, other: TensorInfo) -> TensorInfo:
    """The listing entry of a difference; see `difference`."""
    if not alike(one, other):
        shapes = f"{plain(one.address)} is {extent(one)}, {plain(other.address)} is {extent(other)}"
        raise NnscopeError("Only tensors of one shape, kept alike, can be compared.", shapes, "Choose another step.")
    dtype = np.dtype(np.complex128 if "complex" in one.dtype + other.dtype else np.float64)
    return replace(
        one,
        address=address,
        dtype=dtype.name,
        kind=KIND,
        nbytes=one.size * dtype.itemsize,
        version=max(one.version, other.version),
        axes=one.axes if one.axes == other.axes else (),
        aliases=(),
        note=" · ".join(filter(None, (note, note_of_both(one, other)))),
        labels=one.labels if one.labels == other.labels else (),
    )


def alike(one: TensorInfo, other: TensorInfo) -> bool:
    """Whether two tensors have the same shape and hold values, means of equal blocks or principal components both."""
    return (one.shape, _means(one), is_approximate(one)) == (other.shape, _means(other), is_approximate(other))


def extent(info: TensorInfo) -> str:
    """Shape of a tensor, and whether it holds means of blocks or principal components."""
    shape, kept = " × ".join(map(str, info.shape)) or "a scalar", _means(info)
    if is_approximate(info):
        kept = "by principal components"
    return f"{shape}, {kept}" if kept else shape


def subtract(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a`` − ``b`` of any numeric dtypes, as float64 or, of complex values, complex128."""
    if a.dtype.kind == "c" or b.dtype.kind == "c":
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(_complex(a) - _complex(b))
    if _wide(a) and _wide(b):
        return _subtract_integers(a, b)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(to_float(a).astype(np.float64) - to_float(b))


def _subtract_integers(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By halves, whose differences float64 holds: their sum is rounded once, however large the integers."""
    high = (a >> _HALF).astype(np.float64) - (b >> _HALF)
    mask = a.dtype.type((1 << _HALF) - 1), b.dtype.type((1 << _HALF) - 1)
    low = (a & mask[0]).astype(np.float64) - (b & mask[1])
    return np.asarray(high * float(1 << _HALF) + low)


def _wide(values: np.ndarray) -> bool:
    """Whether these are integers that float64 may not hold."""
    return values.dtype.kind in "iu" and values.dtype.itemsize == 8


def _complex(values: np.ndarray) -> np.ndarray:
    return values.astype(np.complex128) if values.dtype.kind == "c" else to_float(values).astype(np.complex128)


def _means(info: TensorInfo) -> str:
    return next((axis.partition(" (")[2].removesuffix(")") for axis in info.axes if "(means of" in axis), "")
