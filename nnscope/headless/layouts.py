"""The layout of a picture: the view's own, with the axes that an index fixes, or with rows and columns as asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.layout import Layout
from nnscope.core.text import plain
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.tensor import TensorInfo
    from nnscope.views.base import View

Axes = tuple[int, ...]


def fixed_layout(view: View, info: TensorInfo, fixed: Mapping[int, int]) -> Layout:
    """The view's layout with some axes at an index: its sliders where it has them, else a layout of the other axes."""
    own = view.layout(info)
    sliders = {own.tensor_axis(axis): axis for axis, _ in own.fixed}
    if all(axis in sliders for axis in fixed):
        for axis, index in fixed.items():
            own = own.with_fixed(sliders[axis], index)
        return own
    return _lifted(view.layout(_without(info, fixed)), info.shape, fixed)


def chosen_layout(info: TensorInfo, rows: Axes, cols: Axes, fixed: Mapping[int, int], depth: Axes = ()) -> Layout:
    """Rows, columns and depth as asked; the other axes at their index in ``fixed``, else at 0.

    Raises
    ------
    OptionError
        If an axis does not exist, is named twice or is fixed as well, or an axis that is left has no elements.
    """
    used = [_axis(axis, info) for axis in (*rows, *cols, *depth)]
    if len({*used, *fixed}) < len(used) + len(fixed):
        raise OptionError("An axis is used twice.", plain(info.address), "Rows, columns and the index name it once.")
    left = [axis for axis in range(info.ndim) if axis not in used]
    if any(info.shape[axis] == 0 for axis in left):
        raise OptionError("An axis without elements can't be fixed.", plain(info.address), "Name it in rows or cols.")
    sliders = tuple((axis, fixed.get(axis, 0)) for axis in left)
    ends = len(rows), len(rows) + len(cols)
    along = tuple(used[: ends[0]]), tuple(used[ends[0] : ends[1]])
    return Layout(info.shape, *along, sliders, depth=tuple(used[ends[1] :]))


def showing(layout: Layout, index: Axes) -> Layout:
    """The same layout with its sliders where they show the element ``index``."""
    virtual = list(index)
    if layout.split is not None:
        axis, width = layout.split
        virtual[axis : axis + 1] = divmod(index[axis], width)
    for axis, _ in layout.fixed:
        layout = layout.with_fixed(axis, virtual[axis])
    return layout


def _axis(axis: int, info: TensorInfo) -> int:
    if not -info.ndim <= axis < info.ndim:
        raise OptionError(f"There is no axis {axis}.", plain(info.address), f"It has {info.ndim} axes, counted from 0.")
    return axis % info.ndim


def _without(info: TensorInfo, fixed: Mapping[int, int]) -> TensorInfo:
    left = [axis for axis in range(info.ndim) if axis not in fixed]
    return replace(
        info, shape=tuple(info.shape[a] for a in left), axes=tuple(info.axes[a] for a in left if a < len(info.axes))
    )


def _lifted(part: Layout, shape: Axes, fixed: Mapping[int, int]) -> Layout:
    """A layout of the axes that are not fixed, as one of the whole tensor."""
    left = [axis for axis in range(len(shape)) if axis not in fixed]
    split = None if part.split is None else (left[part.split[0]], part.split[1])

    def whole(virtual: int) -> int:
        """The whole tensor's virtual axis for the part's."""
        axis = left[part.tensor_axis(virtual)]
        if split is None or axis < split[0]:
            return axis
        inner = part.split is not None and virtual == part.split[0] + 1
        return axis + 1 if axis > split[0] or inner else axis

    sliders = [(whole(axis), index) for axis, index in part.fixed]
    sliders += [(axis if split is None or axis < split[0] else axis + 1, index) for axis, index in fixed.items()]
    rows, cols, depth = (tuple(map(whole, axes)) for axes in (part.rows, part.cols, part.depth))
    return Layout(shape, rows, cols, tuple(sorted(sliders)), split, depth)
