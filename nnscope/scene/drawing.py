"""What each pane draws: its tensor at the step chosen for its run, or what it drew last while that is on its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.scene import camera as cameras
from nnscope.scene.compose import Composed, Place, compose
from nnscope.scene.compose_space import compose_space
from nnscope.scene.resolve import Resolved, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.scene.library import Library
    from nnscope.scene.spacework import SpaceWork
    from nnscope.scene.state import PaneState
    from nnscope.scene.tilework import TileWork
    from nnscope.scene.timeline import Timeline
    from nnscope.scene.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a pane last drew: the way from a screen position back to the tensor."""

    place: Place
    resolved: Resolved
    composed: Composed

    @property
    def picture(self) -> Rect:
        """The part of the canvas that its picture fills: that of its place less what names of rows take."""
        return self.composed.frame.picture


@dataclass(frozen=True, slots=True)
class Means:
    """How panes are drawn: device pixels a side for one ray, magnification, and the name of the theme."""

    coarseness: int = 1
    magnify: float = 1.0
    theme: str = "dark"


class Drawing:
    """From panes to what they draw.

    Parameters
    ----------
    workspace : Workspace
    library : Library
    timeline : Timeline
    work : (TileWork, SpaceWork)
        They know what can't be built.
    request_stats : callable
        Has statistics of (source, address) computed; all values of a large tensor only if the third is true.
    """

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        timeline: Timeline,
        work: tuple[TileWork, SpaceWork],
        request_stats: Callable[[str, str, bool], None],
    ) -> None:
        self.workspace = workspace
        self.library = library
        self.timeline = timeline
        self.tiles, self.spaces = work
        self.request_stats = request_stats

    def resolve(self, pane: PaneState, theme: str, address: str = "") -> Resolved | None:
        """What a pane shows at the step chosen for its run, or at ``address``; None when it isn't known (yet)."""
        state, timeline = self.workspace.state, self.timeline
        shown = address or timeline.moment(state, pane)
        if shown is None:
            return None
        if shown != pane.address:
            timeline.know(pane.source, shown)
            self.request_stats(pane.source, pane.address, False)
        fixed = timeline.fixed(state, pane, shown)
        return resolve(replace(pane, address=shown), state.scientific, self.library, theme, fixed)

    def target(self, pane: PaneState, place: Place, means: Means, address: str = "") -> Drawn | None:
        """What a pane is to draw, with what is missing for it."""
        resolved = self.resolve(pane, means.theme, address)
        return None if resolved is None else self.composed(resolved, pane, place, means)

    def composed(self, resolved: Resolved, pane: PaneState, place: Place, means: Means) -> Drawn:
        """What a pane draws of what was resolved for it, with what is missing."""
        if resolved.dimensions == 3:
            composed = compose_space(resolved, pane.orbit, place, self.library.spaces, means.coarseness)
        else:
            composed = compose(resolved, cameras.magnified(pane.camera, means.magnify), place, self.library.tiles)
        return Drawn(place, resolved, composed)

    def ready(self, pane: PaneState, target: Drawn | None, last: Drawn | None, means: Means) -> Drawn | None:
        """What is drawn: the target, or while a step of a run is on its way the one that was drawn last."""
        if last is None or self.timeline.stepped(pane.source) is None or self.complete(target):
            return target
        if not self._on_its_way(pane, last.resolved):
            return target
        place = last.place if target is None else target.place
        held = self.target(pane, place, means, last.resolved.info.address)
        return held if held is not None and held.composed.frame.pictured else target

    def told_why(self, frame: PaneFrame, composed: Composed) -> PaneFrame:
        """A pane that will stay empty says why."""
        if frame.pictured or not (composed.missing or composed.wanted):
            return frame
        failures = [self.tiles.broken(key) for key in composed.missing]
        failures += [self.spaces.broken(composed.wanted)] if composed.wanted is not None else []
        return replace(frame, message=str(failures[0])) if failures[0] is not None else frame

    def _on_its_way(self, pane: PaneState, last: Resolved) -> bool:
        """Whether what was drawn last is another step of the pane's tensor, and its own is still to come."""
        address = last.info.address
        same = address == pane.address or address.rpartition("@")[0] == pane.address
        if not same or last.source != pane.source:
            return False
        return not self.timeline.refused(pane.source, self.timeline.moment(self.workspace.state, pane))

    def complete(self, target: Drawn | None) -> bool:
        """Whether nothing more will come for a picture."""
        if target is None:
            return False
        composed = target.composed
        if not composed.missing and composed.wanted is None:
            return composed.frame.pictured or bool(target.resolved.refusal)
        broken = [self.tiles.broken(key) for key in composed.missing]
        return any(broken) or (composed.wanted is not None and self.spaces.broken(composed.wanted) is not None)
