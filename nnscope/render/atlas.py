"""One large texture that holds many tiles, so that a pane is one draw call; the least recently used make room.

Heat maps keep (value, state) as two float32 channels: one fetch instead of two, and software drivers pay per fetch.
Colour tiles keep RGBA8 with the state in the alpha channel (255: a colour).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.core.picture import TILE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from nnscope.core.frame import PlacedTile
    from nnscope.core.picture import Tile

START = 1024  # texels a side at first: 16 tiles, so that the first frame doesn't wait for memory
ROOMY = 2048  # up to here it grows before any tile is pushed out: 64 tiles
LARGEST = 4096  # up to here only when a single frame needs it: 256 tiles, 128 MiB of values


@dataclass(frozen=True, slots=True)
class TexelFormat:
    """How a tile becomes texels, and what kind of texture holds them."""

    channels: int
    format: str
    internal: str
    encode: Callable[[Tile], np.ndarray]


def encode_values(tile: Tile) -> np.ndarray:
    """(value, state) of each cell: float32, shape (h, w, 2)."""
    texels = np.empty((*tile.values.shape, 2), np.float32)
    texels[..., 0] = tile.values
    texels[..., 1] = tile.states
    return texels


def encode_colours(tile: Tile) -> np.ndarray:
    """The tile's colours, alpha replaced by 255 or the state of cells that have no colour: uint8, shape (h, w, 4)."""
    assert tile.rgba is not None
    texels = np.array(tile.rgba, np.uint8, order="C")
    texels[..., 3] = np.where(tile.states > 0, tile.states, 255)
    return texels


VALUES = TexelFormat(2, "rg", "rg32f", encode_values)
COLOURS = TexelFormat(4, "rgba", "rgba8", encode_colours)


class TileAtlas:
    """Tiles by key in slots of 256 × 256 texels.

    Parameters
    ----------
    kind : TexelFormat
    limit : int
        The driver's largest texture side.

    Attributes
    ----------
    texture : gloo.Texture2D
    side : int
        Texels a side.
    uploads : int
        Tiles uploaded so far.
    """

    def __init__(self, kind: TexelFormat, limit: int) -> None:
        self._kind = kind
        self._largest = min(LARGEST, 1 << (limit.bit_length() - 1))  # a power of two: texel positions are exact
        self._slots: OrderedDict[Hashable, int] = OrderedDict()  # least recently used first
        self._special: set[Hashable] = set()
        self.uploads = 0
        self.side = min(START, self._largest)
        self.texture: Any = self._allocate()

    @property
    def capacity(self) -> int:
        """How many tiles it can ever hold at once."""
        return (self._largest // TILE) ** 2

    def has_states(self, key: Hashable) -> bool:
        """Whether some cell of a tile that is in the atlas is no finite number."""
        return key in self._special

    def reserve(self, count: int) -> None:
        """Grow until ``count`` tiles fit, as far as that goes. Growing forgets what was uploaded."""
        while (self.side // TILE) ** 2 < min(count, self.capacity):
            self._grow()

    def place(self, tiles: Sequence[PlacedTile]) -> dict[Hashable, tuple[int, int]]:
        """Upload those of ``tiles`` that aren't there; all of them fit at once (`reserve`, `capacity`).

        Returns
        -------
        dict of key to (x, y)
            First texel of each tile.
        """
        keys = dict.fromkeys(placed.key for placed in tiles)
        if len(self._slots.keys() | keys.keys()) > (self.side // TILE) ** 2 and self.side < ROOMY:
            self._grow()
        for key in keys.keys() & self._slots.keys():
            self._slots.move_to_end(key)
        for placed in tiles:
            if placed.key not in self._slots:
                self._upload(placed)
        return {key: self._texel(self._slots[key]) for key in keys}

    def delete(self) -> None:
        """Free the texture; the context must be current."""
        self.texture.delete()

    def _upload(self, placed: PlacedTile) -> None:
        slot = len(self._slots)
        if slot == (self.side // TILE) ** 2:
            oldest, slot = self._slots.popitem(last=False)
            self._special.discard(oldest)
        self._slots[placed.key] = slot
        if placed.tile.states.any():
            self._special.add(placed.key)
        x, y = self._texel(slot)
        self.texture.set_data(self._kind.encode(placed.tile), offset=(y, x))
        self.uploads += 1

    def _texel(self, slot: int) -> tuple[int, int]:
        row, column = divmod(slot, self.side // TILE)
        return column * TILE, row * TILE

    def _grow(self) -> None:
        self.side = min(2 * self.side, self._largest)
        self._slots.clear()
        self._special.clear()
        self.texture.delete()
        self.texture = self._allocate()

    def _allocate(self) -> Any:
        shape = (self.side, self.side, self._kind.channels)
        return gloo.Texture2D(shape, format=self._kind.format, internalformat=self._kind.internal)
