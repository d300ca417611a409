"""A tensor of an engine as a reader of its values, wherever they lie: they are asked for in pieces that it answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.core.regions import regions
from nnscope.core.request import ReadRegion

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.request import Region, Request
    from nnscope.core.tensor import TensorInfo

    Ask = Callable[[Request], Any]  # gives the answer or raises `NnscopeError`

PIECE = 2 << 20  # elements per request: an element has at most 16 bytes, and engines answer up to 64 MiB


@dataclass(slots=True)
class AskedReader:
    """A tensor of an engine (a `TensorReader`)."""

    info: TensorInfo
    ask: Ask

    def read(self, region: Region) -> np.ndarray:
        """The values of ``region``; see `TensorReader`."""
        return read_asked(self.ask, self.info.address, region)


def read_asked(ask: Ask, address: str, region: Region) -> np.ndarray:
    """The values of a region of a tensor, all axes kept.

    Parameters
    ----------
    ask : callable
        Gives an engine's answer to a request, or raises `NnscopeError`.
    address : str
    region : Region
    """
    shape = tuple(len(range(*axis)) for axis in region)
    if math.prod(shape) <= PIECE:
        values: np.ndarray = ask(ReadRegion(address, region)).values
        return values
    out: np.ndarray | None = None
    for piece in regions(shape, PIECE):
        inside = tuple(_inside(axis, cut) for axis, cut in zip(region, piece, strict=True))
        values = ask(ReadRegion(address, inside)).values
        out = np.empty(shape, values.dtype) if out is None else out
        out[tuple(slice(start, stop) for start, stop, _ in piece)] = values
    assert out is not None  # more than PIECE elements make at least one piece
    return out


def _inside(axis: tuple[int, int, int], cut: tuple[int, int, int]) -> tuple[int, int, int]:
    """The range of an axis of the tensor that ``cut`` takes out of the region's range ``axis``."""
    picked = range(*axis)[cut[0] : cut[1]]
    return picked[0], picked[-1] + 1, picked.step
