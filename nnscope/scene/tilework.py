"""Keeps the tiles coming: asks engines for what frames lack, and drops what nobody wants any more."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import Failure
from nnscope.core.picture import TilePicture
from nnscope.core.request import BuildPicture
from nnscope.core.text import plain
from nnscope.scene.library import Kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.scene.compose import TileKey
    from nnscope.scene.jobs import JobBoard, JobInfo
    from nnscope.scene.library import Library

BATCH = 4  # tiles per request: few enough that a picture fills in while it is read


class _Batch:
    """One request for tiles; its job is known once it was sent (an inline engine has answered by then)."""

    def __init__(self, keys: list[TileKey]) -> None:
        self.keys = keys
        self.job: JobInfo | None = None

    def cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()


class TileWork:
    """One per controller.

    Parameters
    ----------
    library : Library
    board : JobBoard
    arrived : callable
        Called when tiles have come in.
    failed : callable
        Called with the `Failure` when some can't be built.
    """

    def __init__(
        self,
        library: Library,
        board: JobBoard,
        arrived: Callable[[], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._library = library
        self._board = board
        self._arrived = arrived
        self._failed = failed
        self._under_way: dict[TileKey, _Batch] = {}
        self._broken: dict[TileKey, tuple[int, Failure]] = {}

    @property
    def busy(self) -> bool:
        """Whether tiles are on their way."""
        return bool(self._under_way)

    def broken(self, key: TileKey) -> Failure | None:
        """Why this tile could not be built, if so and its tensor is still the same."""
        entry = self._broken.get(key)
        version = self._library.version(key.source, key.address)
        return entry[1] if entry is not None and entry[0] == version else None

    def want(self, keys: tuple[TileKey, ...]) -> None:
        """These tiles are all that is wanted now: cancel the others, ask for the new ones."""
        wanted = set(keys)
        for batch in set(self._under_way.values()):
            if not wanted.intersection(batch.keys):
                self._forget(batch)
                batch.cancel()
        new = [key for key in keys if key not in self._under_way and self.broken(key) is None]
        for picture, members in groupby(new, key=lambda key: replace(key, row=0, col=0)):
            tiles = list(members)
            for at in range(0, len(tiles), BATCH):
                self._send(picture, tiles[at : at + BATCH])

    def _send(self, picture: TileKey, keys: list[TileKey]) -> None:
        source = self._library.sources.get(picture.source)
        if source is None or source.dead:
            return
        batch = _Batch(keys)
        self._under_way.update(dict.fromkeys(keys, batch))
        text = f"Drawing {plain(picture.address, 64)}"
        request = tile_request(keys)
        batch.job = self._board.send(source.engine, request, text, picture.source, lambda a: self._take(batch, a))

    def _forget(self, batch: _Batch) -> None:
        for key in batch.keys:
            if self._under_way.get(key) is batch:
                del self._under_way[key]

    def _take(self, batch: _Batch, answer: Any) -> None:
        self._forget(batch)
        if isinstance(answer, TilePicture):
            keep_tiles(self._library, batch.keys, answer)
        elif isinstance(answer, Failure) and answer.code not in ("cancelled", "closed"):
            for key in batch.keys:
                self._broken[key] = (self._library.version(key.source, key.address), answer)
            self._failed(answer)
        self._arrived()


def tile_request(keys: list[TileKey]) -> BuildPicture:
    """What to ask an engine for: tiles of one picture, whose keys differ in row and column only."""
    picture = keys[0]
    return BuildPicture(
        picture.address,
        picture.layout,
        picture.view,
        picture.settings,
        picture.scientific,
        picture.level,
        tuple((key.row, key.col) for key in keys),
        picture.exact,
    )


def keep_tiles(library: Library, keys: list[TileKey], picture: TilePicture) -> None:
    """Keep the tiles that came for ``keys``."""
    facts = replace(picture, tiles=())
    by_place = {(tile.row, tile.col): tile for tile in picture.tiles}
    for key in keys:
        tile = by_place.get((key.row, key.col))
        if tile is not None:
            library.tiles.put(key, Kept(picture.version, tile, facts))
