"""The formats that can be opened: one `FileFormat` each. A new format is one file, or a plugin's `add_format`.

A file is recognised by its content. Its suffix only breaks the tie when the content says nothing, so that a damaged
file is still reported by the reader of its format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError, NnscopeError
from nnscope.sources.files.handle import FileHandle

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.sources.base import Source

HEAD_BYTES = 4096
"""Bytes from the start of a file that ``sniff`` is shown; fewer if the file is shorter."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How one format is recognised and opened.

    Attributes
    ----------
    name : str
        As in `Listing.format`.
    suffixes : tuple of str
        Lower-case endings of file names, such as ``".npy"``.
    sniff : callable
        ``sniff(head, path)``: whether the first bytes are of this format.
    open : callable
        ``open(path)``: the source, or FileError.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes, str], bool]
    open: Callable[[str], Source]


_formats: dict[str, FileFormat] = {}


def formats() -> tuple[FileFormat, ...]:
    """All registered formats, in the order in which they are asked."""
    return tuple(_formats.values())


def add_format(file_format: FileFormat) -> None:
    """Register a format.

    Raises
    ------
    NnscopeError
        If the name is taken.
    """
    if file_format.name in _formats:
        raise NnscopeError("A file format of this name exists already.", file_format.name)
    _formats[file_format.name] = file_format


def recognise(path: str, follow_links: bool = True) -> FileFormat:
    """The format of a file: the first that its content is of, else the one that its name calls for.

    Raises
    ------
    FileError
        If it can't be read or is of no known format.
    """
    head = _read_head(path, follow_links)
    for candidate in formats():
        if candidate.sniff(head, path):
            return candidate
    suffix = PurePath(path).suffix.lower()
    for candidate in formats():
        if suffix in candidate.suffixes:
            return candidate
    known = ", ".join(sorted({suffix for candidate in formats() for suffix in candidate.suffixes}))
    raise FileError("unknown-format", "This is no file of a known format.", path, f"Known are {known}.")


def _read_head(path: str, follow_links: bool) -> bytes:
    handle = FileHandle(path, follow_links=follow_links)
    try:
        if not handle.size:
            raise FileError("empty", "The file is empty.", path, "Fetch or save it again.")
        return handle.read(0, min(handle.size, HEAD_BYTES))
    finally:
        handle.close()
