"""A guarded file handle as the binary stream that libraries want to read from."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle


BUFFER = 1 << 16  # bytes


def buffered(handle: FileHandle) -> io.BufferedReader:
    """A stream of the file's bytes that reads ahead, for libraries that read a few bytes at a time."""
    return io.BufferedReader(HandleStream(handle), BUFFER)


class HandleStream(io.RawIOBase):
    """Reads through ``handle``, so that a file that is changed or cut meanwhile gives a FileError and no crash.

    It has no name and no descriptor: what reads from it can't map the file or look for others beside it.
    """

    def __init__(self, handle: FileHandle) -> None:
        super().__init__()
        self._handle = handle
        self._place = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place; one before the first byte is a ValueError, as with other streams."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._handle.size}[whence]
        if base + offset < 0:
            raise ValueError(f"negative seek position {base + offset}")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any, /) -> int:
        """Fill ``buffer``, or as much of it as there are bytes."""
        out = np.frombuffer(buffer, np.uint8)
        count = max(0, min(out.size, self._handle.size - self._place))
        if count:
            with self._handle.reading() as fill:
                fill(out[:count], self._place)
        self._place += count
        return count
