"""TIFF stacks through tifffile: plain pages, ImageJ and OME, big-endian and BigTIFF.

To be imported in a reading process only (see `nnscope.sources.guarded.formats`). A series of pages becomes one tensor
with the axes that the file names. Where its values lie in one piece, as ImageJ writes them, they are read like those of
any other file; otherwise page by page, and of a page only the strips or tiles that the region touches.

Of tifffile's dialects the three above are asked, because others bring readers of their own for what is in private tags.
Series that span several files are not followed.
"""

from __future__ import annotations

import logging
import math
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tifffile

from nnscope.core.errors import FileError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.core.text import plain
from nnscope.sources.files.dtypes import element
from nnscope.sources.files.handle import FileSection
from nnscope.sources.files.source import FileTensor, ListedSource, open_guarded, stem_of
from nnscope.sources.files.strided import Strided, contiguous, too_many_axes
from nnscope.sources.guarded.claims import NUMBERS, piece_refusal, refusal, told_as_file_error
from nnscope.sources.guarded.stream import buffered
from nnscope.sources.guarded.tiff_chain import check_chain
from nnscope.sources.guarded.tiff_pages import PagedTensor, Pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.sources.base import TensorReader
    from nnscope.sources.files.handle import FileHandle

MAX_SERIES = 1000
MAX_WARNINGS = 20

_DIALECTS = frozenset(
    (
        *("lsm", "mmstack", "ndtiff", "fluoview", "stk", "sis", "svs", "scn", "qpi"),
        *("ndpi", "bif", "avs", "eer", "philips", "scanimage", "nih", "mdgel"),
    )
)
"""tifffile's readers of other makers' private tags, which stay switched off."""

_LETTERS = frozenset("TZCYXS")  # time, depth, channel, height, width, sample; others mean less than a number


def open_tiff(path: str) -> ListedSource:
    """Open the series of a file; the address of the only one is the file's stem, of several ``stem/0``, ``stem/1`` …

    Raises
    ------
    FileError
        If it is malformed or cut within its directories.
    """
    return open_guarded(path, _read)


def _read(handle: FileHandle) -> ListedSource:
    with told_as_file_error(handle.path), handle.reading(), _heard() as said:
        pages = check_chain(handle)
        switched_off = {f"is_{name}": False for name in _DIALECTS & tifffile.TIFF.FILE_FLAGS}
        file = tifffile.TiffFile(buffered(handle), _multifile=False, **switched_off)
        series = list(file.series)
        if not series or len(series) > MAX_SERIES:
            what = f"It has {len(series)} series of pages; between 1 and {MAX_SERIES} can be shown."
            raise FileError("damaged", what, handle.path, "The file is damaged or of a kind that is not supported.")
        stem = stem_of(handle.path)
        names = [stem] if len(series) == 1 else [f"{stem}/{i}" for i in range(len(series))]
        infos = tuple(_info(one, name, handle) for one, name in zip(series, names, strict=True))
    metadata = (("pages", str(pages)), ("kind", ", ".join(sorted({one.kind for one in series}))))
    listing = Listing(handle.path, "tiff", infos, warnings=tuple(said), metadata=metadata, nbytes=handle.size)
    return ListedSource(listing, lambda i: _tensor(infos[i], series[i], handle), handle.close)


_SUBJECT = re.compile(r"^<tifffile\.[^>]*> ")  # at the beginning of tifffile's messages


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What tifffile logs meanwhile, as sentences: it tells so of what it passes over."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if len(said) < MAX_WARNINGS:
                said.append(plain(_SUBJECT.sub("", record.getMessage()), 200))

    logger, listener = tifffile.logger(), Listener(logging.WARNING)
    before, logger.propagate = logger.propagate, False
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)
        logger.propagate = before


def _info(series: Any, name: str, handle: FileHandle) -> TensorInfo:
    shape = tuple(map(int, series.shape))
    dtype = "unknown" if series.dtype is None else series.dtype.name
    nbytes = 0 if series.dtype is None else math.prod(shape) * series.dtype.itemsize
    return TensorInfo(
        address=name,
        shape=shape,
        dtype=dtype,
        kind="array",
        nbytes=nbytes,
        version=handle.version,
        axes=tuple(letter if letter in _LETTERS else "" for letter in series.axes),
        unreadable=_unreadable(series, shape, dtype, nbytes, handle),
    )


def _unreadable(series: Any, shape: tuple[int, ...], dtype: str, nbytes: int, handle: FileHandle) -> str:
    """Why no region of it can be read; empty when regions can."""
    if dtype not in NUMBERS:
        return "Numbers of this kind are not supported."
    reason = too_many_axes(len(shape)) or refusal(nbytes, handle.size)
    if reason:
        return reason
    if series.dataoffset is not None:
        end = series.dataoffset + nbytes
        return "" if end <= handle.size else f"Its values end at byte {end}, but the file at byte {handle.size}."
    pages = Pages.of(series)
    if pages is None:
        return "Its pages do not make up its shape."
    return piece_refusal(pages.piece_bytes, "strips or tiles") or _codec_refusal(series.keyframe)


def _codec_refusal(page: Any) -> str:
    """Why its compression can't be undone; empty when it can."""
    if page.compression != 1:
        name = getattr(page.compression, "name", "")
        if not name:
            return f"It is compressed by a method of the number {page.compression}, which is not known."
        try:
            tifffile.TIFF.DECOMPRESSORS[page.compression]
        except KeyError:
            return f"It is compressed by {name}, which needs the package imagecodecs: install it to see the values."
    if page.predictor != 1:
        name = getattr(page.predictor, "name", str(page.predictor))
        try:
            tifffile.TIFF.UNPREDICTORS[page.predictor]
        except KeyError:
            return f"Its predictor {name} needs the package imagecodecs: install it to see the values."
    return ""


def _tensor(info: TensorInfo, series: Any, handle: FileHandle) -> TensorReader:
    if series.dataoffset is None:
        pages = Pages.of(series)
        assert pages is not None  # else it would be listed as unreadable
        return PagedTensor(info, pages, handle)
    order = "big" if series.keyframe.parent.byteorder == ">" else "little"
    layout = Strided(element(info.dtype, order), info.shape, contiguous(info.shape), series.dataoffset)
    return FileTensor(info, FileSection(handle, 0, handle.size), layout)
