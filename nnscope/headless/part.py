"""The part of a tensor that an index means, as NumPy's basic indexing has it: integers, slices and ``...``.

A `Part` has one entry per axis of the tensor: an int where the axis is gone, else the range of indices that is left.
Ranges compose, so a part of a part is a part again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import index as as_integer
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from nnscope.core.address import IndexItem
    from nnscope.core.request import Region


class IndexingError(NnscopeError, IndexError):
    """An index that the tensor does not have, or that is not understood."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of a tensor after indexing; see the module docstring.

    Attributes
    ----------
    base : tuple of int
        Shape of the tensor.
    axes : tuple of int or range
        One per axis of the tensor. Integers are not negative.
    """

    base: tuple[int, ...]
    axes: tuple[int | range, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values: integers drop their axis."""
        return tuple(len(axis) for axis in self.axes if isinstance(axis, range))

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def kept(self) -> tuple[int, ...]:
        """The axes of the tensor that are left, in order."""
        return tuple(a for a, axis in enumerate(self.axes) if isinstance(axis, range))

    @property
    def items(self) -> tuple[IndexItem, ...]:
        """The part as an address writes it: integers and slices, without the whole axes at the end."""
        items = [_item(axis, n) for axis, n in zip(self.axes, self.base, strict=True)]
        while items and items[-1] == slice(None):
            items.pop()
        return tuple(items)

    @property
    def region(self) -> Region:
        """The region to read: all axes kept, every step positive (see `values`)."""
        return tuple((axis, axis + 1, 1) if isinstance(axis, int) else _ascending(axis) for axis in self.axes)

    def values(self, read: np.ndarray) -> np.ndarray:
        """The part's values from what `region` gave: integers' axes dropped, backward slices turned round."""
        result: np.ndarray = read[
            tuple(0 if isinstance(axis, int) else slice(None, None, 1 if axis.step > 0 else -1) for axis in self.axes)
        ]
        return result

    def index(self, at: Iterable[int]) -> tuple[int, ...]:
        """The tensor index of the part's element ``at``."""
        places = iter(at)
        return tuple(axis if isinstance(axis, int) else axis[next(places)] for axis in self.axes)

    def select(self, item: object, where: str = "") -> Part:
        """The part of this part that ``item`` means.

        Parameters
        ----------
        item : int, slice, ``...`` or a tuple of them
        where : str
            Name of the tensor, for the error's sentence.

        Raises
        ------
        IndexingError
            If it is something else, has too many entries, or an integer is out of range.
        """
        items = _expanded(item if isinstance(item, tuple) else (item,), len(self.shape), where)
        axes = list(self.axes)
        for axis, one in zip(self.kept, items, strict=False):
            axes[axis] = _select(self.axes[axis], one, axis, where)
        return Part(self.base, tuple(axes))


def whole(shape: tuple[int, ...]) -> Part:
    """All of a tensor of that shape."""
    return Part(shape, tuple(range(n) for n in shape))


def _expanded(items: tuple[Any, ...], rank: int, where: str) -> tuple[Any, ...]:
    """``items`` with an ``...`` replaced by as many ``:`` as it stands for."""
    dots = [i for i, item in enumerate(items) if isinstance(item, EllipsisType)]
    if len(dots) > 1:
        raise IndexingError("The index has more than one '...'.", where)
    if len(items) - len(dots) > rank:
        raise IndexingError(f"The index has {len(items) - len(dots)} entries for {rank} axes.", where)
    if not dots:
        return items
    at = dots[0]
    return (*items[:at], *(slice(None),) * (rank - len(items) + 1), *items[at + 1 :])


def _select(axis: int | range, item: Any, number: int, where: str) -> int | range:
    assert isinstance(axis, range)  # only axes that are left are selected from
    if isinstance(item, slice):
        return _sliced(axis, item, where)
    try:
        at = as_integer(item) if not isinstance(item, bool) else None
    except TypeError:
        at = None
    if at is None:
        raise IndexingError(f"{type(item).__name__} is no index.", where, "Use integers, slices and '...'.")
    if not -len(axis) <= at < len(axis):
        raise IndexingError(f"Index {at} is outside axis {number} of size {len(axis)}.", where)
    return axis[at]


def _sliced(axis: range, item: slice, where: str) -> range:
    try:
        return axis[item]
    except (TypeError, ValueError) as error:
        raise IndexingError(f"The slice is not understood: {error}.", where) from None


def _ascending(axis: range) -> tuple[int, int, int]:
    if not axis:
        return 0, 0, 1
    ordered = axis if axis.step > 0 else axis[::-1]
    return ordered[0], ordered[-1] + 1, ordered.step


def _item(axis: int | range, size: int) -> IndexItem:
    if isinstance(axis, int):
        return axis
    if axis == range(size):
        return slice(None)
    stop = None if axis.stop < 0 else axis.stop
    return slice(axis.start, stop, None if axis.step == 1 else axis.step)
