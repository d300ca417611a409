"""A series of TIFF pages as one array of which regions are read: pages by index, and of each the pieces that it needs.

tifffile knows a page as an array of five axes, [sample, depth, length, width, contiguous sample], cut into a grid of
pieces (strips or tiles) that are stored one by one. The series' own axes are those of its pages, less the ones of size
1, behind the axes that count pages.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.core.errors import FileError
from nnscope.core.text import plain
from nnscope.sources.files.strided import checked_counts
from nnscope.sources.guarded.claims import told_as_file_error
from nnscope.sources.guarded.limits import parsing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nnscope.core.request import Region
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.files.dtypes import Array
    from nnscope.sources.files.handle import FileHandle

Five = tuple[int, ...]  # one number per axis of a page
_JPEG = frozenset((6, 7, 34892, 33007))  # compressions whose tables lie beside the pieces


@dataclass(frozen=True, slots=True)
class Pages:
    """How a series is made of pages, and its pages of pieces.

    Attributes
    ----------
    series : tifffile.TiffPageSeries
    outer : tuple of int
        Sizes of the series' axes that count pages.
    inner : tuple of int
        For each of its other axes, that of the page's five which it is; −1 for one of size 1 that no page has.
    page, piece, grid : tuple of int
        Sizes of a page, of one piece, and the number of pieces, along the five axes.
    """

    series: Any
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    page: Five
    piece: Five
    grid: Five

    @classmethod
    def of(cls, series: Any) -> Pages | None:
        """None when the pages do not make up the shape."""
        page, piece = _five(series.keyframe)
        if 0 in page or min(piece) < 1:
            return None
        shape = tuple(map(int, series.shape))
        for split in range(len(shape) + 1):
            inner = _match(shape[split:], page)
            if inner is not None and math.prod(shape[:split]) == len(series):
                grid = tuple(-(-n // size) for n, size in zip(page, piece, strict=True))
                return cls(series, shape[:split], inner, page, piece, grid)
        return None

    @property
    def piece_bytes(self) -> int:
        """Bytes of one decoded piece."""
        return math.prod(self.piece) * int(self.series.dtype.itemsize)


class PagedTensor:
    """A series that is read page by page (a `TensorReader`)."""

    def __init__(self, info: TensorInfo, pages: Pages, handle: FileHandle) -> None:
        self.info = info
        self._pages = pages
        self._handle = handle

    def read(self, region: Region) -> Array:
        """The values of ``region``; see `TensorReader.read`."""
        where = plain(self.info.address)
        dtype = np.dtype(self.info.dtype)
        counts = checked_counts(self.info.shape, dtype.itemsize, region, where)
        out = np.empty(counts, dtype)
        if not out.size:
            return out
        outer = len(self._pages.outer)
        indices = itertools.product(*(range(*axis) for axis in region[:outer]))
        targets = out.reshape(-1, *counts[outer:])
        with parsing(), self._handle.reading(), told_as_file_error(where):
            for target, index in zip(targets, indices, strict=True):
                self._read_page(target, self._number(index), region[outer:])
        return out

    def _number(self, index: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(index, self._pages.outer)) if index else 0

    def _read_page(self, target: Array, number: int, region: Region) -> None:
        """Fill ``target`` with the region of a page; a page that the file leaves out is made of its 'no data'."""
        whole = [(0, n, 1) for n in self._pages.page]
        for axis, wanted in zip(self._pages.inner, region, strict=True):
            if axis >= 0:
                whole[axis] = wanted
        page, nodata = self._pages.series[number], self._pages.series.keyframe.nodata
        five = target.reshape([len(range(*axis)) for axis in whole])
        if page is None:
            five[...] = nodata
            return
        self._check(page)
        for index in _touched(whole, self._pages.piece):
            where_out, where_piece = _overlap(whole, index, self._pages.piece)
            piece = self._decode(page, index)
            five[where_out] = nodata if piece is None else piece[where_piece]

    def _check(self, page: Any) -> None:
        expected, found = math.prod(self._pages.grid), min(len(page.dataoffsets), len(page.databytecounts))
        if found != expected:
            what = f"A page is made of {expected} strips or tiles, but {found} are listed."
            raise FileError("damaged", what, self._handle.path, "The file is damaged.")

    def _decode(self, page: Any, index: Five) -> Array | None:
        """The piece at that place of the grid as an array of five axes; None if it is left out."""
        number = int(np.ravel_multi_index(index, self._pages.grid))
        count = int(page.databytecounts[number])
        if not count:
            return None
        keyframe = self._pages.series.keyframe
        tables = {"jpegtables": page.jpegtables, "jpegheader": keyframe.jpegheader}
        stored = self._handle.read(int(page.dataoffsets[number]), count)
        decoded, _, _ = keyframe.decode(stored, number, **(tables if keyframe.compression in _JPEG else {}))
        if decoded is None:
            return None
        return np.asarray(decoded)[np.newaxis]  # [depth, length, width, sample] of one plane


def _five(page: Any) -> tuple[Five, Five]:
    """Sizes of a page and of its pieces along its five axes."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    shaped = tuple(map(int, page.shaped))
    if page.is_tiled:
        return shaped, (1, int(page.tiledepth), int(page.tilelength), int(page.tilewidth), int(samples))
    rows = min(int(page.rowsperstrip), shaped[2])  # a strip as long as can be stands for the whole page
    return shaped, (1, 1, rows, int(page.imagewidth), int(samples))


def _match(inner: tuple[int, ...], page: Five) -> tuple[int, ...] | None:
    """For each axis of a series which of a page's it is, in order; None when they don't fit."""
    axes = [axis for axis, n in enumerate(page) if n > 1]
    if [n for n in inner if n > 1] != [page[axis] for axis in axes]:
        return None
    places = iter(axes)
    return tuple(next(places) if n > 1 else -1 for n in inner)


def _touched(region: list[tuple[int, int, int]], piece: Five) -> Iterator[Five]:
    """Places in the grid of the pieces that hold an element of the region."""
    return itertools.product(*(_places(*axis, size) for axis, size in zip(region, piece, strict=True)))


def _places(start: int, stop: int, step: int, size: int) -> Sequence[int]:
    """Pieces of ``size`` along one axis that hold an element of the range, which is not empty."""
    if step > size:
        return [place // size for place in range(start, stop, step)]
    last = start + (stop - 1 - start) // step * step
    return range(start // size, last // size + 1)


def _overlap(
    region: list[tuple[int, int, int]], index: Five, piece: Five
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a piece's part of the region lies in the region, and where in the piece."""
    out, inside = [], []
    for (start, stop, step), place, size in zip(region, index, piece, strict=True):
        low, high = place * size, min((place + 1) * size, stop)
        first = max(0, -(-(low - start) // step))
        count = len(range(start + first * step, high, step))
        out.append(slice(first, first + count))
        inside.append(slice(start + first * step - low, high - low, step))
    return tuple(out), tuple(inside)
