"""The flat picture of a plane that is being moved: one position after the other, each drawn once all of it is there.

A plane that is dragged asks for another picture every few milliseconds. Were each to call off the one before, none
would ever come, and the pane would stay empty until the drag ends. So the one that is under way is waited for, and then
the newest is asked for, whatever came in between; meanwhile the last one is shown, with what its own legend says of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.scene.drawing import Drawing, Drawn, Means
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.state import PaneState, WorkspaceState


class Trailing:
    """What is under way for each pane that shows what a plane cuts out of a volume beside it.

    Parameters
    ----------
    drawing : Drawing
    """

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._under_way: dict[int, Resolved] = {}

    def settle(
        self, at: int, target: Drawn | None, last: Drawn | None, means: Means
    ) -> tuple[Drawn | None, Drawn | None]:
        """What is asked for, and what is drawn, by a pane that is to draw ``target`` and drew ``last``."""
        state, drawing = self._drawing.workspace.state, self._drawing
        waits = target is not None and not target.composed.frame.pictured and not drawing.complete(target)
        if target is None or not waits or not beside_plane(state, at) or not _alike(last, target):
            self._under_way.pop(at, None)
            return target, target
        pane, under_way = state.panes[at], self._under_way.get(at)
        if under_way is not None:
            held = drawing.composed(under_way, pane, target.place, means)
            if not _alike(held, target):
                under_way = None
            elif not drawing.complete(held):
                return held, self._shown(last, pane, target, means)
            else:
                last = held
        self._under_way[at] = target.resolved
        return target, self._shown(last, pane, target, means)

    def _shown(self, last: Drawn | None, pane: PaneState, target: Drawn, means: Means) -> Drawn:
        if last is None:
            return target
        shown = self._drawing.composed(last.resolved, pane, target.place, means)
        return shown if shown.composed.frame.pictured else target


def beside_plane(state: WorkspaceState, at: int) -> bool:
    """Whether a pane may follow the plane of a volume of the same tensor in another one."""
    pane = state.panes[at]
    return state.linked and any(
        i != at and other.space.cut is not None and (other.source, other.address) == (pane.source, pane.address)
        for i, other in enumerate(state.panes)
    )


def _alike(one: Drawn | None, other: Drawn) -> bool:
    """Whether two pictures are flat ones of one tensor, and of the same content."""
    if one is None:
        return False
    a, b = one.resolved, other.resolved
    same = (a.source, a.info.address, a.version) == (b.source, b.info.address, b.version)
    return same and a.dimensions == b.dimensions == 2
