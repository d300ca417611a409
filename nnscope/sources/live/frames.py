"""From a tensor to what is kept of it in a recording: all values where they are few, else the best that fits.

Of values that modules take and give, the first samples are kept whole: sharp pictures of a few say more than a blur
over all. Where not even one fits, attention keeps the first heads of the first sample, and other values the principal
components of the first sample's places, which keep what the features have in common. Whatever else is too large (such
as weights, all of which matter) is kept as a level of its pyramid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.pca.one_thread import components_beside, is_quick
from nnscope.compute.pyramid.levels import reduce_times
from nnscope.core.features import PASSED_ON, feature_axis
from nnscope.core.layout import sheet
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
)

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo

ATTENTION = "attention"
LEAST_COMPONENTS = 3  # fewer are no picture: red, green and blue
HALF = 2.0**-10  # of the largest value: what half precision may change
_CELL = 16  # bytes of a cell of a level: mean, standard deviation, min and max in float32


def frame_of(values: np.ndarray, most_bytes: int, info: TensorInfo | None = None) -> Frame:
    """A frame of at most so many bytes, or of one cell.

    Parameters
    ----------
    values : ndarray
        In the tensor's own dtype.
    most_bytes : int
        All values are kept up to so many bytes. Beyond: of captured values the first items of the leading axis, or
        principal components (see `projected`); of others, or where these don't fit, the finest level of `as_matrix`
        that does.
    info : TensorInfo, optional
        Says what kind of value it is, and which of its axes are the batch and the features.
    """
    if values.nbytes <= most_bytes or values.size <= 1:
        return Frame(RAW, {"values": values})
    found = None
    if info is not None and info.kind in (ATTENTION, *PASSED_ON):
        found = _items(values, most_bytes, info)
        if found is None and info.kind != ATTENTION:
            found = projected(values, most_bytes, info)
    return _level(values, most_bytes) if found is None else found


def projected(values: np.ndarray, most_bytes: int, info: TensorInfo) -> Frame | None:
    """The first items by their mean and principal components; None where that can't be, or is no use.

    One item, and as many components as fit; further items where `MOST_COMPONENTS` fit. In half precision where only so
    `LEAST_COMPONENTS` fit, unless that changes a value by more than `HALF` of the largest of its array. A frame takes
    a third of a second at most (`is_quick`); larger ones are left to the levels.
    """
    if values.ndim < 2 or values.dtype.kind == "c" or not values.size:
        return None
    axis = feature_axis(info)
    batched = _has_batch(info) and axis != 0
    features = values.shape[axis]
    places = values[:1].size // features if batched else values.size // features
    if min(places - 1, features) < LEAST_COMPONENTS:
        return None
    k, half = _components(places, features, most_bytes)
    if k < LEAST_COMPONENTS or not is_quick(places, features) or places * features > MOST_ELEMENTS:
        return None
    count = (most_bytes // 4 - features) // k - features if k == MOST_COMPONENTS else places  # of places that fit
    part = values[: _most_items(count // places, places, features)] if batched else values
    return _by_components(part, axis, k, half)


def _items(values: np.ndarray, most_bytes: int, info: TensorInfo) -> Frame | None:
    """As many whole items of the first axis as fit; of attention, if none does, as many heads of the first."""
    if values.ndim < 2 or not (_has_batch(info) or (info.kind == ATTENTION and values.ndim > 2)):
        return None
    for axis in range(values.ndim - 2 if info.kind == ATTENTION else 1):
        count = most_bytes // (values.itemsize * math.prod(values.shape[axis + 1 :]))
        if count:
            part = values[(*(slice(1) for _ in range(axis)), slice(count))]
            return Frame(ITEMS, {"values": part.copy()})  # what is left of it is let go
    return None


def _has_batch(info: TensorInfo) -> bool:
    """Whether the first axis is the batch: by its name, or as it has none and nearly always is."""
    return not info.axes or info.axes[0] in ("batch", "")


def _components(places: int, features: int, most_bytes: int) -> tuple[int, bool]:
    """How many components fit, and whether in half precision only."""
    single, half = ((most_bytes // size - features) // (places + features) for size in (4, 2))
    most = min(MOST_COMPONENTS, places - 1, features)
    return (min(single, most), False) if single >= LEAST_COMPONENTS else (min(half, most), True)


def _most_items(count: int, places: int, features: int) -> int:
    """At least one item, and no more than can be worked on quickly."""
    while count > 1 and not is_quick(count * places, features):
        count -= 1
    return max(1, count)


def _by_components(part: np.ndarray, axis: int, k: int, half: bool) -> Frame | None:
    """Its frame; None where that would leave the range of the precision."""
    found = components_beside(np.moveaxis(part, axis, -1).reshape(-1, part.shape[axis]), k)
    if np.count_nonzero(found.valid) <= LEAST_COMPONENTS:
        return None
    wide = {"scores": found.scores, "basis": found.components, "mean": found.mean}
    with np.errstate(all="ignore"):
        arrays = {name: array.astype(np.float16 if half else np.float32) for name, array in wide.items()}
        if not all(_is_kept(wide[name], arrays[name]) for name in wide):
            return None
    explained = min(1.0, float(found.explained_ratio.sum())) if found.rank else 1.0
    arrays["scores"][~found.valid] = np.nan
    return Frame(PCA, arrays, projection=Projection(part.shape, axis, k, explained, half))


def _is_kept(values: np.ndarray, narrow: np.ndarray) -> bool:
    """Whether values are as good in another precision: no overflow, and none of those that matter lost."""
    changed = np.abs(narrow.astype(np.float64) - values).max(initial=0.0)
    return bool(changed <= HALF * np.abs(values).max(initial=0.0))


def _level(values: np.ndarray, most_bytes: int) -> Frame:
    grid, padding = as_matrix(values)
    level = 1
    while math.prod(-(-side >> level) for side in grid.shape) * _CELL > most_bytes and max(grid.shape) >> level:
        level += 1
    found = reduce_times(grid, level, padding)
    arrays = {name: np.asarray(getattr(found, name), np.float32) for name in ARRAYS[LEVEL]}
    return Frame(LEVEL, arrays, level)


def as_matrix(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """A tensor as the matrix whose levels are kept, laid out as a heat map (`sheet`), and where that is padded."""
    layout = sheet(values.shape)
    order = (*layout.rows, *layout.cols, *(axis for axis, _ in layout.fixed))
    if layout.split is None:
        return values.transpose(order).reshape(layout.grid), None
    axis, width = layout.split
    missing = -values.shape[axis] % width
    whole = np.pad(values, [(0, missing if a == axis else 0) for a in range(values.ndim)])
    grid = whole.reshape(layout.virtual_shape).transpose(order).reshape(layout.grid)
    if not missing:
        return grid, None
    beyond = np.arange(values.shape[axis] + missing) >= values.shape[axis]
    within = beyond.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    padding = np.broadcast_to(within, whole.shape).reshape(layout.virtual_shape)
    return grid, padding.transpose(order).reshape(layout.grid)
