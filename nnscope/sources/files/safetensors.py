"""safetensors: 8 bytes of header length, a flat JSON header, then the values without gap or overlap.

The rules of the format are all enforced, also those that its own library (0.8) lets pass: a header begins with ``{``,
no name occurs twice, the data is covered exactly once. Only the header is read to open a file.
"""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass, field
from itertools import islice, repeat
from operator import sub
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from nnscope.core.errors import FileError
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.core.text import plain
from nnscope.sources.files.axes import stored_axes
from nnscope.sources.files.dtypes import SAFETENSORS, Element, element
from nnscope.sources.files.formats import FileFormat
from nnscope.sources.files.handle import FileSection
from nnscope.sources.files.source import FileSource, open_guarded
from nnscope.sources.files.strict_json import JsonScanner
from nnscope.sources.files.strided import Strided, contiguous, too_many_axes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nnscope.sources.files.handle import FileHandle
    from nnscope.sources.files.source import Located

MAX_HEADER = 100_000_000
"""Most bytes of a header, as in the format's own library."""

MAX_TENSORS = 250_000
"""Most tensors of one file: with more, the listing alone would break the memory promise of opening."""

_TEXT_OVERHEAD = 50
_MAX_OVERHEAD = 40_000_000
"""Most bytes that names may take in memory beyond those in the file."""

_MAX_INT = (1 << 63) - 1
_ELEMENTS = {code.encode(): element(name, "little") for code, name in SAFETENSORS.items()}

_UNKNOWN = Element("unknown", 8)

_SPACE = rb"[ \t\n\r]*+"
_NUMBER = rb"(0|[1-9][0-9]{0,17})"
_NUMBERS = rb"((?:(?:0|[1-9][0-9]{0,17})(?:~,~(?:0|[1-9][0-9]{0,17}))*+)?+)"
_ENTRY = re.compile(
    rb'~"(?!__metadata__")([^"\\\x00-\x1f]*+)"~:~\{~"dtype"~:~"([^"\\\x00-\x1f]{1,32})"~,'
    rb'~"shape"~:~\[~NUMBERS~\]~,~"data_offsets"~:~\[~NUMBER~,~NUMBER~\]~\}~([,}])'.replace(b"NUMBERS", _NUMBERS)
    .replace(b"NUMBER", _NUMBER)
    .replace(b"~", _SPACE)
)
"""An entry as every known writer forms it, with what follows it; others take the slower way of `_read_entry`."""

_BATCH = 4096
_Row = tuple[bytes, bytes, bytes, bytes, bytes]
"""Name, type, shape, begin and end of a tensor, as written in the header."""


@dataclass
class _Table:
    """The header's tensors as columns, which take a third of the memory of rows and are checked at once."""

    names: dict[str, None] = field(default_factory=dict)
    elements: list[Element] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    begins: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    metadata: tuple[tuple[str, str], ...] | None = None
    overhead: int = 0


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a type and a shape, as written, come to."""

    element: Element
    shape: tuple[int, ...]
    nbytes: int

    @classmethod
    def of(cls, code: bytes, text: bytes) -> _Kind:
        """Unknown types and parts of bytes get a size that no tensor has."""
        shape = tuple(map(int, text.split(b","))) if text else ()
        kind = _ELEMENTS.get(code, _UNKNOWN)
        bits = math.prod(shape) * kind.bits
        return cls(kind, shape, bits // 8 if bits % 8 == 0 and kind is not _UNKNOWN else -1)


def open_safetensors(path: str, follow_links: bool = True) -> FileSource:
    """Open a safetensors file.

    Raises
    ------
    FileError
        If it breaks a rule of the format.
    """
    return open_guarded(path, _read, follow_links)


def _read(handle: FileHandle) -> FileSource:
    length = _header_length(handle)
    table = _parse_header(handle.read(8, length), handle.path)
    base = 8 + length
    _check_cover(table, handle, base)

    def locate(i: int) -> Located:
        begin, end = table.begins[i], table.ends[i]
        layout = Strided(table.elements[i], table.shapes[i], contiguous(table.shapes[i]))
        return FileSection(handle, base + begin, end - begin), layout

    listing = Listing(
        path=handle.path,
        format=FORMAT.name,
        tensors=_infos(table, handle.version),
        metadata=table.metadata or (),
        nbytes=handle.size,
    )
    table.names.clear()
    return FileSource(listing, locate, handle.close)


def _header_length(handle: FileHandle) -> int:
    length = int.from_bytes(handle.read(0, 8), "little")
    if length > MAX_HEADER:
        what = f"Its header claims {length} bytes; more than {MAX_HEADER} are not read."
        raise FileError("header-too-long", what, handle.path, "It is damaged, or no safetensors file.", offset=0)
    if length < 2:
        raise FileError("bad-header", f"Its header claims {length} bytes, too few to be one.", handle.path, offset=0)
    return length


def _parse_header(text: bytes, path: str) -> _Table:
    if text[:1] != b"{":
        raise FileError("bad-header", "The header does not begin with '{'.", path, offset=8)
    scanner = JsonScanner(text, path, base=8)
    table = _Table()
    rows = _rows(scanner, table)
    while batch := list(islice(rows, _BATCH)):
        _append(scanner, table, batch)
    return table


def _rows(scanner: JsonScanner, table: _Table) -> Iterator[_Row]:
    """The header's tensors; its metadata goes to the table."""
    scanner.expect(b"{")
    more = scanner.more(first=True)
    while more:
        entry = scanner.take(_ENTRY)
        if entry is not None:
            row: _Row = entry.group(1, 2, 3, 4, 5)  # type: ignore[assignment]  # five groups, none optional
            yield row
            more = entry[6] == b","
        else:
            yield from _unusual_row(scanner, table)
            more = scanner.more()
    scanner.finish()


def _unusual_row(scanner: JsonScanner, table: _Table) -> Iterator[_Row]:
    """The metadata, or a tensor whose entry has its keys in another order, escapes in its name, or faults."""
    name = scanner.string()
    scanner.expect(b":")
    if name == "__metadata__":
        if table.metadata is not None:
            scanner.fail("__metadata__ occurs twice", code="duplicate-name")
        table.metadata = _read_metadata(scanner)
        return
    match scanner.small_value():
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [begin, end]} if all(
            type(n) is int and 0 <= n <= _MAX_INT for n in (*shape, begin, end)
        ):
            yield name.encode(), code.encode(), b",".join(b"%d" % n for n in shape), b"%d" % begin, b"%d" % end
        case _:
            scanner.fail(f"the entry of {plain(name, 80)!r} needs a dtype, a shape and two data offsets")


def _read_metadata(scanner: JsonScanner) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    for key, value in scanner.string_pairs():
        if key in pairs:
            scanner.fail(f"{plain(key, 80)!r} occurs twice in the metadata", code="duplicate-name")
        pairs[key] = value
    return tuple(pairs.items())


def _append(scanner: JsonScanner, table: _Table, batch: list[_Row]) -> None:
    """Check a batch of rows and append it to the table, column by column: this is most of the time of opening."""
    raw_names, codes, texts, begins, ends = zip(*batch, strict=True)
    names = _decode_names(scanner, table, raw_names)
    _refuse_duplicates(scanner, table, names)
    kinds = list(zip(codes, texts, strict=True))
    rows = {kind: _Kind.of(*kind) for kind in set(kinds)}  # few: models repeat types and shapes
    first = len(table.begins)
    table.begins.extend(map(int, begins))
    table.ends.extend(map(int, ends))
    sizes = list(map(sub, table.ends[first:], table.begins[first:]))
    if [rows[kind].nbytes for kind in kinds] != sizes:
        _fail_row(scanner, names, kinds, sizes)
    table.elements.extend(rows[kind].element for kind in kinds)
    table.shapes.extend(rows[kind].shape for kind in kinds)


def _fail_row(scanner: JsonScanner, names: list[str], kinds: list[tuple[bytes, bytes]], sizes: list[int]) -> NoReturn:
    """Say what is wrong with the first row whose type and shape don't make its size."""
    for name, (code, text), size in zip(names, kinds, sizes, strict=True):
        if code not in _ELEMENTS:
            what = f"{plain(name, 80)!r} has the unknown type {plain(code.decode(errors='replace'), 40)!r}"
            scanner.fail(what, code="unknown-dtype")
        if _Kind.of(code, text).nbytes != size:
            break
    what = f"{plain(name, 80)!r}: {size} bytes don't fit shape [{plain(text.decode(), 80)}] of {code.decode()}"
    scanner.fail(what, code="bad-shape")


def _decode_names(scanner: JsonScanner, table: _Table, raw: Sequence[bytes]) -> list[str]:
    """The names as text, if that may take the memory: one wide character makes a text four times as long."""
    table.overhead += _TEXT_OVERHEAD * len(raw) + 3 * sum(len(name) for name in raw if not name.isascii())
    if table.overhead > _MAX_OVERHEAD:
        scanner.fail("the names of its tensors would take far more memory than the header itself")
    try:
        return list(map(bytes.decode, raw))
    except UnicodeDecodeError:
        scanner.fail("a tensor's name is not UTF-8")


def _refuse_duplicates(scanner: JsonScanner, table: _Table, names: list[str]) -> None:
    expected = len(table.names) + len(names)
    if expected > MAX_TENSORS:
        scanner.fail(f"more than {MAX_TENSORS} tensors are not read", code="too-many-tensors")
    table.names.update(dict.fromkeys(names))
    if len(table.names) != expected:
        scanner.fail("the name of a tensor occurs twice", code="duplicate-name")


def _check_cover(table: _Table, handle: FileHandle, base: int) -> None:
    """Each byte of the data belongs to exactly one tensor."""
    size = handle.size - base
    begins, ends = np.array(table.begins, np.int64), np.array(table.ends, np.int64)
    claimed = int(ends.max(initial=0))
    if claimed > size:
        what = f"The header promises {claimed} bytes of values; the file holds {size}."
        raise FileError("truncated", what, handle.path, "It is cut short; fetch it again.", offset=handle.size)
    order = np.lexsort((ends, begins))
    gaps = np.append(begins[order], size) - np.append(0, ends[order])
    wrong = np.flatnonzero(gaps)
    if wrong.size:
        gap, place = int(gaps[wrong[0]]), base + int(np.append(0, ends[order])[wrong[0]])
        code = "overlap" if gap < 0 else "trailing-bytes" if wrong[0] == len(order) else "hole"
        what = f"{abs(gap)} bytes belong to " + ("two tensors." if gap < 0 else "no tensor.")
        raise FileError(code, what, handle.path, "The file is damaged or was made to deceive.", offset=place)


def _infos(table: _Table, version: int) -> tuple[TensorInfo, ...]:
    aliases = _aliases(table)
    return tuple(
        map(
            TensorInfo,
            table.names,
            table.shapes,
            (kind.name for kind in table.elements),
            repeat("parameter"),
            map(sub, table.ends, table.begins),
            repeat(version),
            _axes(table),
            (tuple(aliases.get(name, ())) for name in table.names) if aliases else repeat(()),
            (k.unreadable or too_many_axes(len(s)) for k, s in zip(table.elements, table.shapes, strict=True)),
        )
    )


def _axes(table: _Table) -> Iterable[tuple[str, ...]]:
    """Names of axes, unless the metadata says that another library than PyTorch named and laid out the tensors."""
    if dict(table.metadata or ()).get("format", "pt") != "pt":
        return repeat(())
    kinds = (kind.name for kind in table.elements)
    return map(stored_axes, table.names, map(len, table.shapes), kinds)


def _aliases(table: _Table) -> dict[str, list[str]]:
    """Tied names: ``safetensors.torch.save_model`` writes each name it left out as metadata ``{left out: kept}``."""
    aliases: dict[str, list[str]] = {}
    for left_out, kept in table.metadata or ():
        if kept in table.names and left_out not in table.names:
            aliases.setdefault(kept, []).append(left_out)
    return aliases


def _sniff(head: bytes, path: str) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MAX_HEADER


FORMAT = FileFormat("safetensors", (".safetensors",), _sniff, open_safetensors)
