"""NumPy's ``.npz``: a zip archive of ``.npy`` members, stored or deflated. Addresses are member paths less ``.npy``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from nnscope.core.tensor import Listing
from nnscope.core.text import plain
from nnscope.sources.files.formats import FileFormat
from nnscope.sources.files.npy import MAX_HEADER, check_size, header_end, info_of, parse_header
from nnscope.sources.files.source import FileSource, open_guarded
from nnscope.sources.files.zip_directory import first_name, is_zip
from nnscope.sources.files.zip_members import ZipArchive

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.files.npy import NpyArray
    from nnscope.sources.files.source import Located
    from nnscope.sources.files.zip_directory import Member

_HEAD = 512
"""Bytes that hold almost every header."""


def open_npz(path: str) -> FileSource:
    """Open the arrays that ``numpy.savez`` or ``numpy.savez_compressed`` wrote.

    Raises
    ------
    FileError
        If the archive or one of its arrays is malformed, cut short, or holds Python objects.
    """
    return open_guarded(path, _read)


def _read(handle: FileHandle) -> FileSource:
    archive = ZipArchive(handle)
    members = [member for name, member in archive.members.items() if name.endswith(".npy")]
    arrays = [_array(archive, member) for member in members]
    others = len(archive.members) - len(members)
    listing = Listing(
        path=handle.path,
        format=FORMAT.name,
        tensors=tuple(
            info_of(array, member.name.removesuffix(".npy"), handle.version)
            for array, member in zip(arrays, members, strict=True)
        ),
        warnings=(f"{others} members that are no arrays are not shown.",) if others else (),
        nbytes=handle.size,
    )

    def locate(i: int) -> Located:
        return archive.section(members[i]), arrays[i].layout

    return FileSource(listing, locate, handle.close)


def _array(archive: ZipArchive, member: Member) -> NpyArray:
    """What a member's header says, checked against the member's size."""
    where = f"{archive.handle.path}, {plain(member.name, 80)}"
    head = archive.head(member, _HEAD)
    if len(head) == _HEAD and header_end(head, where) > _HEAD:
        head = archive.head(member, MAX_HEADER)
    array = parse_header(head, where)
    check_size(array, member.size, where)
    refusal = archive.refusal(member)
    return array if refusal is None else replace(array, unreadable=refusal.what)


def _sniff(head: bytes, path: str) -> bool:
    name = first_name(head)
    return is_zip(head) and (
        name.endswith(b".npy") or (PurePath(path).suffix == ".npz" and not name.endswith(b"data.pkl"))
    )


FORMAT = FileFormat("npz", (".npz",), _sniff, open_npz)
