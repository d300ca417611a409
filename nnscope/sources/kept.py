"""What a run kept of a tensor, as a tensor: all values, means of blocks, the first items, or principal components.

Where it is not the whole tensor, the names of axes or the note say what it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.layout import sheet
from nnscope.core.tensor import Kept
from nnscope.store.runs.record import ITEMS, PCA, RAW

if TYPE_CHECKING:
    from nnscope.core.layout import Layout
    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.store.runs.decode import FrameAt
    from nnscope.store.runs.record import Frame, Projection

_MADE, _FIRST = "made of", "the first"  # how notes on principal components and on items begin
_STATISTICS = " (statistics are of all)"
_SHARE = re.compile(r"[\d.]+%(?= of the original variance)")
_COUNTED = {"batch": "samples", "head": "heads"}  # names of axes whose first indices are kept, and of what is counted


@dataclass(slots=True)
class RecordedTensor:
    """What was kept of a tensor (a `TensorReader`)."""

    info: TensorInfo
    values: np.ndarray

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        return self.values[tuple(slice(*axis) for axis in region)].copy()


@dataclass(slots=True)
class RecordedComponents:
    """A tensor made of its mean and principal components, where it is read (a `TensorReader`)."""

    info: TensorInfo
    frame: Frame

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region`` in float32: mean + scores · basis. NaN at places that took no part."""
        told = self.frame.projection
        assert told is not None
        arrays = {name: array.astype(np.float32, copy=False) for name, array in self.frame.arrays.items()}
        sizes = (*told.shape[: told.axis], *told.shape[told.axis + 1 :])
        places = tuple(slice(*axis) for at, axis in enumerate(region) if at != told.axis)
        features = slice(*region[told.axis])
        scores = arrays["scores"].reshape(*sizes, told.components)[places]
        with np.errstate(all="ignore"):  # what was recorded may be anything
            values = scores @ arrays["basis"][:, features] + arrays["mean"][features]
        return np.ascontiguousarray(np.moveaxis(values, -1, told.axis))


def recorded(info: TensorInfo, frame: Frame) -> RecordedTensor | RecordedComponents:
    """The reader of what was kept of a tensor."""
    shown = shown_info(info, frame)
    if frame.form == PCA:
        return RecordedComponents(shown, frame)
    return RecordedTensor(shown, frame.arrays["values" if frame.form in (RAW, ITEMS) else "mean"])


def shown_info(info: TensorInfo, kept: Frame | FrameAt) -> TensorInfo:
    """The tensor as it was kept."""
    if kept.level:
        return _reduced(info, kept.level, kept.shape)
    told = kept.projection
    if told is None and kept.form == RAW:
        return info
    nbytes = math.prod(kept.shape) * info.nbytes // info.size if told is None else told.nbytes
    dtype = info.dtype if told is None else "float32"
    labels = tuple(names[:size] for names, size in zip(info.labels, kept.shape, strict=bool(info.labels)))
    notes = (_components(told) if told else "", _first(info, kept.shape), info.note)
    note = " · ".join(filter(None, notes))
    part = Kept(info.shape) if kept.shape != info.shape else None
    return replace(info, shape=kept.shape, dtype=dtype, nbytes=nbytes, labels=labels, note=note, kept=part)


def of_what_is_kept(info: TensorInfo) -> TensorInfo:
    """The listing entry of what is made of several tensors' parts, whose statistics are those of the parts."""
    return replace(info, note=info.note.replace(_STATISTICS, ""))


def is_approximate(info: TensorInfo) -> bool:
    """Whether a recorded tensor's values are made of principal components."""
    return info.note.startswith(_MADE)


def note_of_both(one: TensorInfo, other: TensorInfo) -> str:
    """What a difference says of how its two sides were kept, and else of how the first came about."""
    note = other.note if other.note.startswith(_FIRST) and not one.note.startswith(_FIRST) else one.note
    shares = dict.fromkeys(share for info in (one, other) for share in _SHARE.findall(info.note))
    return _SHARE.sub(" and ".join(shares), note).replace(_STATISTICS, "")


def _components(told: Projection) -> str:
    precision = ", half precision" if told.half else ""
    count = f"{told.components} principal components of {told.features} features"
    share = told.explained if told.explained == 1 else min(told.explained, 0.999)  # nearly all is not 100.0%
    return f"{_MADE} {count}, {share:.1%} of the original variance{precision}"


def _first(info: TensorInfo, part: tuple[int, ...]) -> str:
    """Which indices were kept; that the run's statistics are of all is said too."""
    said = []
    for axis, (size, full) in enumerate(zip(part, info.shape, strict=True)):
        if size < full:
            name = _COUNTED.get(info.axes[axis] if info.axes else "", "")
            said.append(f"the first {size} of {full} {name or f'along axis {axis}'}".replace("first 1 of", "first of"))
    return " of ".join(reversed(said)) + _STATISTICS if said else ""


def _reduced(info: TensorInfo, level: int, shape: tuple[int, ...]) -> TensorInfo:
    """The means of blocks of a tensor."""
    side = 2**level
    layout = sheet(info.shape)
    rows, cols = _names(info, layout, layout.rows) or "row", _names(info, layout, layout.cols) or "column"
    axes = (f"{rows} (means of {side})", f"{cols} (means of {side})")
    nbytes = 4 * shape[0] * shape[1]
    part = Kept(info.shape, side)
    return replace(info, shape=shape, dtype="float32", nbytes=nbytes, axes=axes, labels=(), kept=part)


def _names(info: TensorInfo, layout: Layout, axes: tuple[int, ...]) -> str:
    """What the axes of a tensor that make up a side of its picture are called; empty where they have no names."""
    names = [info.axes[layout.tensor_axis(axis)] for axis in axes] if info.axes else []
    return " × ".join(dict.fromkeys(filter(None, names)))
