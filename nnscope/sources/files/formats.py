"""File formats: how one is recognised and opened. A new built-in format is one file with its `FileFormat`.

A file is recognised by its content. Its suffix only breaks the tie when the content says nothing, so that a damaged
file is still reported by the reader of its format.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from nnscope.core.errors import FileError
from nnscope.sources.files.handle import FileHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def suffix_of(path: str) -> str:
    """The ending of a file's name in lower case, with its dot."""
    return PurePath(path).suffix.lower()


def recognise(path: str, candidates: Sequence[FileFormat], follow_links: bool = True) -> FileFormat:
    """The format of a file: the first candidate that its content is of, else the one that its name calls for.

    Raises
    ------
    FileError
        If it can't be read or is of none of these formats.
    """
    head = _read_head(path, follow_links)
    for candidate in candidates:
        if candidate.sniff(head, path):
            return candidate
    for candidate in candidates:
        if suffix_of(path) in candidate.suffixes:
            return candidate
    known = ", ".join(sorted({suffix for candidate in candidates for suffix in candidate.suffixes}))
    raise FileError("unknown-format", "This is no file of a known format.", path, f"Known are {known}.")


def _read_head(path: str, follow_links: bool) -> bytes:
    handle = FileHandle(path, follow_links=follow_links)
    try:
        if not handle.size:
            raise FileError("empty", "The file is empty.", path, "Fetch or save it again.")
        return handle.read(0, min(handle.size, HEAD_BYTES))
    finally:
        handle.close()
