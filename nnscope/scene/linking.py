"""Linked panes: one camera for pictures of the same grid, one cursor for tensors of the same shape or grid. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.frame import Marker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.scene.hover import Hover
    from nnscope.scene.resolve import Resolved


def camera_partners(at: int, panes: Mapping[int, Resolved]) -> list[int]:
    """The panes that look where pane ``at`` looks: those whose picture has the same rows and columns, and depth."""
    here = panes[at]
    shape = here.layout.volume_shape
    return [i for i, p in panes.items() if p.dimensions == here.dimensions and p.layout.volume_shape == shape]


def linked_cursor(hover: Hover, here: Resolved, other: Resolved) -> Marker | None:
    """Where the cursor of the pane that shows ``here`` stands in a pane that shows ``other``; None for nowhere.

    Pictures of one grid share cells. Else, tensors of one shape share the index: the same element is marked, or the
    place it belongs to where the other picture takes that axis in whole.
    """
    side = 2**hover.level
    row, col = hover.row * side, hover.col * side
    if here.grid == other.grid:
        return Marker(row, col, side, "cursor")
    index = here.layout.index_at(row, col)
    if here.info.shape != other.info.shape or index is None:
        return None
    absorbed = other.view.absorbed(other.info)
    fixed = dict(other.layout.fixed)
    place = tuple(fixed.get(other.layout.virtual(a), i) if a in absorbed else i for a, i in enumerate(index))
    cell = other.layout.cell_of(place)
    return None if cell is None else Marker(*cell, 1, "cursor")
