"""Around a cut through a volume: the outline of its plane, its handle, and the box that the volume is clipped to."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.cutting import outline
from nnscope.compute.space.perspective import eye
from nnscope.core.frame import Rect
from nnscope.render.space_furniture import clipped
from nnscope.scene.slicing import handle

if TYPE_CHECKING:
    from nnscope.compute.space.perspective import Eye
    from nnscope.core.frame import Colour, PaneFrame, SpaceFrame
    from nnscope.render.overlay import Overlay

HANDLE = 12  # logical pixels
ARROW = 22  # logical pixels from the handle's middle, along the plane's normal
_NEAR = 1e-3


def draw_cut(overlay: Overlay, pane: PaneFrame, space: SpaceFrame) -> None:
    """Add what belongs to a picture's cut and clip box, if it has them."""
    seen = eye(space.camera, space.picture.bounds, pane.picture)
    if space.clip is not None:
        _lines(overlay, pane, seen, _box_edges(np.array(space.clip)), (overlay.theme.accent, 0.5))
    if space.plane is None:
        return
    depth, height, width = space.picture.bounds
    corners = outline(space.plane, space.clip or ((0.0, 0.0, 0.0), (width, height, depth)))
    _lines(overlay, pane, seen, np.stack((corners, np.roll(corners, -1, axis=0)), 1), (overlay.theme.accent, 1.0))
    _draw_handle(overlay, pane)


def _draw_handle(overlay: Overlay, pane: PaneFrame) -> None:
    """A disc with an arrow each way along the plane's normal."""
    place = handle(pane)
    if place is None or not pane.picture.contains(place.x, place.y):
        return
    middle, length = np.array((place.x, place.y)), float(np.hypot(*place.along))
    if length > 1e-6:
        way = np.array(place.along) / length * overlay.px(ARROW)
        for colour, width in ((overlay.theme.ground, 4.0), (overlay.theme.accent, 2.0)):
            overlay.line(middle - way, middle + way, width * overlay.scale, colour)
    for colour, size in ((overlay.theme.ground, HANDLE + 2), (overlay.theme.accent, HANDLE), (overlay.theme.text, 4)):
        side = overlay.px(size)
        disc = Rect(round(place.x - side / 2), round(place.y - side / 2), side, side)
        overlay.rounded(disc, side // 2, colour)


def _lines(overlay: Overlay, pane: PaneFrame, seen: Eye, ends: np.ndarray, look: tuple[Colour, float]) -> None:
    """Lines between points (n, 2, 3), but for those that begin or end behind the eye."""
    pixels, far = seen.project(ends.reshape(-1, 3))
    pixels += (pane.picture.x, pane.picture.y)
    before = (far > _NEAR).reshape(-1, 2).all(1)
    for line in pixels.reshape(-1, 2, 2)[before]:
        part = clipped(line, pane.picture)
        if part is not None:
            overlay.line(part[0], part[1], max(1.0, 1.5 * overlay.scale), *look)


def _box_edges(box: np.ndarray) -> np.ndarray:
    corners = np.array(list(itertools.product((0, 1), repeat=3)))
    pairs = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])
    return np.asarray((box[0] + corners * (box[1] - box[0]))[pairs])
