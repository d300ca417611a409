"""Pictures of three dimensions: kept by key, asked for when they are missing, dropped when nobody wants them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import Failure
from nnscope.core.request import BuildSpace
from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings
    from nnscope.core.space_picture import SpacePicture
    from nnscope.scene.jobs import JobBoard, JobInfo
    from nnscope.scene.library import Library

BUDGET = 1 << 30  # bytes of pictures kept on the scene's side


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """Which level of which picture, whatever the content version."""

    source: str
    address: str
    view: str
    layout: Layout
    settings: Settings
    level: int


class SpaceStore:
    """Pictures of three dimensions under a byte budget; the least recently used go first, never the last one."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._kept: OrderedDict[SpaceKey, SpacePicture] = OrderedDict()
        self._budget = budget

    def get(self, key: SpaceKey) -> SpacePicture | None:
        """The picture kept under ``key``, marked as used."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def like(self, key: SpaceKey) -> tuple[SpaceKey, SpacePicture] | None:
        """The picture used last of the same tensor in the same view and layout, whatever its settings and level."""
        wanted = (key.source, key.address, key.view, key.layout)
        near = (k for k in reversed(self._kept) if (k.source, k.address, k.view, k.layout) == wanted)
        found = next(near, None)
        return None if found is None else (found, self._kept[found])

    def put(self, key: SpaceKey, picture: SpacePicture) -> None:
        """Keep a picture, and let old ones go."""
        self._kept[key] = picture
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self._budget:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


class SpaceWork:
    """Asks engines for pictures of three dimensions; one per controller.

    Parameters
    ----------
    library : Library
    board : JobBoard
    arrived : callable
        Called when a picture has come in.
    failed : callable
        Called with the `Failure` when one can't be built.
    """

    def __init__(
        self, library: Library, board: JobBoard, arrived: Callable[[], None], failed: Callable[[Failure], None]
    ) -> None:
        self._library = library
        self._board = board
        self._arrived = arrived
        self._failed = failed
        self._under_way: dict[SpaceKey, JobInfo | None] = {}
        self._broken: dict[SpaceKey, tuple[int, Failure]] = {}

    def broken(self, key: SpaceKey) -> Failure | None:
        """Why this picture could not be built, if so and its tensor is still the same."""
        entry = self._broken.get(key)
        return entry[1] if entry is not None and entry[0] == self._version(key) else None

    def want(self, keys: set[SpaceKey]) -> None:
        """These pictures are all that is wanted now: cancel the others, ask for the new ones."""
        for key in self._under_way.keys() - keys:
            job = self._under_way.pop(key)
            if job is not None:
                job.cancel()
        for key in keys - self._under_way.keys():
            if self.broken(key) is None:
                self._send(key)

    def _send(self, key: SpaceKey) -> None:
        source = self._library.sources.get(key.source)
        if source is None or source.dead:
            return
        self._under_way[key] = None
        text = f"Reading {plain(key.address, 64)}"
        job = self._board.send(source.engine, space_request(key), text, key.source, lambda a: self._take(key, a))
        if key in self._under_way:  # an inline engine has answered by now
            self._under_way[key] = job

    def _take(self, key: SpaceKey, answer: Any) -> None:
        self._under_way.pop(key, None)
        if not isinstance(answer, Failure):
            self._library.spaces.put(key, answer)
        elif answer.code not in ("cancelled", "closed"):
            self._broken[key] = (self._version(key), answer)
            self._failed(answer)
        self._arrived()

    def _version(self, key: SpaceKey) -> int:
        return self._library.version(key.source, key.address)


def space_request(key: SpaceKey) -> BuildSpace:
    """What to ask an engine for."""
    return BuildSpace(key.address, key.layout, key.view, key.settings, level=key.level)
