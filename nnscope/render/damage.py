"""Which pixels differ between two frames, so that a new tile or a moved cursor costs what it covers and no more.

Most frames differ from the one before by a tile that arrived or by the marker under the pointer. The answer may be too
large, never too small: whatever else differs in a pane, a camera that moves say, makes all of that pane differ, and
what is common to all panes, or numbers in the cells, the whole frame.
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

COMMON = 4  # entries of `what_shows` before those of panes
BORDER = 8  # device pixels around a pane in which lines of its own may lie
_NOTHING = Rect(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a framebuffer holds.

    Attributes
    ----------
    frame : Frame
    setting : tuple or None
        All that its pixels depend on but for tiles and markers: `COMMON` entries for all panes, then one for each; None
        if that can't be told.
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
    if before is None or before.setting is None or after.setting is None or _laid_out(before) != _laid_out(after):
        return whole
    found, settings = _NOTHING, zip(before.setting[COMMON:], after.setting[COMMON:], strict=True)
    for old, new, (was, now) in zip(before.frame.panes, after.frame.panes, settings, strict=True):
        place = _of_pane(old, new, after.frame.scale) if was == now else _around(new.rect)
        if place is None:
            return whole
        found = found.union(place)
    return found.intersection(whole)


def _laid_out(drawn: Drawn) -> tuple[object, ...]:
    """What is common to all panes, and where they are."""
    assert drawn.setting is not None
    return (*drawn.setting[:COMMON], *(pane.rect for pane in drawn.frame.panes))


def _around(rect: Rect) -> Rect:
    """A pane with its border."""
    return Rect(rect.x - BORDER, rect.y - BORDER, rect.w + 2 * BORDER, rect.h + 2 * BORDER)


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
