"""NumPy's ``.npy``: a magic number, a version, a header that is a Python literal, and the values.

The header is matched, never evaluated. An object array is a pickle and refused; arrays of records and of text are
listed and not shown. bfloat16 has no name in the format, but only its type is written as ``<V2``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from nnscope.core.errors import FileError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.sources.files.dtypes import element
from nnscope.sources.files.formats import FileFormat
from nnscope.sources.files.handle import FileSection
from nnscope.sources.files.source import FileSource, open_guarded, stem_of
from nnscope.sources.files.strided import Strided, contiguous

if TYPE_CHECKING:
    from nnscope.sources.files.handle import FileHandle

MAGIC = b"\x93NUMPY"
MAX_HEADER = 1 << 16
"""Most bytes of a header with what stands before it; NumPy's own limit is 10 000."""

_MAX_INT = (1 << 63) - 1
_PREFIX = 12
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
_MAX_AXES = 64
_KEYS = {
    "descr": re.compile(
        r"""["']descr["']\s*:\s*(?:["']([<>|=]?)([?a-zA-Z])(\d{0,18})((?:\[[^"'\]]*\])?)["']|([\[(]))"""
    ),
    "fortran_order": re.compile(r"""["']fortran_order["']\s*:\s*(True|False)"""),
    "shape": re.compile(r"""["']shape["']\s*:\s*\(\s*((?:\d{1,20}L?\s*,\s*)*(?:\d{1,20}L?\s*)?)\)"""),
}
_NAMES = {
    "b1": "bool",
    "?": "bool",
    "V2": "bfloat16",
    **{f"{kind}{size}": f"{word}{8 * size}" for kind, word in (("i", "int"), ("u", "uint")) for size in (1, 2, 4, 8)},
    **{f"f{size}": f"float{8 * size}" for size in (2, 4, 8)},
    **{f"c{size}": f"complex{8 * size}" for size in (8, 16)},
}
_REASONS = {
    "U": "It holds text, not numbers.",
    "S": "It holds text, not numbers.",
    "a": "It holds text, not numbers.",
    "M": "It holds dates, not numbers.",
    "m": "It holds durations, not numbers.",
    "V": "The file does not say what type its raw bytes are.",
    "W": "Half-precision complex numbers of this kind are not supported.",
    "f": "Floats of this size differ between machines and are not supported.",
    "c": "Complex numbers of this size differ between machines and are not supported.",
}


@dataclass(frozen=True, slots=True)
class NpyArray:
    """What the header of an array says.

    Attributes
    ----------
    layout : Strided
        Its ``start`` is the byte after the header.
    nbytes : int
        Bytes of the values.
    dtype : str
        Canonical name, or NumPy's own for what can't be shown.
    unreadable : str
        Why the values can't be shown; empty when they can.
    """

    layout: Strided
    nbytes: int
    dtype: str
    unreadable: str = ""


def parse_header(head: bytes, path: str) -> NpyArray:
    """Read a header.

    Parameters
    ----------
    head : bytes
        The first bytes of the array, `MAX_HEADER` of them if there are so many.
    path : str
        For messages.

    Raises
    ------
    FileError
        If it is malformed, cut short, or of an object array.
    """
    start, text = _header_text(head, path)
    found = {key: pattern.findall(text) for key, pattern in _KEYS.items()}
    if any(len(matches) != 1 for matches in found.values()) or not (text.startswith("{") and text.endswith("}")):
        _fail("The header is malformed.", path)
    shape = tuple(int(n.strip().rstrip("L")) for n in found["shape"][0].split(",") if n.strip())
    if len(shape) > _MAX_AXES or any(n > _MAX_INT for n in shape):
        _fail(f"The header claims more than {_MAX_AXES} axes, or one beyond 63 bits.", path)
    strides = contiguous(shape, "F" if found["fortran_order"][0] == "True" else "C")
    return _array(found["descr"][0], shape, strides, start, path)


def header_end(head: bytes, path: str) -> int:
    """The byte after the header that ``head`` begins with.

    Raises
    ------
    FileError
        If it is no header of a known version, or too long.
    """
    if head[:6] != MAGIC:
        _fail("The array does not begin with NumPy's magic number.", path)
    if len(head) < _PREFIX:
        _fail("The array ends within its header.", path, "truncated")
    size = _LENGTH_BYTES.get(head[6])
    if size is None:
        _fail(f"NumPy's format version {head[6]} is not known.", path)
    end = 8 + size + int.from_bytes(head[8 : 8 + size], "little")
    if end > MAX_HEADER:
        _fail(f"The header claims {end} bytes; more than {MAX_HEADER} are not read.", path, "header-too-long")
    return end


def _header_text(head: bytes, path: str) -> tuple[int, str]:
    """Where the values begin, and the header's text."""
    end = header_end(head, path)
    if len(head) < end:
        _fail("The array ends within its header.", path, "truncated")
    encoding = "utf-8" if head[6] == 3 else "latin-1"
    return end, head[8 + _LENGTH_BYTES[head[6]] : end].decode(encoding, errors="backslashreplace").strip()


def _array(descr: tuple[str, ...], shape: tuple[int, ...], strides: tuple[int, ...], start: int, path: str) -> NpyArray:
    order, code, digits, unit, record = descr
    if code == "O":
        what = "This array holds Python objects: reading it would run code from the file."
        raise FileError("object-dtype", what, path, "Save it as an array of numbers.")
    name = _NAMES.get(code + digits)
    if name is None or record or (code == "V" and order != "<"):
        reason = "It is an array of records, not of numbers." if record else _REASONS.get(code, "Its type is unknown.")
        itemsize = 0 if record else int(digits or 0) * (4 if code == "U" else 1)
        layout = Strided(element("uint8"), shape, strides, start)
        return NpyArray(layout, math.prod(shape) * itemsize, "record" if record else code + digits + unit, reason)
    kind = element(name, "big" if order == ">" else "little")
    layout = Strided(kind, shape, strides, start)
    return NpyArray(layout, math.prod(shape) * kind.bits // 8, name, layout.unreadable)


def _fail(what: str, path: str, code: str = "bad-header") -> NoReturn:
    raise FileError(code, what, path, "The file is damaged or no NumPy array.")


def check_size(array: NpyArray, size: int, path: str) -> None:
    """Make sure that the ``size`` bytes from the header on hold the values that the header claims."""
    end = array.layout.start + array.nbytes
    if end > size:
        what = f"The header claims {array.nbytes} bytes of values; {max(size - array.layout.start, 0)} are there."
        raise FileError("truncated", what, path, "It is cut short; fetch it again.", offset=size)


def info_of(array: NpyArray, address: str, version: int) -> TensorInfo:
    """The listing's entry for an array."""
    return TensorInfo(
        address=address,
        shape=array.layout.shape,
        dtype=array.dtype,
        kind="array",
        nbytes=array.nbytes,
        version=version,
        unreadable=array.unreadable,
    )


def open_npy(path: str) -> FileSource:
    """Open an array that ``numpy.save`` wrote; its address is the file's stem.

    Raises
    ------
    FileError
        If it is malformed, cut short, or an object array.
    """
    return open_guarded(path, _read)


def _read(handle: FileHandle) -> FileSource:
    array = parse_header(handle.read(0, min(handle.size, MAX_HEADER)), handle.path)
    check_size(array, handle.size, handle.path)
    extra = handle.size - array.layout.start - array.nbytes
    warnings = (f"{extra} bytes after the array are not shown.",) if extra and not array.unreadable else ()
    info = info_of(array, stem_of(handle.path), handle.version)
    listing = Listing(handle.path, FORMAT.name, (info,), warnings=warnings, nbytes=handle.size)
    return FileSource(listing, lambda _: (FileSection(handle, 0, handle.size), array.layout), handle.close)


def _sniff(head: bytes, path: str) -> bool:
    return head.startswith(MAGIC)


FORMAT = FileFormat("npy", (".npy",), _sniff, open_npy)
