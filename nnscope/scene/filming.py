"""What the canvas shows, at other steps and from other sides, while the canvas goes on: the pictures of a film."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Frame, Marker, PaneFrame
from nnscope.scene.compose import marked
from nnscope.scene.drawing import Drawing, Drawn, Means
from nnscope.scene.jobs import JobBoard
from nnscope.scene.knowledge import Knowledge, Listener
from nnscope.scene.panes import places
from nnscope.scene.spacework import SpaceWork
from nnscope.scene.tilework import TileWork
from nnscope.scene.timeline import Timeline
from nnscope.scene.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.errors import Failure
    from nnscope.core.frame import Theme
    from nnscope.core.picture import Step
    from nnscope.core.space import Camera3D
    from nnscope.scene.compose import Place
    from nnscope.scene.library import Library
    from nnscope.scene.shots import Shot
    from nnscope.scene.state import PaneState, WorkspaceState


READING = "Reading …"  # what a pane says while its values are on their way


@dataclass(frozen=True, slots=True)
class Screen:
    """How pictures are drawn.

    Attributes
    ----------
    width, height : int
        In pixels.
    scale : float
        Pixels per logical pixel: text and lines grow with it.
    magnify : float
        How much larger than on the canvas a cell is.
    theme : Theme
    """

    width: int
    height: int
    scale: float
    magnify: float
    theme: Theme


class Filming:
    """Composes pictures of one state of the workspace, as it was when the film began.

    Parameters
    ----------
    library : Library
        That of the window: what is open, and what is known of it.
    post : callable
        Runs a function on the window's thread.
    state : WorkspaceState
    camera : Camera3D or None
        From where the active pane is seen, if it is a picture in space: what `Shot.turn` turns.
    """

    def __init__(
        self,
        library: Library,
        post: Callable[[Callable[[], None]], None],
        state: WorkspaceState,
        camera: Camera3D | None = None,
    ) -> None:
        self._library = library
        self._post_raw = post
        self._first, self._camera = state, camera
        self._closed = False
        self._failure: Failure | None = None
        self._workspace = Workspace(state)
        self._board = JobBoard(self._post, lambda: None)
        self._timeline = Timeline(library, self._board, self._workspace, lambda source: None)
        tell = Listener(lambda *_: None, lambda *_: None, self._failed)
        self._knowledge = Knowledge(library, self._board, tell)
        tiles = TileWork(library, self._board, _nothing, self._failed)
        spaces = SpaceWork(library, self._board, _nothing, self._failed)
        ask = self._knowledge.request_stats
        self._drawing = Drawing(self._workspace, library, self._timeline, (tiles, spaces), ask)
        self._last: Drawn | None = None

    def frame(self, shot: Shot, screen: Screen) -> Frame | None:
        """The picture of a shot; None while parts of it are on their way.

        Raises
        ------
        NnscopeError
            If a part of it can't be had.
        """
        self._look(shot)
        state, means = self._workspace.state, Means(1, screen.magnify, screen.theme.name)
        rooms = places(screen.width, screen.height, len(state.panes), screen.scale)
        pairs = list(zip(state.panes, rooms, strict=True))
        targets = [self._drawing.target(pane, place, means) for pane, place in pairs]
        self._want([target for target in targets if target is not None])
        if self._failure is not None:
            raise NnscopeError(self._failure.what, self._failure.where, self._failure.remedy)
        panes = [self._pane(at, place, targets[at]) for at, (_, place) in enumerate(pairs)]
        if self._board.infos or any(map(_incomplete, targets)) or any(pane.message == READING for pane in panes):
            return None
        self._last = targets[state.active]
        return Frame(screen.width, screen.height, tuple(panes), screen.theme, screen.scale)

    @property
    def recipe(self) -> tuple[Step, ...]:
        """From the tensor of the active pane to the screen, as it was last composed."""
        last = self._last
        return () if last is None else last.resolved.recipe(last.composed.picture)

    def close(self) -> None:
        """Ask for nothing more. Idempotent."""
        self._closed = True
        for job in self._board.infos:
            job.cancel()

    def _look(self, shot: Shot) -> None:
        state = self._first
        if shot.step is not None:
            state = self._timeline.at_step(state, shot.step)
        if shot.turn and self._camera is not None:
            turned = replace(self._camera, azimuth=self._camera.azimuth + shot.turn)
            state = state.with_pane(state.active, orbit=turned)
        self._workspace.set(state, "film")

    def _want(self, targets: list[Drawn]) -> None:
        """Ask for what is missing, all of it exact."""
        for resolved in (target.resolved for target in targets):
            if not resolved.refusal and not resolved.view.coloured:
                self._knowledge.request_stats(resolved.source, resolved.info.address, True)
        missing = (key for target in targets for key in target.composed.missing)
        self._drawing.tiles.want(tuple(dict.fromkeys(missing)))
        wanted = {target.composed.wanted for target in targets}
        self._drawing.spaces.want({key for key in wanted if key is not None})

    def _pane(self, at: int, place: Place, target: Drawn | None) -> PaneFrame:
        state = self._workspace.state
        pane = state.panes[at]
        if target is None:
            message = self._timeline.absence(state, pane) if pane.address else ""
            return PaneFrame(place.rect, place.picture, message=message)
        return marked(target.composed.frame, _pins(pane), at == state.active and len(state.panes) > 1)

    def _failed(self, failure: Failure) -> None:
        self._failure = self._failure or failure

    def _post(self, run: Callable[[], None]) -> None:
        def guarded() -> None:
            if not self._closed:
                run()

        self._post_raw(guarded)


def _incomplete(target: Drawn | None) -> bool:
    return target is not None and bool(target.composed.missing or target.composed.wanted)


def _nothing() -> None:
    """What has come is seen when the picture is composed again."""


def _pins(pane: PaneState) -> tuple[Marker, ...]:
    if pane.pin is None:
        return ()
    row, col, *depth = pane.pin
    return (Marker(row, col, 1, "pin", *depth),)
