"""The envelope of a segment: 512 bytes before the HDF5 file that tell its length and its SHA-256.

HDF5 allows a block of somebody else's before its own first byte, so that any HDF5 program opens a sealed segment, while
we look inside only when every bit is as it was written: whatever bit is flipped, the segment is known to be damaged.

========  =====  ======================================================
offset    bytes  little-endian
========  =====  ======================================================
0         8      ``NNSCOPE`` and the version of the format, 1
8         16     the run's id, random
24        8, 8   numbers of the first and last flush it holds
40        8, 8   least and greatest step
56        8      bytes of what follows the envelope
64        32     SHA-256 of the 64 bytes above and of what follows
96        416    zeros
========  =====  ======================================================
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from nnscope.core.errors import FileError

ENVELOPE = 512  # bytes; HDF5 looks for its start at powers of two from here
_MAGIC = b"NNSCOPE\x01"
_HEAD = struct.Struct("<8s16s5q")
_NAMED = _HEAD.size + hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Seal:
    """What an envelope says: the run, the flushes ``first`` to ``last`` and the least and greatest step."""

    run: bytes
    first: int
    last: int
    least_step: int
    greatest_step: int


def sealed(seal: Seal, content: bytes) -> bytes:
    """The bytes of a segment."""
    places = (seal.first, seal.last, seal.least_step, seal.greatest_step)
    head = _HEAD.pack(_MAGIC, seal.run, *places, len(content))
    return (head + _digest(head, content)).ljust(ENVELOPE, b"\0") + content


def unsealed(data: bytes, where: str) -> tuple[Seal, bytes]:
    """What a segment says of itself and holds.

    Raises
    ------
    FileError
        If it is not, bit for bit, as it was written.
    """
    if len(data) < ENVELOPE:
        raise _damaged(f"It ends after {len(data)} bytes.", where)
    magic, run, first, last, least, greatest, length = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise _damaged("It does not begin as a segment of a run does.", where)
    if length != len(data) - ENVELOPE:
        raise _damaged(f"It claims {length} bytes and holds {len(data) - ENVELOPE}.", where)
    content = data[ENVELOPE:]
    if data[_HEAD.size : _NAMED] != _digest(data[: _HEAD.size], content) or any(data[_NAMED:ENVELOPE]):
        raise _damaged("Its bytes are not those that were written.", where)
    return Seal(run, first, last, least, greatest), content


def _digest(head: bytes, content: bytes) -> bytes:
    digest = hashlib.sha256(head)
    digest.update(content)
    return digest.digest()


def _damaged(what: str, where: str) -> FileError:
    remedy = "Other segments stay readable; `nnscope recover` makes a new run of them."
    return FileError("segment-damaged", what, where, remedy)
