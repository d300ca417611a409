"""What is open, and what is known of it so far: listings, statistics, spectra and tiles as they arrive.

Everything here belongs to the window's thread. Entries know the content version they were made from: a newer
version makes them stale, not gone, so a picture never goes blank while its tensor changes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnscope.scene.run_scale import RUN
from nnscope.scene.spacework import SpaceStore

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.answer import Grown, Spectrum
    from nnscope.core.picture import Tile, TilePicture
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.engine.protocol import Engine

TILE_BUDGET = 256 << 20  # bytes of tiles kept on the scene's side


@dataclass(slots=True)
class OpenSource:
    """A source that is open.

    Attributes
    ----------
    key : str
        Its name in the library: the path it was opened from.
    engine : Engine
        Answers requests about it.
    listing : Listing or None
        None until the first answer.
    status : dict
        What a live model tells: step, loss, accuracy.
    dead : str
        Why the engine is gone; empty while it lives.
    moments : dict of str to TensorInfo
        Entries of a recorded run's tensors at steps, by ``ADDRESS@STEP``.
    sides : tuple of str
        Keys of the two sources that it compares; empty where it is no comparison.
    """

    key: str
    engine: Engine
    listing: Listing | None = None
    infos: dict[str, TensorInfo] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    dead: str = ""
    moments: dict[str, TensorInfo] = field(default_factory=dict)
    sides: tuple[str, ...] = ()

    def accept(self, listing: Listing) -> None:
        """Take a new listing."""
        self.listing = listing
        if listing.format == RUN:
            self.status = dict(listing.live)
        self.infos = {info.address: info for info in listing.tensors}
        self.versions = {info.address: info.version for info in listing.tensors}

    def grow(self, notice: Grown) -> None:
        """A recorded run has grown."""
        self.status.update(notice.status)
        self.versions.update(notice.kept)
        self.infos.update({info.address: info for info in notice.reshaped if info.address in self.infos})

    def version(self, address: str) -> int:
        """The newest content version known of a tensor."""
        return self.versions.get(address, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A tile with the picture facts that came with it."""

    version: int
    tile: Tile
    picture: TilePicture


class TileStore:
    """Tiles under a byte budget; the least recently used go first."""

    def __init__(self, budget: int = TILE_BUDGET) -> None:
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._budget = budget
        self.nbytes = 0

    def get(self, key: Hashable) -> Kept | None:
        """The tile kept under ``key``, marked as used."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep a tile, and let old ones go."""
        self.drop(key)
        self._kept[key] = kept
        self.nbytes += _nbytes(kept.tile)
        while self.nbytes > self._budget and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Hashable) -> None:
        """Forget ``key`` if it is kept."""
        old = self._kept.pop(key, None)
        if old is not None:
            self.nbytes -= _nbytes(old.tile)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.nbytes = 0


class Library:
    """All that is open and known.

    Attributes
    ----------
    sources : dict of str to OpenSource
    tiles : TileStore
    spaces : SpaceStore
    stats : dict of (source key, address) to (version, TensorStats)
    spectra : dict of (source key, address) to (version, Spectrum)
    """

    def __init__(self) -> None:
        self.sources: dict[str, OpenSource] = {}
        self.tiles = TileStore()
        self.spaces = SpaceStore()
        self.stats: dict[tuple[str, str], tuple[int, TensorStats]] = {}
        self.spectra: dict[tuple[str, str], tuple[int, Spectrum]] = {}

    def info(self, source: str, address: str) -> TensorInfo | None:
        """The listing entry, or that of a run's tensor at a step; None when there is none (yet)."""
        opened = self.sources.get(source)
        return opened.infos.get(address) or opened.moments.get(address) if opened else None

    def version(self, source: str, address: str) -> int:
        """Newest known content version; 0 when unknown."""
        opened = self.sources.get(source)
        return opened.version(address) if opened else 0

    def statistics(self, source: str, address: str) -> TensorStats | None:
        """The statistics known, stale ones too."""
        entry = self.stats.get((source, address))
        return entry[1] if entry else None

    def forget(self, source: str) -> None:
        """Forget all that is known of a closed source. Its tiles age out of the store by themselves."""
        self.sources.pop(source, None)
        for known in (self.stats, self.spectra):
            for key in [key for key in known if key[0] == source]:
                del known[key]  # type: ignore[attr-defined]


def _nbytes(tile: Tile) -> int:
    rgba = 0 if tile.rgba is None else tile.rgba.nbytes
    return tile.values.nbytes + tile.states.nbytes + rgba
