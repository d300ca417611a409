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
_CUT = "It is cut short or damaged; fetch it again."


@dataclass(frozen=True, slots=True)
class _Kind:
    """Numbers of classic TIFF or of BigTIFF, as `struct` calls them."""

    order: str
    count: str
    offset: str

    @property
    def entry(self) -> struct.Struct:
        """Tag, type, number of values, and the values or their offset."""
        return struct.Struct(f"{self.order}HH{self.offset}{self.offset}")

    def number(self, handle: FileHandle, place: int, code: str) -> int:
        """One number of the file."""
        size = struct.calcsize(code)
        return int(struct.unpack(self.order + code, handle.read(place, size))[0])


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
    order = {b"II": "<", b"MM": ">"}[handle.read(0, 2)]
    if struct.unpack(order + "H", handle.read(2, 2))[0] == 42:
        kind = _Kind(order, "H", "I")
        return kind, kind.number(handle, 4, "I")
    kind = _Kind(order, "Q", "Q")
    if struct.unpack(order + "HH", handle.read(4, 4)) != (8, 0):
        raise FileError("bad-header", "Its offsets are not of 8 bytes.", handle.path, "The file is damaged.", offset=4)
    return kind, kind.number(handle, 8, "Q")


def _next(handle: FileHandle, kind: _Kind, place: int) -> int:
    """Check the directory at ``place``; the offset of the one after it."""
    count = kind.number(handle, place, kind.count)
    start = place + struct.calcsize(kind.count)
    entries = handle.read(start, count * kind.entry.size)
    for tag, code, number, _ in kind.entry.iter_unpack(entries):
        if tag in _NEEDED and code in _SIZES and number * _SIZES[code] > handle.size:
            what = f"The entry {tag} of a directory claims {number} values, which the file is too short for."
            raise FileError("truncated", what, handle.path, _CUT, offset=place)
    _check_places(handle, kind, entries, place)
    return kind.number(handle, start + len(entries), kind.offset)


def _check_places(handle: FileHandle, kind: _Kind, entries: bytes, place: int) -> None:
    """Values that don't fit into their entry lie in the file."""
    for tag, code, number, offset in kind.entry.iter_unpack(entries):
        size = number * _SIZES.get(code, 0)
        if tag in _NEEDED and size > struct.calcsize(kind.offset) and offset + size > handle.size:
            what = f"The values of the entry {tag} of a directory lie beyond the end of the file."
            raise FileError("truncated", what, handle.path, _CUT, offset=place)
