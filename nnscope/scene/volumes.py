"""The volumes of panes: kept by key, asked for when they are missing, dropped when nobody wants them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import Failure
from nnscope.core.request import BuildVolume
from nnscope.core.text import plain
from nnscope.core.volume import VolumePicture

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.layout import Layout
    from nnscope.core.request import Settings
    from nnscope.scene.jobs import JobBoard, JobInfo
    from nnscope.scene.library import Library

BUDGET = 1 << 30  # bytes of volumes kept on the scene's side


@dataclass(frozen=True, slots=True)
class VolumeKey:
    """Which level of which volume, whatever the content version."""

    source: str
    address: str
    view: str
    layout: Layout
    settings: Settings
    level: int


class VolumeStore:
    """Volumes under a byte budget; the least recently used go first, never the last one."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._kept: OrderedDict[VolumeKey, VolumePicture] = OrderedDict()
        self._budget = budget

    def get(self, key: VolumeKey) -> VolumePicture | None:
        """The volume kept under ``key``, marked as used."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: VolumeKey, picture: VolumePicture) -> None:
        """Keep a volume, and let old ones go."""
        self._kept[key] = picture
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self._budget:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


class VolumeWork:
    """Asks engines for volumes; one per controller.

    Parameters
    ----------
    library : Library
    board : JobBoard
    arrived : callable
        Called when a volume has come in.
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
        self._under_way: dict[VolumeKey, JobInfo | None] = {}
        self._broken: dict[VolumeKey, tuple[int, Failure]] = {}

    def broken(self, key: VolumeKey) -> Failure | None:
        """Why this volume could not be built, if so and its tensor is still the same."""
        entry = self._broken.get(key)
        return entry[1] if entry is not None and entry[0] == self._version(key) else None

    def want(self, keys: set[VolumeKey]) -> None:
        """These volumes are all that is wanted now: cancel the others, ask for the new ones."""
        for key in self._under_way.keys() - keys:
            job = self._under_way.pop(key)
            if job is not None:
                job.cancel()
        for key in keys - self._under_way.keys():
            if self.broken(key) is None:
                self._send(key)

    def _send(self, key: VolumeKey) -> None:
        source = self._library.sources.get(key.source)
        if source is None or source.dead:
            return
        self._under_way[key] = None
        text = f"Reading {plain(key.address, 64)}"
        job = self._board.send(source.engine, volume_request(key), text, key.source, lambda a: self._take(key, a))
        if key in self._under_way:  # an inline engine has answered by now
            self._under_way[key] = job

    def _take(self, key: VolumeKey, answer: Any) -> None:
        self._under_way.pop(key, None)
        if isinstance(answer, VolumePicture):
            self._library.volumes.put(key, answer)
        elif isinstance(answer, Failure) and answer.code not in ("cancelled", "closed"):
            self._broken[key] = (self._version(key), answer)
            self._failed(answer)
        self._arrived()

    def _version(self, key: VolumeKey) -> int:
        return self._library.version(key.source, key.address)


def volume_request(key: VolumeKey) -> BuildVolume:
    """What to ask an engine for."""
    return BuildVolume(key.address, key.layout, key.view, key.settings, level=key.level)
