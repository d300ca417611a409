"""A small good ``torch.save`` archive, the ground from which hostile ones depart."""

from __future__ import annotations

import struct

from tests.hostile import pickles as p
from tests.hostile.zips import Entry, build

FLOATS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
VALUES = [1.0, 2.0, 3.0, 4.0]
GOOD = {"w": VALUES}


def good_tensor() -> bytes:
    """Opcodes of the 2×2 tensor that storage 0 holds."""
    return p.tensor("0", (2, 2))


def good_dict() -> bytes:
    """Opcodes of a state dict of that tensor."""
    return p.dict_({"w": good_tensor()})


def archive(body: bytes, storages: dict[str, bytes] | None = None, members: dict[str, bytes] | None = None) -> bytes:
    """An archive around the opcodes of an object."""
    entries = [Entry("archive/data.pkl", p.whole(body))]
    entries += [Entry(f"archive/{key}", data) for key, data in (members or {}).items()]
    entries += [Entry(f"archive/data/{key}", data) for key, data in (storages or {"0": FLOATS}).items()]
    return build([*entries, Entry("archive/version", b"3\n")])
