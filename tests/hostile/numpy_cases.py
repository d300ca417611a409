"""Hostile and odd ``.npy`` and ``.npz`` files."""

from __future__ import annotations

import io
import struct

import numpy as np

from tests.hostile.case import Case
from tests.hostile.zips import Entry, build

FLOATS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
VALUES = [1.0, 2.0, 3.0, 4.0]
GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"


def npy(header: str = GOOD, data: bytes = FLOATS, version: int = 1, length: int | None = None) -> bytes:
    """An array file with that header, whose claimed length may lie."""
    text = header.encode("utf-8" if version == 3 else "latin-1")
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def objects() -> bytes:
    """What ``numpy.save`` makes of Python objects: a pickle."""
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _bad(case_id: str, old: str, new: str, code: str = "bad-header") -> Case:
    return Case(case_id, lambda: npy(GOOD.replace(old, new)), ".npy", code)


def _listed(case_id: str, descr: str, data: bytes = FLOATS) -> Case:
    """An array that is listed and can't be shown; ``{stem}`` is the name of the file."""
    return Case(case_id, lambda: npy(GOOD.replace("'<f4'", descr), data), ".npy", tensors={"{stem}": None})


def npz(**members: bytes) -> bytes:
    return build([Entry(f"{name}.npy", data) for name, data in members.items()])


NPY: list[Case] = [
    *(Case(f"version-{v}", lambda v=v: npy(version=v), ".npy", tensors={"{stem}": VALUES}) for v in (1, 2, 3)),
    Case("version-4", lambda: npy(version=4), ".npy", "bad-header"),
    Case("objects", objects, ".npy", "object-dtype"),
    Case("objects-by-code", lambda: npy(GOOD.replace("<f4", "|O")), ".npy", "object-dtype"),
    _bad("no-dict", "{", "("),
    _bad("expression", "(4,)", "(2+2,)"),
    _bad("call", "(4,)", "__import__('os').system('touch NNSCOPE_WAS_HERE')"),
    _bad("shape-negative", "(4,)", "(-4,)"),
    _bad("shape-beyond-63-bits", "(4,)", "(99999999999999999999,)"),
    _bad("hundred-axes", "(4,)", "(" + "1," * 100 + ")"),
    _bad("key-twice", "'descr'", "'shape': (4,), 'descr'"),
    _bad("key-missing", "'fortran_order': False, ", ""),
    _bad("fortran-maybe", "False", "Maybe"),
    _bad("larger-than-the-file", "(4,)", "(5,)", "truncated"),
    _bad("terabytes", "(4,)", "(1048576, 1048576)", "truncated"),
    _bad("overflow", "(4,)", "(4611686018427387904, 4611686018427387904)", "truncated"),
    Case("header-length-beyond", lambda: npy(length=60_000), ".npy", "truncated"),
    Case("header-length-huge", lambda: npy(version=2, length=1 << 31), ".npy", "header-too-long"),
    Case("header-of-parentheses", lambda: npy("(" * 60_000), ".npy", "bad-header"),
    Case("header-of-minuses", lambda: npy("{'shape': (" + "-" * 60_000 + "1,)}"), ".npy", "bad-header"),
    Case("no-header", lambda: b"\x93NUMPY\x01\x00", ".npy", "truncated"),
    Case("magic-cut", lambda: b"\x93NUM", ".npy", "bad-header"),
    Case("scalar", lambda: npy(GOOD.replace("(4,)", "()"), FLOATS[:4]), ".npy", tensors={"{stem}": [1.0]}),
    Case("python-2-longs", lambda: npy(GOOD.replace("(4,)", "(4L,)")), ".npy", tensors={"{stem}": VALUES}),
    Case("empty-with-huge-axis", lambda: npy(GOOD.replace("(4,)", "(0, 4611686018427387904)")), ".npy"),
    Case("named-npz", npy, ".npz", tensors={"{stem}": VALUES}),
    _listed("records", "[('a', '<f4'), ('b', 'O')]"),
    _listed("text", "'<U1'"),
    _listed("dates", "'<M8[ns]'", FLOATS * 2),
    _listed("raw-bytes", "'|V4'"),
    _listed("long-double", "'<f16'", FLOATS * 4),
]

NPZ: list[Case] = [
    Case("npz-good", lambda: npz(a=npy(), b=npy()), ".npz", tensors={"a": VALUES, "b": VALUES}),
    Case("npz-without-suffix", lambda: npz(a=npy()), "", tensors={"a": VALUES}),
    Case("npz-objects", lambda: npz(a=npy(), b=objects()), ".npz", "object-dtype"),
    Case("npz-member-larger-than-declared", lambda: npz(a=npy(GOOD.replace("(4,)", "(5,)"))), ".npz", "truncated"),
    Case("npz-member-empty", lambda: npz(a=b""), ".npz", "bad-header"),
    Case("npz-member-is-no-array", lambda: npz(a=b"hello world, this is no array"), ".npz", "bad-header"),
    Case("npz-path", lambda: build([Entry("../../etc/x.npy", npy())]), ".npz", tensors={"../../etc/x": VALUES}),
    Case("npz-others", lambda: build([Entry("a.npy", npy()), Entry("b.txt", b"x")]), ".npz", tensors={"a": VALUES}),
    Case(
        "npz-bomb",
        lambda: build(
            [
                Entry("a.npy", npy(GOOD.replace("(4,)", "(4000000,)"), bytes(16_000_000)), deflate=True),
                Entry("b.npy", npy()),
            ]
        ),
        ".npz",
        tensors={"a": None, "b": VALUES},
    ),
]

CASES = [*NPY, *NPZ]
