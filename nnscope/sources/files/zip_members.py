"""The bytes of zip members: stored ones where they lie in the file, deflated ones inflated within limits.

A member that claims to inflate to more than `MAX_RATIO` times its packed size, or beyond `INFLATE_BUDGET`, is refused
with both numbers (promise P3). Members of up to `FREE_SIZE` bytes may have any ratio: they can do no harm, and small
arrays of zeros do have it. What was inflated is checked against the archive's checksum and kept for the next read.
"""

from __future__ import annotations

import threading
import zlib
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import FileError
from nnscope.core.text import plain
from nnscope.sources.files.handle import FileSection, buffer_of
from nnscope.sources.files.zip_directory import DEFLATED, STORED, read_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.sources.files.dtypes import Bytes
    from nnscope.sources.files.handle import FileHandle, Fill, Section
    from nnscope.sources.files.zip_directory import Member

MAX_RATIO = 100
FREE_SIZE = 1 << 20
INFLATE_BUDGET = 512 << 20
"""Most bytes of one inflated member, and of all that are kept."""

_CHUNK = 1 << 18


class ZipArchive:
    """A zip archive whose directory has been read and checked.

    Attributes
    ----------
    handle : FileHandle
    members : dict of str to Member
    """

    def __init__(self, handle: FileHandle) -> None:
        self.handle = handle
        self.members = read_directory(handle)
        self._kept: OrderedDict[str, Bytes] = OrderedDict()
        self._lock = threading.Lock()

    def section(self, member: Member) -> Section:
        """The member's bytes, to be read in parts.

        Raises
        ------
        FileError
            If it is packed in an unknown way or would inflate beyond the limits.
        """
        refusal = self.refusal(member)
        if refusal is not None:
            raise refusal
        if member.method == STORED:
            return FileSection(self.handle, member.start, member.size)
        return _InflatedSection(self, member)

    def refusal(self, member: Member) -> FileError | None:
        """Why the member is not unpacked: by its method, or because it would inflate beyond the limits."""
        if member.method == STORED:
            return None
        limit = min(INFLATE_BUDGET, max(FREE_SIZE, MAX_RATIO * member.packed))
        if member.method == DEFLATED and member.size <= limit:
            return None
        name, path = plain(member.name, 80), self.handle.path
        if member.method != DEFLATED:
            what = f"The member {name!r} is packed by method {member.method}, which is not supported."
            return FileError("unsupported-compression", what, path, "Save it uncompressed.", offset=member.start)
        what = f"The member {name!r} claims {member.size} bytes from {member.packed} compressed ones."
        remedy = f"At most {MAX_RATIO} to 1 and {INFLATE_BUDGET} bytes are inflated; save it uncompressed."
        return FileError("compression-ratio", what, path, remedy, offset=member.start)

    def read(self, member: Member) -> bytes:
        """All bytes of a member; FileError as for `section`."""
        out = np.empty(member.size, np.uint8)
        with self.section(member).reading() as fill:
            fill(out, 0)
        return out.tobytes()

    def head(self, member: Member, length: int) -> bytes:
        """The first ``length`` bytes, or all if there are fewer; no more than that is inflated."""
        out = np.empty(min(length, member.size), np.uint8)
        if member.method == DEFLATED:
            with self.handle.reading() as fill:
                self._inflate(member, fill, out)
        else:
            with self.section(member).reading() as fill:
                fill(out, 0)
        return out.tobytes()

    def inflated(self, member: Member) -> Bytes:
        """All bytes of a deflated member, from memory if they are still kept."""
        with self._lock:
            if member.name in self._kept:
                self._kept.move_to_end(member.name)
                return self._kept[member.name]
        out = np.empty(member.size, np.uint8)
        with self.handle.reading() as fill:
            self._inflate(member, fill, out)
        if zlib.crc32(buffer_of(out)) != member.crc:
            raise self._damaged(member)
        self._keep(member, out)
        return out

    def matches_checksum(self, member: Member) -> bool:
        """Whether a stored member has the checksum that the archive gives."""
        crc = 0
        with self.handle.reading() as fill:
            for chunk in _chunks(member, fill):
                crc = zlib.crc32(chunk, crc)
        return crc == member.crc

    def _keep(self, member: Member, data: Bytes) -> None:
        with self._lock:
            self._kept[member.name] = data
            while sum(kept.nbytes for kept in self._kept.values()) > INFLATE_BUDGET:
                self._kept.popitem(last=False)

    def _inflate(self, member: Member, fill: Fill, out: Bytes) -> None:
        """Fill ``out`` with the first bytes of a member. With all of them, its stream must end there, too."""
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        view = buffer_of(out)
        prefix = out.size < member.size
        try:
            for pending in _chunks(member, fill):
                while pending and not stream.eof and (view or not prefix):
                    part = stream.decompress(pending, max(len(view), 1))  # 0 would mean without limit
                    view[: len(part)] = part  # fails if the stream goes on where the member should end
                    view, pending = view[len(part) :], stream.unconsumed_tail
                if prefix and not view:
                    return
            rest = stream.decompress(b"", 1)
        except (zlib.error, ValueError):
            raise self._damaged(member) from None
        if view or rest or not stream.eof or stream.unused_data:
            raise self._damaged(member)

    def _damaged(self, member: Member) -> FileError:
        what = f"The compressed member {plain(member.name, 80)!r} is damaged."
        return FileError("bad-compression", what, self.handle.path, "Fetch the file again.", offset=member.start)


class _InflatedSection:
    """A deflated member as a section of bytes."""

    __slots__ = ("_archive", "_member", "size")

    def __init__(self, archive: ZipArchive, member: Member) -> None:
        self._archive = archive
        self._member = member
        self.size = member.size

    @contextmanager
    def reading(self) -> Iterator[Fill]:
        """A group of reads with offsets counted from the member's start."""
        with self._archive.handle.reading():  # so that a changed or closed file is noticed though memory would do
            data = self._archive.inflated(self._member)

            def fill(out: Bytes, offset: int) -> None:
                out[:] = data[offset : offset + out.size]

            yield fill


def _chunks(member: Member, fill: Fill) -> Iterator[bytes]:
    buffer = np.empty(min(_CHUNK, member.packed), np.uint8)
    for start in range(0, member.packed, _CHUNK):
        part = buffer[: min(_CHUNK, member.packed - start)]
        fill(part, member.start + start)
        yield part.tobytes()
