"""Reading whole files in tests: every tensor, the small ones in full, the large ones at their corners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscope.core.errors import FileError
from nnscope.sources.base import full_region
from nnscope.sources.files.open import open_file

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from nnscope.core.tensor import Listing
    from nnscope.sources.base import Source

SMALL = 1 << 20


def read_all(path: Path | str) -> tuple[Listing, dict[str, np.ndarray[Any, Any] | None]]:
    """The listing, and the values of every tensor and its first aliases; None for those that can't be shown."""
    source = open_file(path)
    try:
        listing = source.listing()
        names = {name: info for info in listing.tensors for name in (info.address, *info.aliases[:10])}
        return listing, {
            name: None if info.unreadable else _read(source, name, info.shape) for name, info in names.items()
        }
    finally:
        source.close()


def _read(source: Source, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    reader = source.reader(name)
    if reader.info.size <= SMALL and max(shape, default=0) < 1 << 40:
        return reader.read(full_region(shape))
    return reader.read(tuple((max(n - 1, 0), n, 1) for n in shape))


def outcome(path: Path) -> FileError | dict[str, np.ndarray[Any, Any] | None]:
    """What reading everything comes to: values, or the one error there may be. Any other exception is a failure."""
    try:
        return read_all(path)[1]
    except FileError as error:
        return error


def same_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    """Whether two arrays have the same type, shape and bytes (so that NaN and −0 count)."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
