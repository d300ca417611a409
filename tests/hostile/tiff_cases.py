"""Hostile and odd TIFF files."""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial

import numpy as np
import tifffile

from tests.hostile.case import Case

PIXELS = bytes(range(12))
VALUES = [float(n) for n in PIXELS]
WIDTH, LENGTH, BITS, COMPRESSION, DESCRIPTION, OFFSETS, ROWS, COUNTS = 256, 257, 258, 259, 270, 273, 278, 279

Entry = tuple[int, int, int]  # type, number of values, value or offset


def page(changes: dict[int, Entry | None] | None = None, following: int = 0, order: str = "<") -> bytes:
    """One page of 3 × 4 bytes that begins at byte 8, its pixels behind it; ``changes`` by tag."""
    entries: dict[int, Entry | None] = {
        WIDTH: (4, 1, 4),
        LENGTH: (4, 1, 3),
        BITS: (4, 1, 8),
        COMPRESSION: (4, 1, 1),
        262: (4, 1, 1),
        OFFSETS: (4, 1, 0),
        ROWS: (4, 1, 3),
        COUNTS: (4, 1, 12),
        **(changes or {}),
    }
    kept = {tag: entry for tag, entry in sorted(entries.items()) if entry is not None}
    behind = 8 + 2 + 12 * len(kept) + 4
    if kept.get(OFFSETS) == (4, 1, 0):
        kept[OFFSETS] = (4, 1, behind)
    packed = b"".join(struct.pack(f"{order}HHII", tag, *entry) for tag, entry in kept.items())
    return struct.pack(order + "H", len(kept)) + packed + struct.pack(order + "I", following)


def tiff(
    changes: dict[int, Entry | None] | None = None, following: int = 0, data: bytes = PIXELS, order: str = "<"
) -> bytes:
    """A file of one such page."""
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return header + page(changes, following, order) + data


def _bad(case_id: str, code: str, changes: dict[int, Entry | None] | None = None, **rest: object) -> Case:
    return Case(case_id, partial(tiff, changes, **rest), ".tif", code)  # type: ignore[arg-type]


def _listed(case_id: str, changes: dict[int, Entry | None]) -> Case:
    return Case(case_id, partial(tiff, changes), ".tif", tensors={"{stem}": None})


def ome(text: str, before: str = "") -> bytes:
    """Two pages under an OME description with ``text`` in it, and ``before`` before its root."""
    xml = f'<?xml version="1.0"?>{before}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{text}</OME>'
    stream = io.BytesIO()
    data = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    tifffile.imwrite(stream, data, photometric="minisblack", description=xml, metadata=None, contiguous=False)
    return stream.getvalue()


def image(pixels: str, inner: str = "<TiffData/>") -> str:
    """An OME image of that many planes."""
    attributes = 'DimensionOrder="XYZCT" Type="uint8" SizeX="4" SizeY="3"'
    return f'<Image ID="Image:0"><Pixels ID="Pixels:0" {attributes} {pixels}>{inner}</Pixels></Image>'


def _many(count: int) -> bytes:
    """So many pages, each of the same pixels."""
    size = len(page())
    pages = (page({OFFSETS: (4, 1, 4)}, 0 if i == count - 1 else 8 + (i + 1) * size) for i in range(count))
    return b"II" + struct.pack("<HI", 42, 8) + b"".join(pages) + PIXELS


def _bomb() -> bytes:
    """A strip that claims 12 bytes and inflates to 512 MiB."""
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = head + again * 512
    return tiff({COMPRESSION: (4, 1, 8), COUNTS: (4, 1, len(data))}, data=data)


HUGE = 'SizeZ="100000000" SizeC="100" SizeT="100"'
ELSEWHERE = '<TiffData FirstT="0" IFD="0"><UUID FileName="elsewhere.ome.tif">urn:uuid:1</UUID></TiffData>'
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))

CASES = [
    Case("good", tiff, ".tif", tensors={"{stem}": VALUES}),
    Case("good-big-endian", partial(tiff, order=">"), ".tiff", tensors={"{stem}": VALUES}),
    Case("good-without-suffix", tiff, "", tensors={"{stem}": VALUES}),
    _bad("loop", "loop", following=8),
    _bad("next-beyond-the-end", "truncated", following=1 << 20),
    Case("no-pages", lambda: b"II" + struct.pack("<HI", 42, 0), ".tif", "empty"),
    Case("header-only", lambda: b"II*\0", ".tif", "truncated"),
    Case("offsets-of-two-bytes", lambda: b"II+\0" + struct.pack("<HHQ", 2, 0, 16), ".tif", "bad-header"),
    Case("no-tiff", lambda: b"hello", ".tif", "bad-header"),
    Case("entries-beyond-the-end", lambda: b"II*\0" + struct.pack("<IH", 8, 60_000), ".tif", "truncated"),
    _bad("strips-beyond-the-end", "truncated", {OFFSETS: (4, 1 << 30, 8)}),
    _bad("overflow-of-counts", "truncated", {COUNTS: (4, 0xFFFFFFFF, 0xFFFFFFFF)}),
    _bad("description-beyond-the-end", "truncated", {DESCRIPTION: (2, 1000, 100)}),
    _listed("pixels-beyond-the-end", {OFFSETS: (4, 1, 1 << 20)}),
    _listed("pixels-cut", {LENGTH: (4, 1, 4), ROWS: (4, 1, 4)}),
    _listed("exabytes", {WIDTH: (4, 1, 0xFFFFFFFF), LENGTH: (4, 1, 0xFFFFFFFF)}),
    _listed("exabytes-deflated", {WIDTH: (4, 1, 0xFFFFFFF0), LENGTH: (4, 1, 0xFFFFFFF0), COMPRESSION: (4, 1, 8)}),
    _listed("samples-of-millions", {277: (4, 1, 0xFFFFFF)}),
    _listed("unknown-compression", {COMPRESSION: (4, 1, 4711)}),
    _listed("lossy-compression", {COMPRESSION: (4, 1, 50_001)}),
    Case("strip-bomb", _bomb, ".tif", "over-budget"),
    Case("not-deflated", partial(tiff, {COMPRESSION: (4, 1, 8)}), ".tif", "damaged"),
    Case("thousand-pages-of-the-same-pixels", partial(_many, 1000), ".tif"),
    Case("ome-planes-of-billions", lambda: ome(image(HUGE)), ".tif", "over-budget"),
    Case(
        "ome-list-of-billions", lambda: ome(image(HUGE, '<TiffData PlaneCount="9000000000"/>')), ".tif", "over-budget"
    ),
    Case("ome-entities", lambda: ome("&l11;", f"<!DOCTYPE a [{LAUGHS}]>"), ".tif"),
    Case("ome-in-pieces", lambda: ome("<Image"), ".tif"),
    Case("ome-of-other-files", lambda: ome(image('SizeZ="1" SizeC="1" SizeT="2"', ELSEWHERE)), ".tif"),
]
