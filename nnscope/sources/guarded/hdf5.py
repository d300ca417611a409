"""HDF5 datasets, addressed by their member path, read region by region through h5py.

To be imported in a reading process only (see `nnscope.sources.guarded.formats`). A dataset may send the library to
other files: as an external link (`hdf5_walk` follows none), through external storage, and as a virtual dataset. All are
seen in a dataset's creation properties, which are read before its extent is asked for: asking a virtual dataset for its
extent opens the files it is made of. A filter that is not built in would be loaded as a plugin, so that only the plain
ones are let through, and the reading process is started with plugins switched off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from nnscope.core.errors import FileError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.core.text import plain
from nnscope.sources.files.source import ListedSource, open_guarded
from nnscope.sources.files.strided import checked_counts, too_many_axes
from nnscope.sources.guarded.claims import NUMBERS, piece_refusal, refusal, told_as_file_error
from nnscope.sources.guarded.hdf5_walk import members_of
from nnscope.sources.guarded.limits import parsing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.request import Region
    from nnscope.sources.files.dtypes import Array
    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.guarded.hdf5_walk import Member

CHUNK_CACHE = 64 << 20  # bytes of decoded chunks kept for each dataset that is read

SPARSE = 40
"""Elements in a row that HDF5 copies in the time of one that stands alone (measured: 4 ns and 170 to 900 ns)."""

SCRATCH_BYTES = 32 << 20
"""About the most bytes of values that are read to be thinned out."""

FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
}
"""Filters that are read, by HDF5's numbers; all are compiled into the library."""

_CLASSES = {
    h5py.h5t.STRING: ("text", "It holds text, not numbers."),
    h5py.h5t.VLEN: ("list", "Its elements are lists of different lengths."),
    h5py.h5t.REFERENCE: ("reference", "It holds references to other members, not numbers."),
    h5py.h5t.OPAQUE: ("bytes", "The file does not say what type its raw bytes are."),
    h5py.h5t.BITFIELD: ("bits", "It holds bit fields, not numbers."),
    h5py.h5t.TIME: ("time", "It holds dates, not numbers."),
    h5py.h5t.ARRAY: ("array", "Its elements are arrays."),
    h5py.h5t.COMPOUND: ("record", "It is an array of records, not of numbers."),
}
"""By HDF5's class of types: what it is called in a listing, and why it is not shown."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a dataset says of itself; ``unreadable`` as in `TensorInfo`."""

    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    unreadable: str


def open_hdf5(path: str) -> ListedSource:
    """Open a file and list its datasets.

    Raises
    ------
    FileError
        If it is malformed.
    """
    return open_guarded(path, _read)


def _read(handle: FileHandle) -> ListedSource:
    with told_as_file_error(handle.path), handle.reading():
        file = h5py.File(handle.path, "r", locking=False, rdcc_nbytes=CHUNK_CACHE)
        members, warnings = members_of(file, lambda dataset: _facts(dataset, handle))
        infos = tuple(_info(member, handle.version) for member in members)
    listing = Listing(handle.path, "hdf5", infos, warnings=warnings, nbytes=handle.size)

    def release() -> None:
        with parsing():
            file.close()
        handle.close()

    return ListedSource(listing, lambda i: Hdf5Tensor(infos[i], file, members[i].path, handle), release)


class Hdf5Tensor:
    """One dataset (a `TensorReader`)."""

    def __init__(self, info: TensorInfo, file: h5py.File, member: bytes, handle: FileHandle) -> None:
        self.info = info
        self._file = file
        self._member = member
        self._handle = handle

    def read(self, region: Region) -> Array:
        """The values of ``region`` in this machine's byte order; see `TensorReader.read`."""
        where = plain(self.info.address)
        dtype = np.dtype(self.info.dtype)
        counts = checked_counts(self.info.shape, dtype.itemsize, region, where)
        if 0 in counts:
            return np.empty(counts, dtype)
        with parsing(), self._handle.reading(), told_as_file_error(where):
            values = self._read(region, counts)
        if dtype == np.bool_:  # a stored byte other than 0 and 1 is true, and NumPy must never see it
            return np.not_equal(values, 0)
        return values.astype(dtype, copy=False)

    def _read(self, region: Region, counts: tuple[int, ...]) -> Array:
        if not self._file:
            raise FileError("closed", "The file has been closed.", self._handle.path)
        dataset = h5py.h5d.open(self._file.id, self._member)
        out, memory_type = _destination(dataset.get_type(), counts)
        if not region:
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, out, memory_type)
            return out
        for rows, part, thinned in _parts(region, counts, out.itemsize):
            values = out[rows] if thinned is None else _destination(dataset.get_type(), _lengths(part))[0]
            _select(dataset, part, values, memory_type)
            if thinned is not None:
                out[rows] = values[thinned]
        return out


def _select(dataset: Any, part: Region, values: Array, memory_type: Any) -> None:
    space = dataset.get_space()
    space.select_hyperslab(tuple(r[0] for r in part), values.shape, stride=tuple(r[2] for r in part))
    dataset.read(h5py.h5s.create_simple(values.shape), space, values, memory_type)


def _lengths(region: Region) -> tuple[int, ...]:
    return tuple(len(range(*axis)) for axis in region)


def _parts(
    region: Region, counts: tuple[int, ...], itemsize: int
) -> Iterator[tuple[slice, Region, tuple[slice, ...] | None]]:
    """What to ask HDF5 for: rows of the answer, the region to read, and how to thin it out (None: not at all).

    HDF5 copies an element of a selection with steps in about the time that it takes to copy `SPARSE` in a row, so that
    steps are made afterwards unless they leave out almost everything.
    """
    dense = tuple((start, start + (n - 1) * step + 1, 1) for n, (start, _, step) in zip(counts, region, strict=True))
    ratio = math.prod(_lengths(dense)) / math.prod(counts)
    row = math.prod(_lengths(dense[1:])) * itemsize * region[0][2]  # bytes, up to the next row that is wanted
    if ratio == 1 or ratio > SPARSE or row > 4 * SCRATCH_BYTES:
        yield (
            slice(None),
            tuple((low, high, step) for (low, high, _), (_, _, step) in zip(dense, region, strict=True)),
            None,
        )
        return
    thinned = tuple(slice(None, None, step) for _, _, step in region)
    start, step = region[0][0], region[0][2]
    rows = max(1, SCRATCH_BYTES // row)
    for first in range(0, counts[0], rows):
        last = min(first + rows, counts[0]) - 1
        yield slice(first, last + 1), ((start + first * step, start + last * step + 1, 1), *dense[1:]), thinned


def _destination(stored: Any, counts: tuple[int, ...]) -> tuple[Array, Any]:
    """An array for values of the type ``stored``, and HDF5's type of its elements.

    Enumerations, truth values among them, are converted by name, not by value, so that they are read as they lie.
    """
    if stored.get_class() == h5py.h5t.ENUM:
        return np.empty(counts, stored.get_super().dtype), stored
    dtype = stored.dtype.newbyteorder("=")
    return np.empty(counts, dtype), h5py.h5t.py_create(dtype)


def _info(member: Member, version: int) -> TensorInfo:
    """The listing's entry; what is not read is listed with the reason."""
    facts: _Facts = member.facts or _Facts((0,), "link", 0, member.refusal)
    return TensorInfo(
        address=_text(member.path),
        shape=facts.shape,
        dtype=facts.dtype,
        kind="link" if member.facts is None else "array",
        nbytes=facts.nbytes,
        version=version,
        aliases=tuple(map(_text, member.aliases)),
        unreadable=facts.unreadable,
    )


def _facts(dataset: Any, handle: FileHandle) -> _Facts:
    try:
        with told_as_file_error(handle.path):
            properties = dataset.get_create_plist()
            elsewhere = _elsewhere(properties)
            return _Facts((0,), "unknown", 0, elsewhere) if elsewhere else _sized(dataset, properties, handle.size)
    except FileError as error:
        return _Facts((0,), "unknown", 0, error.what)


def _sized(dataset: Any, properties: Any, file_size: int) -> _Facts:
    """The facts of a dataset whose values are in this file."""
    stored, space = dataset.get_type(), dataset.get_space()
    dtype, reason = _type(stored)
    if space.get_simple_extent_type() == h5py.h5s.NULL:
        return _Facts((0,), dtype, 0, reason or "It is empty.")
    shape = tuple(map(int, space.get_simple_extent_dims()))
    itemsize = int(stored.get_size())
    nbytes = math.prod(shape) * itemsize
    reason = reason or too_many_axes(len(shape)) or _filtered(properties)
    reason = reason or _stored(properties, itemsize, nbytes, int(dataset.get_storage_size()), file_size)
    return _Facts(shape, dtype, nbytes, reason)


def _elsewhere(properties: Any) -> str:
    """Why a dataset whose values are not in this file is not opened; empty when they are."""
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        return "It is a virtual dataset, made of others; they are not followed."
    if properties.get_external_count():
        name = properties.get_external(0)[0]
        shown = plain(name.decode(errors="replace") if isinstance(name, bytes) else str(name), 100)
        return f"Its values are in another file ({shown}), which is not read."
    return ""


def _type(stored: Any) -> tuple[str, str]:
    """The canonical name of a type, and why values of it can't be shown."""
    kind = stored.get_class()
    try:
        name = stored.dtype.name
    except (TypeError, ValueError):  # h5py has no NumPy type for it
        name = "unknown"
    if name == "bool" and stored.get_super().get_size() != 1:
        return name, "Its truth values have more than one byte."
    if name in NUMBERS:
        return name, ""
    if kind in (h5py.h5t.FLOAT, h5py.h5t.INTEGER, h5py.h5t.ENUM):
        return name, "Numbers of this size are not supported."
    return _CLASSES.get(kind, (name, "Its type is unknown."))


def _filtered(properties: Any) -> str:
    """Why its filters are not applied; empty when they are all known."""
    for i in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(i)
        if code not in FILTERS:
            shown = plain(bytes(name).decode(errors="replace"), 60) or "unnamed"
            return f"It is stored through the filter {code} ({shown}); known are {', '.join(FILTERS.values())}."
    return ""


def _stored(properties: Any, itemsize: int, nbytes: int, stored: int, file_size: int) -> str:
    """Why what it claims can't be in the file; empty when it can."""
    if stored > file_size:
        return f"It claims {stored} bytes of the file, which has {file_size}."
    reason = refusal(nbytes, stored)
    if not reason and properties.get_layout() == h5py.h5d.CHUNKED:
        reason = piece_refusal(math.prod(properties.get_chunk()) * itemsize, "chunks")
    return reason


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")
