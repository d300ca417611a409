"""Formats that libraries of others parse, and that are therefore read in a process of their own (promise P6).

- **HDF5**: its C library has known holes and can spin for ever on a damaged file.
- **TIFF**: tifffile is Python and decodes through C libraries; it believes what the metadata of a dozen dialects claim
  (a number of planes becomes a list of that length), and a thread that does so can't be stopped.
- **Recorded runs**, whose segments are HDF5.

What is here is cheap: the libraries are imported when a file is opened, which happens in the reading process only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.sources.files.formats import FileFormat, recognise
from nnscope.store.runs.folder import is_run

if TYPE_CHECKING:
    from nnscope.sources.base import Source

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512, 1024, 2048)  # a block of somebody else's data may stand before it
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_here(path: str) -> Source:
    """Open a file of one of these formats in this process, which should be limited (`limits.limit_process`).

    Raises
    ------
    FileError
        If it can't be read, is malformed, or is of none of these formats.
    """
    if is_run(path):
        from nnscope.sources.session import RunSource

        return RunSource(path)
    return recognise(path, GUARDED).open(path)


def _is_hdf5(head: bytes, path: str) -> bool:
    return any(head.startswith(_HDF5_MAGIC, place) for place in _HDF5_PLACES)


def _is_tiff(head: bytes, path: str) -> bool:
    return head.startswith(_TIFF_MAGICS)


def _open_hdf5(path: str) -> Source:
    from nnscope.sources.guarded.hdf5 import open_hdf5

    return open_hdf5(path)


def _open_tiff(path: str) -> Source:
    from nnscope.sources.guarded.tiff import open_tiff

    return open_tiff(path)


GUARDED = (
    FileFormat("hdf5", (".h5", ".hdf5"), _is_hdf5, _open_hdf5),
    FileFormat("tiff", (".tif", ".tiff"), _is_tiff, _open_tiff),
)
