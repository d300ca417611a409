"""Which pixels differ between two frames, so that a new tile or a moved cursor costs what it covers and no more.

Most frames differ from the one before by a tile that arrived or by the marker under the pointer. The answer may be too
large, never too small: whatever isn't a tile or a marker, numbers in the cells included, makes the whole frame differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.frame import Rect
from nnscope.render.furniture import marker_place, what_shows
from nnscope.render.placement import axes
from nnscope.render.spaces import space_identity
from nnscope.render.tiles import Placing, drawable

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from nnscope.core.frame import Frame, PaneFrame, PlacedTile

_NOTHING = Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a framebuffer holds.

    Attributes
    ----------
    frame : Frame
    setting : tuple or None
        All that its pixels depend on but for tiles and markers; None if that can't be told.
    """

    frame: Frame
    setting: tuple[object, ...] | None

    @classmethod
    def of(cls, frame: Frame) -> Drawn:
        """The record of a frame."""
        return cls(frame, what_shows(replace(frame, panes=tuple(replace(p, markers=()) for p in frame.panes))))


def damage(before: Drawn | None, after: Drawn) -> Rect:
    """A rectangle that holds every pixel of ``after`` that may differ from those of ``before``."""
    whole = Rect(0, 0, after.frame.width, after.frame.height)
    if before is None or after.setting is None or before.setting != after.setting:
        return whole
    found = _NOTHING
    for old, new in zip(before.frame.panes, after.frame.panes, strict=True):
        place = _of_pane(old, new, after.frame.scale)
        if place is None:
            return whole
        found = found.union(place)
    return found.intersection(whole)


def _of_pane(old: PaneFrame, new: PaneFrame, scale: float) -> Rect | None:
    """None when tiles that stayed are drawn in another order."""
    was, now = ({_identity(tile): tile for tile in drawable(pane)} for pane in (old, new))
    if [key for key in was if key in now] != [key for key in now if key in was]:
        return None
    changed = [tile for tiles, others in ((was, now), (now, was)) for key, tile in tiles.items() if key not in others]
    found = _tiles_place(new, changed).union(_space_place(old, new))
    for marker in set(old.markers) ^ set(new.markers):
        found = found.union(new.picture if new.space is not None else marker_place(new, marker, scale))
    return found


def _space_place(old: PaneFrame, new: PaneFrame) -> Rect:
    """The picture, when its volume is another one or is looked at in another way."""
    return _NOTHING if space_identity(old) == space_identity(new) else new.picture


def _identity(placed: PlacedTile) -> Hashable:
    return placed.key, placed.level, placed.tile.row, placed.tile.col


def _tiles_place(pane: PaneFrame, tiles: Sequence[PlacedTile]) -> Rect:
    found = _NOTHING
    if tiles:
        placing = Placing(*axes(pane))
        for tile in tiles:
            found = found.union(placing.place(tile))
    return found
