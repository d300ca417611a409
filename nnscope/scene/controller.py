"""The scene's conductor: intentions in, engines asked, frames out. The window and scripts both drive this.

Every method is called on one thread (the window's); answers come back there through ``post``. Nothing here waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import Signal

from nnscope.core.answer import ControlAnswer
from nnscope.core.errors import Failure
from nnscope.core.frame import DARK, Frame, Theme
from nnscope.core.request import Control
from nnscope.core.text import plain
from nnscope.scene.drawing import Drawing, Drawn, Means
from nnscope.scene.framing import Framing, Size
from nnscope.scene.hover import Hover, HoverWork
from nnscope.scene.jobs import JobBoard, JobInfo
from nnscope.scene.knowledge import Knowledge
from nnscope.scene.knowledge import Listener as KnowledgeListener
from nnscope.scene.library import Library
from nnscope.scene.pairs import Pairs
from nnscope.scene.sessions import Listener, Sessions
from nnscope.scene.showing import showing
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
    controlled: ClassVar[SignalInstance] = Signal(str, str)  # type: ignore[assignment]
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
        heard = Listener(self._listed, self._renewed, self._grown, self._told, self.failed.emit)
        self._sessions = Sessions(self.library, self._board, self._post, heard, inline)
        self.pairs = Pairs(self.library, self._sessions, self.workspace, self.failed.emit, inline)
        told = KnowledgeListener(self._stats_came, self.spectrum_changed.emit, self.failed.emit)
        self._knowledge = Knowledge(self.library, self._board, told)
        self.timeline = Timeline(self.library, self._board, self.workspace, self._timed)
        work = (self._tiles, self._spaces)
        self._drawing = Drawing(self.workspace, self.library, self.timeline, work, self.request_stats)
        self._hover = HoverWork(self.library, self._post, self._hovered)
        self._framing = Framing(self._drawing, self._hover, self._sessions, lambda: self._post(self.redraw.emit))
        self.coarseness = 1
        self.steering = Steering(self.workspace, lambda: self._framing.drawn)
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
        """Show a tensor in a pane (the active one by default); in a comparison of sources, in all of its panes."""
        state = self.workspace.state
        together = self.pairs.chosen(state, source, address) if pane is None else None
        if together is not None:
            self.workspace.set(together)
            return
        at = state.active if pane is None else pane
        panes = list(state.panes)
        panes[at] = showing(panes[at], source, address, self.library.info(source, address))
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
        return self._framing.drawn.get(self.workspace.state.active if pane is None else pane)

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
        return self._framing.frame(Size(width, height, scale), self._theme, Means(self.coarseness, magnify))

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
        return next((i for i, d in self._framing.drawn.items() if d.place.rect.contains(x, y)), None)

    def hover(self, x: float, y: float) -> None:
        """The pointer is at a screen position: `hover_changed` follows."""
        at = self.pane_at(x, y)
        place = self._framing.place(at, x, y)
        if at is None or place is None:
            self._hover.leave()
            return
        drawn = self._framing.drawn[at]
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
        place = self._framing.place(at, x, y)
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
        if source is not None and source.listing is not None:
            self._first_picture(key, source.listing)
        self.pairs.listed(key)
        self.listing_changed.emit(key)
        self.redraw.emit()

    def _renewed(self, key: str) -> None:
        source = self.library.sources.get(key)
        if source is not None:
            source.moments.clear()
        self.timeline.forget(key)

    def _grown(self, key: str) -> None:
        self.timeline.grow(key)
        self.timeline_changed.emit(key)

    def _told(self, key: str) -> None:
        self.pairs.follow(key)
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
                self.controlled.emit(key, answer.command)
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

    # what is known -----------------------------------------------------------------------------------------

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


def first_tensor(listing: Listing) -> TensorInfo | None:
    """The tensor to show first: the first matrix or more, else the first that can be read at all."""
    readable = [t for t in listing.tensors if not t.unreadable and 0 not in t.shape]
    return next((t for t in readable if t.ndim >= 2), readable[0] if readable else None)
