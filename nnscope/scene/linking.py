"""Linked panes: one camera for pictures of the same grid, one cursor for tensors of the same shape or grid. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.frame import Marker
from nnscope.views.registry import sheeted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.scene.hover import Hover
    from nnscope.scene.resolve import Resolved


def camera_partners(at: int, panes: Mapping[int, Resolved]) -> list[int]:
    """The panes that look where pane ``at`` looks: those whose picture has the same grid or fills the same box."""
    here = panes[at]
    return [i for i, p in panes.items() if p.dimensions == here.dimensions and p.bounds == here.bounds]


def linked_cursor(hover: Hover, here: Resolved, other: Resolved) -> Marker | None:
    """Where the cursor of the pane that shows ``here`` stands in a pane that shows ``other``; None for nowhere.

    Pictures of one grid share cells. Else, tensors of one shape share the index: the same element is marked, or the
    place it belongs to where the other picture takes that axis in whole.
    """
    row, col, *depth = hover.first
    if _share_cells(here, other):
        return Marker(row, col, 2**hover.level, "cursor", *depth)
    index = here.layout.index_at(*hover.place)
    if here.dimensions == 3 and hover.answer is not None:  # the very element that is shown there
        index = hover.answer.index
    if sheeted(here.view) is not None:  # only the answer knows it
        index = None if hover.answer is None else hover.answer.index
    if here.info.shape != other.info.shape or index is None:
        return None
    absorbed = other.view.absorbed(other.info)
    fixed = dict(other.layout.fixed)
    place = tuple(fixed.get(other.layout.virtual(a), i) if a in absorbed else i for a, i in enumerate(index))
    voxel = other.layout.voxel_of(place)
    sheet = sheeted(other.view)
    if sheet is not None and voxel is not None:
        cell = sheet.cell_of(other.layout, other.settings, voxel)
        return None if cell is None else Marker(*cell, 1, "cursor")
    return None if voxel is None else Marker(*voxel[1:], 1, "cursor", voxel[0])


def _share_cells(here: Resolved, other: Resolved) -> bool:
    """Whether a cell, or a voxel, is at the same place in both."""
    if sheeted(here.view) is not None or sheeted(other.view) is not None:
        return (here.view, here.layout, here.settings) == (other.view, other.layout, other.settings)
    deep = bool(here.layout.depth), bool(other.layout.depth)
    return deep[0] == deep[1] and here.layout.volume_shape == other.layout.volume_shape
