"""What is under a pixel: a cell, or what a picture of three dimensions shows there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.space_picture import Picked
from nnscope.scene.camera import cell_at

if TYPE_CHECKING:
    from nnscope.scene.compose import Composed
    from nnscope.scene.resolve import Resolved


def place_under(resolved: Resolved, composed: Composed, x: float, y: float) -> Picked | None:
    """What a pane shows at a screen position inside its picture, in device pixels; None for nothing."""
    frame = composed.frame
    if resolved.space_view is not None and frame.space is not None:
        return resolved.space_view.pick(frame, x, y)
    if composed.camera is None:
        return None
    across, down = cell_at(composed.camera, frame.picture, x, y)
    rows, cols = frame.grid
    inside = 0 <= down < rows and 0 <= across < cols
    return Picked((int(down), int(across)), composed.level) if inside else None
