"""The frame: every pane with its picture and markers, what it says when empty, and what is asked for meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.frame import Frame, Marker, PaneFrame, Theme
from nnscope.core.text import plain
from nnscope.scene.compose import marked
from nnscope.scene.linking import linked_cursor
from nnscope.scene.panes import places
from nnscope.scene.pick import place_under
from nnscope.scene.trailing import Trailing

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.space_picture import Picked
    from nnscope.scene.compose import Place
    from nnscope.scene.drawing import Drawing, Drawn, Means
    from nnscope.scene.hover import HoverWork
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.sessions import Sessions
    from nnscope.scene.state import PaneState


@dataclass(frozen=True, slots=True)
class Size:
    """Of a canvas in device pixels, and how many of them a logical pixel has a side."""

    width: int
    height: int
    scale: float = 1.0


class Framing:
    """Puts frames together, and keeps what the last one drew.

    Parameters
    ----------
    drawing : Drawing
    hover : HoverWork
    sessions : Sessions
    again : callable
        Has a frame drawn once more, soon.

    Attributes
    ----------
    drawn : dict of int to Drawn
        By pane, what it last drew.
    """

    def __init__(self, drawing: Drawing, hover: HoverWork, sessions: Sessions, again: Callable[[], None]) -> None:
        self.drawn: dict[int, Drawn] = {}
        self._drawing = drawing
        self._hover = hover
        self._sessions = sessions
        self._again = again
        self._trailing = Trailing(drawing)

    def frame(self, size: Size, theme: Theme, means: Means) -> Frame:
        """What the canvas draws now; asks engines for what is missing."""
        means = replace(means, theme=theme.name)
        state = self._drawing.workspace.state
        drawn: dict[int, Drawn] = {}
        asked: dict[int, Drawn] = {}
        panes: list[PaneFrame] = []
        rooms = places(size.width, size.height, len(state.panes), size.scale)
        for i, (pane, place) in enumerate(zip(state.panes, rooms, strict=True)):
            last = self.drawn.get(i)
            target, trailing = self._trailing.settle(i, self._drawing.target(pane, place, means), last, means)
            ready = self._drawing.ready(pane, trailing, last, means)
            asked |= {i: target} if target is not None else {}
            drawn |= {i: ready} if ready is not None else {}
            panes.append(self._pane_frame(i, pane, place, ready))
        before, self.drawn = self.drawn, drawn
        if any(shown.composed.frame.pictured for shown in before.values()):
            self._sessions.seen()
        self._want(asked, before)
        return Frame(size.width, size.height, tuple(panes), theme, size.scale)

    def place(self, pane: int | None, x: float, y: float) -> Picked | None:
        """What is under a screen position."""
        drawn = self.drawn.get(pane) if pane is not None else None
        if drawn is None or not drawn.picture.contains(x, y):
            return None
        return place_under(drawn.resolved, drawn.composed, x + 0.5, y + 0.5)

    def _pane_frame(self, index: int, pane: PaneState, place: Place, ready: Drawn | None) -> PaneFrame:
        state = self._drawing.workspace.state
        active = index == state.active and len(state.panes) > 1
        if ready is None:
            return PaneFrame(place.rect, place.picture, message=self._empty(pane), active=active)
        shown = marked(ready.composed.frame, self._markers(index, pane, ready.resolved), active)
        return self._drawing.told_why(shown, ready.composed)

    def _want(self, drawn: dict[int, Drawn], before: dict[int, Drawn]) -> None:
        """Ask for what is missing. Passes over all of a large tensor wait until a first look of it is on the screen."""
        drawing = self._drawing
        keys = []
        for i, shown in drawn.items():
            resolved = shown.resolved
            seen = not resolved.large or _showed(before.get(i), resolved)
            if not resolved.refusal and not resolved.view.coloured:
                drawing.request_stats(resolved.source, resolved.info.address, seen)
            keys += [key for key in shown.composed.missing if seen or not key.exact]
            if not seen and shown.composed.frame.pictured:
                self._again()
        drawing.tiles.want(tuple(dict.fromkeys(keys)))
        drawing.spaces.want({s.composed.wanted for s in drawn.values() if s.composed.wanted is not None})

    def _markers(self, index: int, pane: PaneState, resolved: Resolved) -> tuple[Marker, ...]:
        markers = []
        if pane.pin is not None:
            row, col, *depth = pane.pin
            markers.append(Marker(row, col, 1, "pin", *depth))
        hover = self._hover.current
        if hover is None or not (hover.pane == index or self._drawing.workspace.state.linked):
            return tuple(markers)
        here = self.drawn.get(hover.pane)
        cursor = linked_cursor(hover, here.resolved, resolved) if here is not None else None
        return (*markers, cursor) if cursor is not None else tuple(markers)

    def _empty(self, pane: PaneState) -> str:
        timeline = self._drawing.timeline
        if pane.source in self._sessions.opening:
            return f"Opening {plain(pane.source, 96)} …"
        if timeline.stepped(pane.source) is not None:
            return timeline.absence(self._drawing.workspace.state, pane) or "Reading …"
        if pane.address:
            return f"{plain(pane.address, 96)} is not open any more."
        return "Choose a tensor in the list on the left."


def _showed(drawn: Drawn | None, resolved: Resolved) -> bool:
    """Whether a pane's last frame had a picture of this very tensor."""
    if drawn is None or not drawn.composed.frame.pictured:
        return False
    return (drawn.resolved.source, drawn.resolved.info.address) == (resolved.source, resolved.info.address)
