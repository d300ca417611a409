"""The chain of a TIFF file's directories, checked before anything else reads them.

A TIFF file is a linked list of directories (IFDs), one per page: a count, that many entries, the offset of the next.
What a cut or hostile file does to it (a loop, an offset beyond the end, an entry whose values lie outside) would make a
shorter file of it, or none, without a word; here it is told.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle

MAX_PAGES = 1 << 20

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NEEDED = range(254, 340)  # tags of the standard itself; broken ones of others are passed over
_BLOCK = 1024  # bytes that hold most directories
_CUT = "It is cut short or damaged; fetch it again."


@dataclass(frozen=True, slots=True)
class _Kind:
    """Numbers of classic TIFF or of BigTIFF.

    Attributes
    ----------
    count, offset : struct.Struct
        The number of entries of a directory, and the offset of a directory.
    entry : struct.Struct
        Tag, type, number of values, and the values or their offset.
    """

    count: struct.Struct
    offset: struct.Struct
    entry: struct.Struct

    @classmethod
    def of(cls, order: str, count: str, offset: str) -> _Kind:
        """By the letters that `struct` has for them."""
        return cls(*(struct.Struct(order + text) for text in (count, offset, f"HH{offset}{offset}")))


def check_chain(handle: FileHandle) -> int:
    """The number of directories.

    Raises
    ------
    FileError
        If the file is cut within its directories or what they need, the chain has a loop, no directory, or too many.
    """
    kind, place = _header(handle)
    seen: set[int] = set()
    while place:
        if place in seen:
            what = "Its directories form a loop."
            raise FileError("loop", what, handle.path, "The file is damaged or was made to mislead.", offset=place)
        if len(seen) >= MAX_PAGES:
            raise FileError("too-many", f"It has more than {MAX_PAGES} pages.", handle.path)
        seen.add(place)
        place = _next(handle, kind, place)
    if not seen:
        raise FileError("empty", "It has no pages.", handle.path, "Save it again.")
    return len(seen)


def _header(handle: FileHandle) -> tuple[_Kind, int]:
    """How the file writes its numbers, and where its first directory is."""
    order = {b"II": "<", b"MM": ">"}.get(handle.read(0, 2))
    if order is None:
        raise FileError("bad-header", "It does not begin like a TIFF file.", handle.path, "Is it one?", offset=0)
    if struct.unpack(order + "H", handle.read(2, 2))[0] == 42:
        kind, place = _Kind.of(order, "H", "I"), 4
    else:
        kind, place = _Kind.of(order, "Q", "Q"), 8
        if struct.unpack(order + "HH", handle.read(4, 4)) != (8, 0):
            what = "Its offsets are not of 8 bytes."
            raise FileError("bad-header", what, handle.path, "The file is damaged.", offset=4)
    return kind, int(kind.offset.unpack(handle.read(place, kind.offset.size))[0])


def _next(handle: FileHandle, kind: _Kind, place: int) -> int:
    """Check the directory at ``place``; the offset of the one after it."""
    block = handle.read(place, max(kind.count.size, min(_BLOCK, handle.size - place)))
    start = kind.count.size
    end = start + kind.count.unpack_from(block)[0] * kind.entry.size
    if end + kind.offset.size > len(block):
        block = handle.read(place, end + kind.offset.size)
    for tag, code, number, offset in kind.entry.iter_unpack(block[start:end]):
        size = number * _SIZES.get(code, 0)
        if tag in _NEEDED and size > kind.offset.size and offset + size > handle.size:
            what = f"The {number} values of the entry {tag} of a directory lie beyond the end of the file."
            raise FileError("truncated", what, handle.path, _CUT, offset=place)
    return int(kind.offset.unpack_from(block, end)[0])
