"""Hostile and odd safetensors files."""

from __future__ import annotations

import json
import struct
from functools import partial

from tests.hostile.case import Case

FLOATS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)
VALUES = [1.0, 2.0, 3.0, 4.0]
ODD_NAMES = {
    "parent-path": "../../x",
    "empty": "",
    "nul": "a\0b",
    "right-to-left": "a\u202eb",
    "markup": "<img src=x>",
    "escape-codes": "\x1b[2J",
    "megabyte": "m" * (1 << 20),
    "quotes": 'a"b\\c',
    "metadata-like": "__metadata",
}


def raw(header: bytes, data: bytes = FLOATS, length: int | None = None) -> bytes:
    """A file of that header, whose claimed length may lie."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def with_header(tensors: dict[str, object], data: bytes = FLOATS) -> bytes:
    return raw(json.dumps(tensors).encode(), data)


def many(count: int) -> bytes:
    """A file of ``count`` tensors of one byte each."""
    names = (f'"model.layers.{i // 9}.block.{i}.weight"' for i in range(count))
    entries = (f'{name}:{{"dtype":"U8","shape":[1],"data_offsets":[{i},{i + 1}]}}' for i, name in enumerate(names))
    return raw(("{" + ",".join(entries) + "}").encode(), bytes(count))


def _refused(case_id: str, code: str, header: bytes, data: bytes = FLOATS) -> Case:
    return Case(case_id, lambda: raw(header, data), ".safetensors", code)


def _wrong(case_id: str, code: str, tensors: dict[str, object], data: bytes = FLOATS) -> Case:
    return Case(case_id, lambda: with_header(tensors, data), ".safetensors", code)


def _odd_name(name: str) -> bytes:
    return with_header({name: entry([4], 0, 16)})


GOOD = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
DOUBLE = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'
ESCAPED_DOUBLE = DOUBLE.replace(b'"w"', b'"\\u0077"', 1)
INNER_DOUBLE = b'{"w":{"dtype":"F32","shape":[4],"shape":[4],"data_offsets":[0,16]}}'

CASES: list[Case] = [
    Case("good", partial(raw, GOOD), ".safetensors", tensors={"w": VALUES}),
    Case("good-without-suffix", partial(raw, GOOD), "", tensors={"w": VALUES}),
    Case(
        "spaces-everywhere",
        partial(raw, GOOD.replace(b":", b" :\n").replace(b",", b"\t,\r ") + b"   "),
        ".safetensors",
        tensors={"w": VALUES},
    ),
    Case(
        "keys-in-another-order",
        lambda: raw(b'{"w":{"data_offsets":[0,16],"shape":[4],"dtype":"F32"}}'),
        ".safetensors",
        tensors={"w": VALUES},
    ),
    Case("empty", lambda: raw(b"{}", b""), ".safetensors", tensors={}),
    _refused("duplicate-key", "duplicate-name", DOUBLE),
    _refused("duplicate-key-escaped", "duplicate-name", ESCAPED_DOUBLE),
    _refused("duplicate-inner-key", "bad-header", INNER_DOUBLE),
    _refused("leading-space", "bad-header", b" " + GOOD),
    _refused("trailing-comma", "bad-header", GOOD[:-1] + b",}"),
    _refused("text-after", "bad-header", GOOD + b"{}"),
    _refused("list", "bad-header", b"[]" + b" " * 8),
    _refused("not-json", "bad-header", b"{'w': 1}"),
    _refused("not-utf-8", "bad-header", GOOD.replace(b"w", b"\xff")),
    _refused("half-surrogate", "bad-header", GOOD.replace(b"w", b"\\ud800")),
    _refused("control-character", "bad-header", GOOD.replace(b"w", b"\x01")),
    _refused("nested-lists", "bad-header", b'{"w":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    _refused("nested-lists-long", "bad-header", b'{"w":' + b"[" * 5_000_000 + b"}"),
    _refused("not-a-number", "bad-header", GOOD.replace(b"[4]", b"[NaN]")),
    _refused("fraction", "bad-header", GOOD.replace(b"[4]", b"[4.0]")),
    _refused("negative", "bad-header", GOOD.replace(b"[4]", b"[-4]")),
    _refused("boolean-size", "bad-header", GOOD.replace(b"[4]", b"[true]")),
    _refused("leading-zero", "bad-header", GOOD.replace(b"[4]", b"[04]")),
    _refused("5000-digits", "bad-header", GOOD.replace(b"[4]", b"[" + b"9" * 5000 + b"]")),
    _refused("beyond-63-bits", "bad-header", GOOD.replace(b"16", b"18446744073709551615")),
    _refused("missing-key", "bad-header", b'{"w":{"dtype":"F32","shape":[4]}}'),
    _refused("metadata-not-text", "bad-header", b'{"__metadata__":{"epoch":3}}', b""),
    _refused("metadata-nested", "bad-header", b'{"__metadata__":{"a":{"b":"c"}}}', b""),
    _refused("metadata-twice", "duplicate-name", b'{"__metadata__":{},"__metadata__":{}}', b""),
    _refused("metadata-key-twice", "duplicate-name", b'{"__metadata__":{"a":"b","a":"c"}}', b""),
    Case("length-0", lambda: raw(GOOD, length=0), ".safetensors", "bad-header"),
    Case("length-1", lambda: raw(GOOD, length=1), ".safetensors", "bad-header"),
    Case("length-2^63", lambda: raw(GOOD, length=1 << 63), ".safetensors", "header-too-long"),
    Case("length-over-100-mb", lambda: raw(GOOD, length=100_000_001), ".safetensors", "header-too-long"),
    Case("length-beyond-file", lambda: raw(GOOD, length=1000), ".safetensors", "truncated"),
    _wrong("hole-at-start", "hole", {"w": entry([2], 8, 16)}),
    _wrong("hole-between", "hole", {"a": entry([1], 0, 4), "b": entry([1], 12, 16)}),
    _wrong("overlap", "overlap", {"a": entry([3], 0, 12), "b": entry([2], 8, 16)}),
    _wrong("same-bytes-twice", "overlap", {"a": entry([4], 0, 16), "b": entry([4], 0, 16)}),
    _wrong("trailing-bytes", "trailing-bytes", {"w": entry([3], 0, 12)}),
    _wrong("no-tensors-but-bytes", "trailing-bytes", {}),
    _wrong("beyond-the-end", "truncated", {"w": entry([5], 0, 20)}),
    _wrong("backwards", "bad-shape", {"w": entry([4], 16, 0)}),
    _wrong("shape-too-large", "bad-shape", {"w": entry([5], 0, 16)}),
    _wrong("shape-overflow", "bad-shape", {"w": entry([1 << 62, 1 << 62], 0, 16)}),
    _wrong("part-of-a-byte", "bad-shape", {"w": entry([3], 0, 1, "F4")}, b"\0"),
    _wrong("unknown-dtype", "unknown-dtype", {"w": entry([4], 0, 16, "F33")}),
    _wrong("dtype-empty", "unknown-dtype", {"w": entry([4], 0, 16, "")}),
    _wrong("dtype-not-text", "bad-header", {"w": {"dtype": 3, "shape": [4], "data_offsets": [0, 16]}}),
    Case("zero-by-2^62", lambda: with_header({"w": entry([0, 1 << 62], 0, 0)}, b""), ".safetensors", tensors={"w": []}),
    Case(
        "hundred-axes",
        lambda: with_header({"w": entry([1] * 100, 0, 4)}, bytes(4)),
        ".safetensors",
        tensors={"w": None},
    ),
    Case(
        "empty-tensors-between",
        lambda: with_header({"z": entry([0], 8, 8), "a": entry([2], 0, 8), "b": entry([2], 8, 16)}),
        ".safetensors",
        tensors={"z": [], "a": [1.0, 2.0], "b": [3.0, 4.0]},
    ),
    *(
        Case(f"name-{key}", partial(_odd_name, name), ".safetensors", tensors={name: VALUES})
        for key, name in ODD_NAMES.items()
    ),
]
