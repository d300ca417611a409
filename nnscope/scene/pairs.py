"""Two open sources compared: the tensor of the one, of the other, and the difference, in three linked panes.

The difference is a source of its own beside the two: an engine that asks theirs, whichever they are by then. It is
closed with either of them, listed anew when one changes, and shows the steps at which their runs are shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.text import plain
from nnscope.engine.comparing import Compared, Side, side_names
from nnscope.engine.local import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.request import Request
    from nnscope.scene.library import Library, OpenSource
    from nnscope.scene.sessions import Sessions
    from nnscope.scene.state import PaneState, WorkspaceState
    from nnscope.scene.workspace import Workspace


class Pairs:
    """The comparisons of a controller.

    Parameters
    ----------
    library : Library
    sessions : Sessions
    workspace : Workspace
    failed : callable
        Told of what can't be compared.
    inline : bool
        Answer within the call.
    """

    def __init__(
        self,
        library: Library,
        sessions: Sessions,
        workspace: Workspace,
        failed: Callable[[Failure], None],
        inline: bool = False,
    ) -> None:
        self._library = library
        self._sessions = sessions
        self._workspace = workspace
        self._failed = failed
        self._inline = inline
        self._sides: dict[str, tuple[str, str]] = {}  # keys of pairs, each with those of its two sources
        self._seen: dict[str, int] = {}  # versions of sources, summed, when their pairs were listed
        self._wanted: tuple[PaneState, str] | None = None  # a pane, and the source that is to be beside it

    def compare(self, path: str) -> None:
        """Show the active pane's tensor, that of the same address in another source, and the difference.

        The other is opened first if need be.
        """
        pane = self._workspace.pane
        if pane.source in self._sides:
            pane = replace(pane, source=self._sides[pane.source][0])
        key = self._sessions.open(path)
        self._wanted = pane, key
        self.listed(key)

    def follow(self, key: str) -> None:
        """A source has come, changed or gone: its comparisons begin, are listed anew, or end."""
        source = self._library.sources.get(key)
        if source is None:
            if self._wanted is not None and self._wanted[1] == key and key not in self._sessions.opening:
                self._wanted = None
            for pair in [pair for pair, sides in self._sides.items() if key in (pair, *sides)]:
                del self._sides[pair]
                self._sessions.close_source(pair)
            return
        total = sum(source.versions.values())
        if self._seen.get(key) != total:
            self._seen[key] = total
            for pair in [pair for pair, sides in self._sides.items() if key in sides]:
                self._sessions.relist(pair)

    def listed(self, key: str) -> None:
        """A source has come, changed or gone: see `follow`; what was asked for is shown as soon as all is there."""
        self.follow(key)
        if key in self._sides and key in self._library.sources:
            self._library.sources[key].sides = self._sides[key]
        if self._wanted is None:
            return
        pane, other = self._wanted
        if self._known(pane.source) is None or self._known(other) is None:
            return
        pair = self._pair(pane.source, other)
        if pair is None or self._known(pair) is not None:
            self._wanted = None
        if pair is not None and self._known(pair) is not None:
            self._show(pane, other, pair)

    def chosen(self, state: WorkspaceState, source: str, address: str) -> WorkspaceState | None:
        """The state in which a comparison shows another tensor of one of its sources; None if none is shown."""
        compared = next((key for pane in state.panes for key in (pane.source,) if key in self._sides), "")
        sides = (*self._sides.get(compared, ()), compared)
        if not compared or tuple(pane.source for pane in state.panes) != sides or source not in sides:
            return None
        panes = tuple(replace(pane.showing(pane.source, address), beside=pane.beside) for pane in state.panes)
        return replace(state, panes=panes)

    def _known(self, key: str) -> OpenSource | None:
        source = self._library.sources.get(key)
        return source if source is not None and source.listing is not None else None

    def _pair(self, first: str, second: str) -> str | None:
        """The key of the comparison of two open sources, made if need be; None if there can be none."""
        if first == second:
            self._failed(Failure("This is what is shown already.", plain(second), "Choose another file or run."))
            return None
        key = f"{first} − {second}"
        if key not in self._sides:
            sides = self._sides[key] = first, second
            named = zip(side_names(*sides), sides, strict=True)
            one, other = (Side(name, self._asking(side)) for name, side in named)
            self._sessions.adopt(key, LocalEngine(Compared(one, other, lambda: None), self._inline))
        return key

    def _asking(self, key: str) -> Callable[[Request], Any]:
        """Asks whichever engine answers for a source by then; from any thread."""

        def ask(request: Request) -> Any:
            source = self._library.sources.get(key)
            answer = source.engine.submit(request).answer() if source else Failure("It is closed.", plain(key))
            if isinstance(answer, Failure):
                raise NnscopeError(answer.what, answer.where, answer.remedy)
            return answer

        return ask

    def _show(self, pane: PaneState, other: str, pair: str) -> None:
        info = self._library.info(pair, pane.address)
        if info is None:
            self._failed(Failure("There is no tensor of this name in the other source.", plain(pane.address)))
            return
        if info.unreadable:
            self._failed(Failure(info.unreadable, plain(pane.address)))
        plainly = replace(pane, step=None, minus=None, each_step=False)
        panes = (
            replace(plainly, beside=other),
            replace(plainly, source=other, beside=pane.source),
            replace(plainly, source=pair, normalisation="", limits=None, colours="", beside=""),
        )
        self._workspace.set(replace(self._workspace.state, panes=panes, active=0, linked=True))
