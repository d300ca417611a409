"""The scene's conductor: intentions in, engines asked, frames out. The window and scripts both drive this.

Every method is called on one thread (the window's); answers come back there through ``post``. Nothing here waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal

from nnscope.core.answer import ControlAnswer
from nnscope.core.errors import Failure
from nnscope.core.frame import DARK, Frame, Marker, PaneFrame, Theme
from nnscope.core.request import Control
from nnscope.core.text import plain
from nnscope.scene.compose import marked
from nnscope.scene.drawing import Drawing, Drawn, Means
from nnscope.scene.hover import Hover, HoverWork
from nnscope.scene.jobs import JobBoard, JobInfo
from nnscope.scene.knowledge import Knowledge
from nnscope.scene.knowledge import Listener as KnowledgeListener
from nnscope.scene.library import Library
from nnscope.scene.linking import linked_cursor
from nnscope.scene.panes import places
from nnscope.scene.pick import place_under
from nnscope.scene.sessions import Listener, Sessions
from nnscope.scene.slicing import follow
from nnscope.scene.spacework import SpaceWork
from nnscope.scene.steering import Steering
from nnscope.scene.tilework import TileWork
from nnscope.scene.timeline import Timeline
from nnscope.scene.workspace import Workspace
from nnscope.views.registry import views

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance

    from nnscope.core.layout import Layout
    from nnscope.core.request import Scalar
    from nnscope.core.space_picture import Picked
    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.engine.protocol import Engine
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.state import PaneState


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """An entry of the view menu; ``refusal`` says why it is greyed out."""

    name: str
    title: str
    refusal: str


class Controller:
    """See the module docstring and each method.

    Parameters
    ----------
    post : callable or None
        Runs a function on the controlling thread. None runs it at once, for ``inline``.
    inline : bool
        Answer everything within the call (scripts, tests): no threads, no model process.

    Attributes
    ----------
    coarseness : int
        Device pixels a side for which pictures in space get one ray; 1 is exact, more is for moving pictures.
    """

    redraw: ClassVar[SignalInstance] = Signal()  # type: ignore[assignment]
    listing_changed: ClassVar[SignalInstance] = Signal(str)  # type: ignore[assignment]
    stats_changed: ClassVar[SignalInstance] = Signal(str, str)  # type: ignore[assignment]
    spectrum_changed: ClassVar[SignalInstance] = Signal(str, str)  # type: ignore[assignment]
    hover_changed: ClassVar[SignalInstance] = Signal(object)  # type: ignore[assignment]
    jobs_changed: ClassVar[SignalInstance] = Signal()  # type: ignore[assignment]
    failed: ClassVar[SignalInstance] = Signal(object)  # type: ignore[assignment]
    status_changed: ClassVar[SignalInstance] = Signal(str)  # type: ignore[assignment]
    timeline_changed: ClassVar[SignalInstance] = Signal(str)  # type: ignore[assignment]

    def __init__(self, post: Callable[[Callable[[], None]], None] | None = None, inline: bool = False) -> None:
        self._post_raw = post or (lambda run: run())
        self._closed = False
        self.workspace = Workspace()
        self.library = Library()
        self._theme = DARK
        self._board = JobBoard(self._post, self.jobs_changed.emit)
        self._tiles = TileWork(self.library, self._board, self.redraw.emit, self.failed.emit)
        self._spaces = SpaceWork(self.library, self._board, self.redraw.emit, self.failed.emit)
        self._sessions = Sessions(
            self.library, self._board, self._post, Listener(self._listed, self._told, self.failed.emit), inline
        )
        told = KnowledgeListener(self._stats_came, self.spectrum_changed.emit, self.failed.emit)
        self._knowledge = Knowledge(self.library, self._board, told)
        self.timeline = Timeline(self.library, self._board, self.workspace, self._timed)
        work = (self._tiles, self._spaces)
        self._drawing = Drawing(self.workspace, self.library, self.timeline, work, self.request_stats)
        self._hover = HoverWork(self.library, self._post, self._hovered)
        self._drawn: dict[int, Drawn] = {}
        self.coarseness = 1
        self.steering = Steering(self.workspace, lambda: self._drawn)
        self.workspace.complete = lambda old, new: follow(old, new, self._volume_layout)
        self.workspace.changed.connect(lambda: self.redraw.emit())

    # sources ------------------------------------------------------------------------------------------------

    def open(self, path: str) -> str:
        """Start opening ``path``; its key is returned at once, `listing_changed` or `failed` follows."""
        return self._sessions.open(path)

    def adopt(self, key: str, engine: Engine) -> None:
        """Show what an engine made elsewhere holds, under ``key``."""
        self._sessions.adopt(key, engine)

    def close_source(self, key: str) -> None:
        """Close a source; panes that show it become empty."""
        self._sessions.close_source(key)

    def restart(self, key: str) -> None:
        """Start a dead model process again."""
        self._sessions.restart(key)

    def is_opening(self, key: str) -> bool:
        """Whether a stage of this source is still to come."""
        return key in self._sessions.opening

    def control(self, key: str, command: str, **arguments: Scalar) -> None:
        """Send a command to a live model (see `core.request.Control`)."""
        source = self.library.sources.get(key)
        if source is None or source.dead:
            return
        request = Control(command, tuple(sorted(arguments.items())))
        self._board.send(source.engine, request, f"{command.capitalize()} {plain(key, 64)}", key, self._controlled(key))

    # choosing -----------------------------------------------------------------------------------------------

    def show(self, source: str, address: str, pane: int | None = None) -> None:
        """Show a tensor in a pane (the active one by default)."""
        state = self.workspace.state
        at = state.active if pane is None else pane
        panes = list(state.panes)
        panes[at] = panes[at].showing(source, address)
        self.workspace.set(replace(state, panes=tuple(panes), active=at))

    def step_tensor(self, by: int) -> None:
        """Show the next (or previous) tensor of the listing."""
        pane = self.workspace.pane
        source = self.library.sources.get(pane.source)
        if source is None or not source.infos:
            return
        names = list(source.infos)
        at = names.index(pane.address) if pane.address in source.infos else -by
        self.show(pane.source, names[(at + by) % len(names)])

    def split(self, panes: int) -> None:
        """Show 1, 2 or 4 panes; new ones begin as the active one."""
        state = self.workspace.state
        kept = state.panes[:panes]
        if state.active >= panes:
            kept = (state.pane, *kept[1:])
        filled = kept + (state.pane,) * (panes - len(kept))
        self.workspace.set(replace(state, panes=filled, active=min(state.active, panes - 1) if panes > 1 else 0))

    def toggle_scientific(self) -> None:
        """Switch scientific mode."""
        state = self.workspace.state
        self.workspace.set(replace(state, scientific=not state.scientific))

    def views_for(self, pane: int | None = None) -> list[ViewChoice]:
        """The view menu for a pane's tensor."""
        state = self.workspace.state
        info = self._info(state.panes[state.active if pane is None else pane])
        return [ViewChoice(v.name, v.title, self._refusal(v, info, state.scientific)) for v in views()]

    def resolved(self, pane: int | None = None) -> Resolved | None:
        """What a pane shows, complete; None when it is empty."""
        state = self.workspace.state
        return self._drawing.resolve(state.panes[state.active if pane is None else pane], self._theme.name)

    def drawn(self, pane: int | None = None) -> Drawn | None:
        """What a pane last drew, with the facts of its picture."""
        return self._drawn.get(self.workspace.state.active if pane is None else pane)

    def set_limits(self, lo: float, hi: float) -> None:
        """Raw values at both ends of the colour scale of the active pane."""
        if lo < hi:
            self.workspace.update_pane(merge="limits", limits=(lo, hi))

    def reset_limits(self) -> None:
        """Back to the normalisation's own domain."""
        self.workspace.update_pane(limits=None)

    def request_stats(self, source: str, address: str, exact: bool = False) -> None:
        """Have statistics computed unless they are there; `stats_changed` follows.

        Large tensors give a labelled sample first, and all their values only when ``exact``.
        """
        self._knowledge.request_stats(source, address, exact)

    def request_spectrum(self, pane: int | None = None, k: int = 64) -> None:
        """Have the largest singular values of a pane's tensor computed; `spectrum_changed` follows."""
        state = self.workspace.state
        shown = state.panes[state.active if pane is None else pane]
        address = self.timeline.moment(state, shown)
        if address is not None:
            self._knowledge.request_spectrum(shown.source, address, k)

    # looking ------------------------------------------------------------------------------------------------

    @property
    def theme(self) -> Theme:
        """Colours of the canvas furniture."""
        return self._theme

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._theme = theme
        self.redraw.emit()

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way: the picture won't change by itself."""
        return not self._board.infos and not self._sessions.opening

    @property
    def jobs(self) -> list[JobInfo]:
        """Jobs under way, oldest first."""
        return self._board.infos

    def frame(self, width: int, height: int, scale: float = 1.0, magnify: float = 1.0) -> Frame:
        """What the canvas draws now; asks engines for what is missing.

        A picture larger than the canvas by ``magnify`` shows the same cells, each so much larger.
        """
        state = self.workspace.state
        means = Means(self.coarseness, magnify, self._theme.name)
        drawn: dict[int, Drawn] = {}
        asked: dict[int, Drawn] = {}
        panes: list[PaneFrame] = []
        for i, (pane, place) in enumerate(
            zip(state.panes, places(width, height, len(state.panes), scale), strict=True)
        ):
            target = self._drawing.target(pane, place, means)
            ready = self._drawing.ready(pane, target, self._drawn.get(i), means)
            asked |= {i: target} if target is not None else {}
            if ready is None:
                panes.append(PaneFrame(place.rect, place.picture, message=self._empty(pane), active=self._is_active(i)))
                continue
            drawn[i] = ready
            shown = marked(ready.composed.frame, self._markers(i, pane, ready.resolved), self._is_active(i))
            panes.append(self._drawing.told_why(shown, ready.composed))
        before, self._drawn = self._drawn, drawn
        if any(shown.composed.frame.pictured for shown in before.values()):
            self._sessions.seen()
        self._want(asked, before)
        return Frame(width, height, tuple(panes), self._theme, scale)

    @property
    def in_time(self) -> bool:
        """Whether the active pane shows the step that was chosen for its run: nothing of it is on its way."""
        address, drawn = self.timeline.moment(self.workspace.state, self.workspace.pane), self.drawn()
        return address is None or drawn is None or drawn.resolved.info.address == address

    def pan(self, dx: float, dy: float, pane: int | None = None) -> None:
        """Drag the picture by device pixels."""
        self.steering.pan(dx, dy, self.workspace.state.active if pane is None else pane)

    def zoom(self, x: float, y: float, factor: float) -> None:
        """Zoom the pane under a screen position about that position."""
        at = self.pane_at(x, y)
        if at is not None:
            self.steering.zoom((x, y), factor, at)

    def reset_camera(self) -> None:
        """Fit the picture into its pane."""
        self.steering.reset(self.workspace.state.active)

    def pane_at(self, x: float, y: float) -> int | None:
        """The pane that has a tensor under a screen position."""
        return next((i for i, d in self._drawn.items() if d.place.rect.contains(x, y)), None)

    def hover(self, x: float, y: float) -> None:
        """The pointer is at a screen position: `hover_changed` follows."""
        at = self.pane_at(x, y)
        place = self._place(at, x, y)
        if at is None or place is None:
            self._hover.leave()
            return
        drawn = self._drawn[at]
        self._hover.move(at, drawn.resolved, place)

    def leave(self) -> None:
        """The pointer left the canvas."""
        self._hover.leave()

    def click(self, x: float, y: float) -> None:
        """Activate the pane, pin the cell, ask for the singular values of a matrix."""
        at = self.pane_at(x, y)
        if at is None:
            return
        state = replace(self.workspace.state, active=at)
        place = self._place(at, x, y)
        self.workspace.set(state.with_pane(at, pin=place.place) if place is not None else state)
        if place is not None:
            self.request_spectrum(at)

    def activate(self, pane: int) -> None:
        """Make a pane the active one."""
        self.workspace.set(replace(self.workspace.state, active=pane))

    def close(self) -> None:
        """End all engines and threads. Idempotent."""
        if not self._closed:
            self._closed = True
            self._sessions.close()
            self.library.tiles.clear()
            self.library.spaces.clear()

    # what comes back ----------------------------------------------------------------------------------------

    def _post(self, run: Callable[[], None]) -> None:
        def guarded() -> None:
            if not self._closed:
                run()

        self._post_raw(guarded)

    def _listed(self, key: str) -> None:
        source = self.library.sources.get(key)
        self.timeline.forget(key)
        if source is not None and source.listing is not None:
            self._first_picture(key, source.listing)
        self.listing_changed.emit(key)
        self.redraw.emit()

    def _told(self, key: str) -> None:
        self.status_changed.emit(key)
        self.redraw.emit()

    def _first_picture(self, key: str, listing: Listing) -> None:
        if not self.workspace.pane.address or self.workspace.pane.source not in self.library.sources:
            first = first_tensor(listing)
            if first is not None:
                self.show(key, first.address)

    def _controlled(self, key: str) -> Callable[[Any], None]:
        def take(answer: Any) -> None:
            source = self.library.sources.get(key)
            if isinstance(answer, Failure):
                self.failed.emit(answer)
            elif isinstance(answer, ControlAnswer) and source is not None:
                source.status.update(answer.result)
                self._sessions.relist(key)
            self.status_changed.emit(key)

        return take

    def _timed(self, key: str) -> None:
        self.timeline_changed.emit(key)
        self.redraw.emit()

    def _stats_came(self, source: str, address: str) -> None:
        self.stats_changed.emit(source, address)
        self.redraw.emit()

    def _hovered(self, hover: Hover | None) -> None:
        self.hover_changed.emit(hover)
        self.redraw.emit()

    # composing ----------------------------------------------------------------------------------------------

    def _want(self, drawn: dict[int, Drawn], before: dict[int, Drawn]) -> None:
        """Ask for what is missing. Passes over all of a large tensor wait until a first look of it is on the screen."""
        keys = []
        for i, shown in drawn.items():
            resolved = shown.resolved
            seen = not resolved.large or _showed(before.get(i), resolved)
            if not resolved.refusal and not resolved.view.coloured:
                self.request_stats(resolved.source, resolved.info.address, exact=seen)
            keys += [key for key in shown.composed.missing if seen or not key.exact]
            if not seen and shown.composed.frame.pictured:
                self._post(self.redraw.emit)
        self._tiles.want(tuple(dict.fromkeys(keys)))
        self._spaces.want({s.composed.wanted for s in drawn.values() if s.composed.wanted is not None})

    def _markers(self, index: int, pane: PaneState, resolved: Resolved) -> tuple[Marker, ...]:
        markers = []
        if pane.pin is not None:
            row, col, *depth = pane.pin
            markers.append(Marker(row, col, 1, "pin", *depth))
        hover = self._hover.current
        if hover is None or not (hover.pane == index or self.workspace.state.linked):
            return tuple(markers)
        here = self._drawn.get(hover.pane)
        cursor = linked_cursor(hover, here.resolved, resolved) if here is not None else None
        return (*markers, cursor) if cursor is not None else tuple(markers)

    def _place(self, pane: int | None, x: float, y: float) -> Picked | None:
        """What is under a screen position."""
        drawn = self._drawn.get(pane) if pane is not None else None
        if drawn is None or not drawn.place.picture.contains(x, y):
            return None
        return place_under(drawn.resolved, drawn.composed, x + 0.5, y + 0.5)

    def _volume_layout(self, pane: PaneState) -> Layout | None:
        """The layout of a pane that can show a cut; None for any other."""
        resolved = self._drawing.resolve(pane, self._theme.name)
        return resolved.layout if resolved is not None and resolved.space.cut is not None else None

    def _info(self, pane: PaneState) -> TensorInfo | None:
        return self.library.info(pane.source, pane.address)

    def _refusal(self, view: Any, info: TensorInfo | None, scientific: bool) -> str:
        if info is None:
            return "Nothing is shown yet."
        if scientific and view.aesthetic:
            return f"Not in scientific mode: {view.aesthetic}"
        return str(view.refuses(info))

    def _empty(self, pane: PaneState) -> str:
        if pane.source in self._sessions.opening:
            return f"Opening {plain(pane.source, 96)} …"
        if self.timeline.run(pane.source) is not None:
            return self.timeline.absence(self.workspace.state, pane) or "Reading …"
        if pane.address:
            return f"{plain(pane.address, 96)} is not open any more."
        return "Choose a tensor in the list on the left."

    def _is_active(self, index: int) -> bool:
        return index == self.workspace.state.active and len(self.workspace.state.panes) > 1


def _showed(drawn: Drawn | None, resolved: Resolved) -> bool:
    """Whether a pane's last frame had a picture of this very tensor."""
    if drawn is None or not drawn.composed.frame.pictured:
        return False
    return (drawn.resolved.source, drawn.resolved.info.address) == (resolved.source, resolved.info.address)


def first_tensor(listing: Listing) -> TensorInfo | None:
    """The tensor to show first: the first matrix or more, else the first that can be read at all."""
    readable = [t for t in listing.tensors if not t.unreadable and 0 not in t.shape]
    return next((t for t in readable if t.ndim >= 2), readable[0] if readable else None)
