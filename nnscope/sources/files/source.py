"""A file as a source of tensors: its listing, and readers that decode only the region asked for."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

from nnscope.core.errors import FileError, NnscopeError
from nnscope.core.text import plain
from nnscope.sources.files.handle import FileHandle
from nnscope.sources.files.strided import Strided, read_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.request import Region
    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.sources.files.dtypes import Array
    from nnscope.sources.files.handle import Section

    Located = tuple[Section, Strided]
    """Where a tensor lies: its section of bytes and its layout there."""


class FileTensor:
    """One tensor of a file (a `TensorReader`)."""

    def __init__(self, info: TensorInfo, section: Section, layout: Strided) -> None:
        self.info = info
        self._section = section
        self._layout = layout

    def read(self, region: Region) -> Array:
        """The values of ``region``; see `TensorReader.read`."""
        return read_region(self._section, self._layout, region, plain(self.info.address))


class ListedSource:
    """The tensors of one file (a `Source`), by a listing made when it was opened.

    Parameters
    ----------
    listing : Listing
    tensor : callable
        The reader of the tensor at a position of ``listing.tensors``.
    release : callable
        Closes the file; called once or more.
    """

    def __init__(self, listing: Listing, tensor: Callable[[int], TensorReader], release: Callable[[], None]) -> None:
        self._listing = listing
        self._tensor = tensor
        self._release = release
        self._positions = _positions(listing)
        self._closed = False

    @property
    def origin(self) -> str:
        """What names this file in caches that outlive the process, together with the tensors' versions."""
        return os.path.realpath(self._listing.path)

    def listing(self) -> Listing:
        """What the file holds, as it was when opened."""
        return self._listing

    def reader(self, address: str) -> TensorReader:
        """The tensor of that listed name or alias.

        Raises
        ------
        FileError
            If the source is closed (``"closed"``) or the values can't be decoded (``"unreadable"``).
        NnscopeError
            If there is no such tensor.
        """
        if self._closed:
            raise FileError("closed", "The file has been closed.", self._listing.path)
        position = self._positions.get(address)
        if position is None:
            raise NnscopeError("There is no tensor of this name.", plain(address), "`nnscope info` lists the names.")
        info = self._listing.tensors[position]
        if info.unreadable:
            raise FileError("unreadable", info.unreadable, plain(address))
        return self._tensor(position)

    def close(self) -> None:
        """Close the file; readers raise FileError (``"closed"``) from then on. Idempotent."""
        self._closed = True
        self._release()


class FileSource(ListedSource):
    """A `ListedSource` whose tensors lie in sections of bytes as they are.

    Parameters
    ----------
    listing : Listing
    locate : callable
        Where the tensor at a position of ``listing.tensors`` lies.
    release : callable
        Closes the file; called once or more.
    """

    def __init__(self, listing: Listing, locate: Callable[[int], Located], release: Callable[[], None]) -> None:
        super().__init__(listing, lambda i: FileTensor(listing.tensors[i], *locate(i)), release)


S = TypeVar("S", bound=ListedSource)


def open_guarded(path: str, build: Callable[[FileHandle], S], follow_links: bool = True) -> S:
    """Open ``path`` and build its source; the file is closed again if that fails."""
    handle = FileHandle(path, follow_links=follow_links)
    try:
        return build(handle)
    except BaseException:
        handle.close()
        raise


def stem_of(path: str) -> str:
    """The name of a tensor that is all a file holds; bytes of the file's name that are no text become escapes."""
    return PurePath(path).stem.encode(errors="backslashreplace").decode()


def _positions(listing: Listing) -> dict[str, int]:
    positions = {info.address: i for i, info in enumerate(listing.tensors)}
    for i, info in enumerate(listing.tensors):
        for alias in info.aliases:
            positions.setdefault(alias, i)
    return positions
