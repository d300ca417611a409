"""Zip archives written byte by byte, so that any field can lie."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field


@dataclass
class Entry:
    """A member.

    ``local`` and ``central`` are what its local header and its directory entry say differently, by the keys name,
    flags, method, crc, packed, size and (in the directory) offset; ``stream`` is what lies in the archive instead of
    the data.
    """

    name: str
    data: bytes
    deflate: bool = False
    stream: bytes | None = None
    local: dict[str, object] = field(default_factory=dict)
    central: dict[str, object] = field(default_factory=dict)


def build(entries: list[Entry], prefix: bytes = b"", suffix: bytes = b"", **end: int) -> bytes:
    """An archive; ``end`` overrides count, size and offset in its last record."""
    out, directory = bytearray(prefix), bytearray()
    for entry in entries:
        packed = _deflated(entry.data) if entry.deflate else entry.data
        packed = packed if entry.stream is None else entry.stream
        true = {
            "name": entry.name,
            "flags": 0x800,
            "method": 8 if entry.deflate else 0,
            "crc": zlib.crc32(entry.data),
            "packed": len(packed),
            "size": len(entry.data),
            "offset": len(out),
        }
        directory += _central(true | entry.central)
        out += _local(true | entry.local) + packed
    count, size, offset = end.get("count", len(entries)), end.get("size", len(directory)), end.get("offset", len(out))
    large = _large_records(count, size, offset) if count > 0xFFFF else b""
    count = min(count, 0xFFFF)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, size, offset, 0)
    return bytes(out + directory + large + last + suffix)


def _large_records(count: int, size: int, offset: int) -> bytes:
    """What stands before the last record when 16 bits can't count the members."""
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + size, 1)


def _deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def _local(f: dict[str, object]) -> bytes:
    name = str(f["name"]).encode()
    sizes = (f["crc"], f["packed"], f["size"], len(name), 0)
    return struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, f["flags"], f["method"], 0, 0, *sizes) + name


def _central(f: dict[str, object]) -> bytes:
    name = str(f["name"]).encode()
    sizes = (f["crc"], f["packed"], f["size"], len(name), 0, 0, 0, 0, 0, f["offset"])
    return struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, f["flags"], f["method"], 0, 0, *sizes) + name
