"""The members of a zip archive, from a directory that is checked against the archive itself.

Readers of zip files disagree on damaged or crafted archives, and attacks live in the difference. Here there is one
reading or none: the directory at the end must end the file, each local header must agree with its entry (name, flags,
method, sizes, checksum), no two members may share a byte, none may be encrypted. Nothing is inflated here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError
from nnscope.core.text import plain

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle

STORED, DEFLATED = 0, 8
MAX_MEMBERS = 300_000
MAX_DIRECTORY = 100_000_000

_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR = struct.Struct("<4sI")
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_HAS_DESCRIPTOR = 0x8
_UTF8 = 0x800
_BIG32, _BIG16 = 0xFFFFFFFF, 0xFFFF
_WINDOW = 1 << 14


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name, how it is packed, its sizes in bytes, and where its packed data begins in the file."""

    name: str
    method: int
    packed: int
    size: int
    crc: int
    start: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the directory, before its local header was seen."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    header: int


class _Window:
    """Short reads here and there, served from one longer read where they lie close together."""

    def __init__(self, handle: FileHandle) -> None:
        self._handle = handle
        self._start = 0
        self._data = b""

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; FileError if they are not there."""
        at = offset - self._start
        if at < 0 or at + length > len(self._data):
            self._data = self._handle.read(offset, max(length, min(_WINDOW, self._handle.size - offset)))
            self._start, at = offset, 0
        return self._data[at : at + length]


def is_zip(head: bytes) -> bool:
    """Whether a file begins like a zip archive."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def first_name(head: bytes) -> bytes:
    """The name of the archive's first member, as far as ``head`` goes."""
    return head[_LOCAL.size : _LOCAL.size + int.from_bytes(head[26:28], "little")] if is_zip(head) else b""


def read_directory(handle: FileHandle) -> dict[str, Member]:
    """All members by name, in the order of the directory.

    Raises
    ------
    FileError
        If the archive is cut short, contradicts itself, or has encrypted or overlapping members.
    """
    count, size, offset = _find_directory(handle)
    entries = _entries(handle, count, size, offset)
    window = _Window(handle)
    members: dict[str, Member] = {}
    for entry in entries:
        member = _check_local(handle, window, entry)
        if member.name in members:
            _fail(handle, f"Two members are named {plain(member.name, 80)!r}.", entry.header, "duplicate-name")
        members[member.name] = member
    _refuse_overlap(handle, entries, members, offset)
    return members


def _fail(handle: FileHandle, what: str, offset: int, code: str = "bad-zip") -> NoReturn:
    raise FileError(code, what, handle.path, "The archive is damaged or was made to deceive.", offset=offset)


def _find_directory(handle: FileHandle) -> tuple[int, int, int]:
    """Number of entries, bytes and offset of the directory."""
    tail_size = min(handle.size, _END.size + _BIG16)
    tail = handle.read(handle.size - tail_size, tail_size)
    at = tail.rfind(b"PK\x05\x06", 0, max(len(tail) - _END.size + 4, 0))
    end = handle.size - tail_size + at
    if at < 0:
        what = "The zip archive has no directory at its end."
        raise FileError("truncated", what, handle.path, "It is cut short; fetch it again.", offset=handle.size)
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, at)
    if end + _END.size + comment != handle.size:
        _fail(handle, "Bytes follow the end of the zip archive.", end, "trailing-bytes")
    if _has_locator(handle, end):
        return _find_directory64(handle, end)
    if disk or first_disk or here != count:
        _fail(handle, "The zip archive claims to be split over several disks.", end)
    return _checked_extent(handle, count, size, offset, end)


def _has_locator(handle: FileHandle, end: int) -> bool:
    return end >= _LOCATOR.size and handle.read(end - _LOCATOR.size, 4) == b"PK\x06\x07"


def _find_directory64(handle: FileHandle, end: int) -> tuple[int, int, int]:
    """The same, from the record that archives of over 4 GB or 65 535 members have before the last one."""
    _, _, record, disks = _LOCATOR.unpack(handle.read(end - _LOCATOR.size, _LOCATOR.size))
    if record + _END64.size > end - _LOCATOR.size or disks > 1:
        _fail(handle, "The zip archive's large-file record lies where it can't be.", end)
    signature, length, _, _, disk, first_disk, here, count, size, offset = _END64.unpack(
        handle.read(record, _END64.size)
    )
    if signature != b"PK\x06\x06" or record + 12 + length != end - _LOCATOR.size:
        _fail(handle, "The zip archive's large-file record is malformed.", record)
    if disk or first_disk or here != count:
        _fail(handle, "The zip archive claims to be split over several disks.", record)
    return _checked_extent(handle, count, size, offset, record)


def _checked_extent(handle: FileHandle, count: int, size: int, offset: int, end: int) -> tuple[int, int, int]:
    if count > MAX_MEMBERS or size > MAX_DIRECTORY:
        what = f"The zip archive claims {count} members in a directory of {size} bytes; that many are not read."
        _fail(handle, what, end, "over-budget")
    if offset + size != end or size < count * _ENTRY.size:
        _fail(handle, "The zip archive's directory is not where its end says.", end)
    return count, size, offset


def _entries(handle: FileHandle, count: int, size: int, offset: int) -> list[_Entry]:
    data = handle.read(offset, size)
    entries: list[_Entry] = []
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > size:
            _fail(handle, "The zip archive's directory is cut short.", offset + at)
        fields = _ENTRY.unpack_from(data, at)
        signature, flags, method, crc = fields[0], fields[3], fields[4], fields[7]
        name_length, extra_length, comment_length, disk = fields[10:14]
        name_at, extra_at = at + _ENTRY.size, at + _ENTRY.size + name_length
        following = extra_at + extra_length + comment_length
        if signature != b"PK\x01\x02" or following > size or disk:
            _fail(handle, "An entry of the zip archive's directory is malformed.", offset + at)
        extra = data[extra_at : extra_at + extra_length]
        sizes = _sizes64(extra, [fields[9], fields[8], fields[16]])
        if sizes is None:
            _fail(handle, "An entry of the zip archive's directory lacks its sizes.", offset + at)
        entries.append(_Entry(data[name_at:extra_at], flags, method, crc, sizes[1], sizes[0], sizes[2]))
        at = following
    if at != size:
        _fail(handle, "The zip archive's directory has bytes that belong to no entry.", offset + at)
    return entries


def _sizes64(extra: bytes, values: list[int]) -> list[int] | None:
    """Size, packed size (and offset): those that don't fit 32 bits are in the extra field of id 1, in that order."""
    if _BIG32 not in values:
        return values
    at = 0
    while at + 4 <= len(extra):
        identity, length = struct.unpack_from("<HH", extra, at)
        if identity == 1:
            wide = extra[at + 4 : at + 4 + length]
            numbers = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
            found = [next(numbers, None) if value == _BIG32 else value for value in values]
            return None if None in found else [value for value in found if value is not None]
        at += 4 + length
    return None


def _check_local(handle: FileHandle, window: _Window, entry: _Entry) -> Member:
    """The member, if its local header says what the directory says."""
    name = entry.raw_name.decode("utf-8" if entry.flags & _UTF8 else "cp437", "backslashreplace")
    if entry.flags & _ENCRYPTED:
        _fail(handle, f"The member {plain(name, 80)!r} is encrypted.", entry.header, "encrypted")
    if entry.header + _LOCAL.size + len(entry.raw_name) > handle.size:
        _fail(handle, f"The member {plain(name, 80)!r} lies beyond the end of the file.", entry.header)
    data = window.read(entry.header, _LOCAL.size + len(entry.raw_name))
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data)
    start = entry.header + _LOCAL.size + name_length + extra_length
    same = (
        signature == b"PK\x03\x04"
        and data[_LOCAL.size :] == entry.raw_name
        and name_length == len(entry.raw_name)
        and (flags ^ entry.flags) & (_ENCRYPTED | _HAS_DESCRIPTOR | _UTF8) == 0
        and method == entry.method
        and start + entry.packed <= handle.size
        and (entry.method != STORED or entry.packed == entry.size)
        and _same_sizes(window, entry, (crc, size, packed), start - extra_length, extra_length)
    )
    if not same:
        what = f"The member {plain(name, 80)!r} contradicts the archive's directory."
        _fail(handle, what, entry.header, "zip-mismatch")
    return Member(name, entry.method, entry.packed, entry.size, entry.crc, start)


def _same_sizes(window: _Window, entry: _Entry, local: tuple[int, int, int], extra_at: int, extra_length: int) -> bool:
    """Whether checksum, size and packed size agree; a member written in one go has them behind its data instead."""
    crc, *sizes = local
    if entry.flags & _HAS_DESCRIPTOR:
        given = zip((crc, *sizes), (entry.crc, entry.size, entry.packed), strict=True)
        end = extra_at + extra_length + entry.packed
        return all(value in (0, _BIG32, true) for value, true in given) and _same_descriptor(window, entry, end)
    if _BIG32 in sizes:
        wide = _sizes64(window.read(extra_at, extra_length), sizes)
        if wide is None:
            return False
        sizes = wide
    return crc == entry.crc and sizes == [entry.size, entry.packed]


def _same_descriptor(window: _Window, entry: _Entry, end: int) -> bool:
    """Whether the checksum behind the data agrees; the directory still follows, so there are bytes to read."""
    signature, crc = _DESCRIPTOR.unpack(window.read(end, _DESCRIPTOR.size))
    return crc == entry.crc if signature == b"PK\x07\x08" else int.from_bytes(signature, "little") == entry.crc


def _refuse_overlap(handle: FileHandle, entries: list[_Entry], members: dict[str, Member], directory: int) -> None:
    spans = sorted((e.header, m.start + m.packed) for e, m in zip(entries, members.values(), strict=True))
    limits = [header for header, _ in spans] + [directory]
    if limits[0] != 0:
        _fail(handle, "Bytes stand before the first member of the zip archive.", 0)
    for (header, end), limit in zip(spans, limits[1:], strict=True):
        if end > limit:
            _fail(handle, "Two members of the zip archive share bytes.", header, "overlap")
