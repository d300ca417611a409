"""Values of a part of a tensor, read through its engine in pieces that an engine answers; and a part as a source."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.address import Address
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import Listing
from nnscope.engine.asking import read_asked
from nnscope.headless.client import SourceClient

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.part import Part


def read_part(client: Client, info: TensorInfo, part: Part) -> np.ndarray:
    """The values of ``part``, shaped as NumPy shapes them."""
    if info.unreadable:
        raise NnscopeError(info.unreadable, info.address)
    return part.values(read_asked(client.ask, info.address, part.region))


class PartSource:
    """A part of a tensor as a source of its own: what is computed over it is over the part alone."""

    def __init__(self, client: Client, info: TensorInfo, part: Part) -> None:
        self._client = client
        self._base = info
        self._part = part
        self.info = replace(
            info,
            address=str(Address(info.address, part.items)),
            shape=part.shape,
            nbytes=info.nbytes * part.size // max(1, info.size),
            axes=tuple(info.axes[axis] for axis in part.kept if axis < len(info.axes)),
            aliases=(),
        )

    def listing(self) -> Listing:
        """The part, and nothing else."""
        return Listing(self._client.listing.path, self._client.listing.format, (self.info,))

    def reader(self, address: str) -> PartSource:
        """Itself: it is the reader of its one tensor."""
        return self

    def read(self, region: Region) -> np.ndarray:
        """Values of a region of the part; all axes kept."""
        item = tuple(slice(*axis) for axis in region)
        return read_part(self._client, self._base, self._part.select(item, self._base.address))

    def close(self) -> None:
        """The tensor's own source stays open: it is not the part's."""


def part_client(client: Client, info: TensorInfo, part: Part) -> Client:
    """Asks about the part alone."""
    return SourceClient(PartSource(client, info, part), client.on_progress)
