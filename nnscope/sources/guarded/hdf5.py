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
    from nnscope.core.request import Region
    from nnscope.sources.files.dtypes import Array
    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.guarded.hdf5_walk import Member

CHUNK_CACHE = 64 << 20  # bytes of decoded chunks kept for each dataset that is read

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
        If it is malformed, or has more members than can be listed.
    """
    return open_guarded(path, _read)


def _read(handle: FileHandle) -> ListedSource:
    with told_as_file_error(handle.path), handle.reading():
        file = h5py.File(handle.path, "r", locking=False, rdcc_nbytes=CHUNK_CACHE)
        members = members_of(file, handle.path)
        infos = tuple(_info(file, member, handle) for member in members)
    listing = Listing(handle.path, "hdf5", infos, nbytes=handle.size)

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
        space = dataset.get_space()
        if region:
            start, step = tuple(r[0] for r in region), tuple(r[2] for r in region)
            space.select_hyperslab(start, counts, stride=step)
        out, memory_type = _destination(dataset.get_type(), counts)
        dataset.read(h5py.h5s.create_simple(counts) if region else h5py.h5s.ALL, space, out, memory_type)
        return out


def _destination(stored: Any, counts: tuple[int, ...]) -> tuple[Array, Any]:
    """An array for values of the type ``stored``, and HDF5's type of its elements.

    Enumerations, truth values among them, are converted by name, not by value, so that they are read as they lie.
    """
    if stored.get_class() == h5py.h5t.ENUM:
        return np.empty(counts, stored.get_super().dtype), stored
    dtype = stored.dtype.newbyteorder("=")
    return np.empty(counts, dtype), h5py.h5t.py_create(dtype)


def _info(file: h5py.File, member: Member, handle: FileHandle) -> TensorInfo:
    """The listing's entry; what can't be opened is listed with the reason."""
    facts = _Facts((0,), "link", 0, member.refusal) if member.refusal else _facts(file, member, handle)
    return TensorInfo(
        address=_text(member.path),
        shape=facts.shape,
        dtype=facts.dtype,
        kind="link" if member.refusal else "array",
        nbytes=facts.nbytes,
        version=handle.version,
        aliases=tuple(map(_text, member.aliases)),
        unreadable=facts.unreadable,
    )


def _facts(file: h5py.File, member: Member, handle: FileHandle) -> _Facts:
    try:
        with told_as_file_error(handle.path):
            dataset = h5py.h5d.open(file.id, member.path)
            properties = dataset.get_create_plist()
            elsewhere = _elsewhere(properties)
            return _Facts((0,), "unknown", 0, elsewhere) if elsewhere else _sized(dataset, properties, handle.size)
    except FileError as error:
        return _Facts((0,), "unknown", 0, error.what)


def _sized(dataset: Any, properties: Any, file_size: int) -> _Facts:
    """The facts of a dataset whose values are in this file."""
    dtype, reason = _type(dataset.get_type())
    if dataset.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        return _Facts((0,), dtype, 0, reason or "It is empty.")
    shape = tuple(map(int, dataset.shape))
    nbytes = math.prod(shape) * dataset.get_type().get_size()
    reason = reason or too_many_axes(len(shape)) or _filtered(properties)
    return _Facts(shape, dtype, nbytes, reason or _stored(dataset, properties, nbytes, file_size))


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


def _stored(dataset: Any, properties: Any, nbytes: int, file_size: int) -> str:
    """Why what it claims can't be in the file; empty when it can."""
    stored = int(dataset.get_storage_size())
    if stored > file_size:
        return f"It claims {stored} bytes of the file, which has {file_size}."
    if properties.get_layout() == h5py.h5d.CHUNKED:
        chunk = math.prod(properties.get_chunk()) * dataset.get_type().get_size()
        return refusal(nbytes, stored) or piece_refusal(chunk, "chunks")
    return refusal(nbytes, stored)


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")
