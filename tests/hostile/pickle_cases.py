"""``.pt`` files whose pickle is hostile or odd."""

from __future__ import annotations

import os
import pickle
import struct
from functools import partial
from typing import TYPE_CHECKING

from tests.hostile import pickles as p
from tests.hostile.case import Case
from tests.hostile.torch_archive import FLOATS, GOOD, VALUES, archive, good_dict, good_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM = ("posix.system",)
CALLS: dict[str, Callable[[], bytes]] = {
    "reduce": p.system_reduce,
    "stack-global": p.system_stack_global,
    "inst": p.system_inst,
    "obj": p.system_obj,
}
ODD_NAME = "<img src=x>\x1b[2J\u202e"


class RunsWhenLoaded:
    """An object whose pickle runs a command in any ordinary reader."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (p.COMMAND,)


def _body(case_id: str, body: bytes, code: str = "", tensors: dict[str, list[float] | None] | None = None) -> Case:
    return Case(case_id, lambda: archive(body), ".pt", code, tensors)


def _calls() -> list[Case]:
    """Every way of calling ``os.system``, before, beside and after a good tensor."""
    places = {
        "before": lambda call: call() + b"0" + good_dict(),
        "beside": lambda call: p.dict_({"x": call(), "w": good_tensor()}),
        "after": lambda call: good_dict() + call() + b"0",
    }
    return [
        Case(f"{way}-{place}", lambda b=body, c=call: archive(b(c)), ".pt", tensors=GOOD, refused=SYSTEM)
        for way, call in CALLS.items()
        for place, body in places.items()
    ]


def _nested_pickle() -> bytes:
    inner = pickle.dumps(RunsWhenLoaded())
    load = p.name("_pickle", "loads") + p.tuple_(b"B" + struct.pack("<I", len(inner)) + inner) + b"R"
    return archive(p.dict_({"x": load, "w": good_tensor()}))


def _subclass() -> bytes:
    """An OrderedDict subclass with items, and with state that hides another tensor."""
    state = p.dict_({"_metadata": p.dict_({}), "hidden": p.tensor("0", (2,))})
    return archive(p.name("evil", "OrderedDict") + b")R(" + p.text("w") + good_tensor() + b"u" + state + b"b")


def _doubling() -> bytes:
    """Each step is a pair of the one before: 2²⁷ paths to one tensor."""
    steps = (b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(27))
    return archive(p.tuple_(good_tensor()) + b"q\x00" + b"".join(steps))


def _colliding() -> bytes:
    """Integers that all hash to 0: a dict of them would take quadratic time."""
    modulus = (1 << 61) - 1
    return archive(b"}(" + b"".join(p.integer(i * modulus) + b"N" for i in range(1, 50_001)) + b"u")


def _surrogate() -> bytes:
    return archive(p.dict_({"a\ud800b": good_tensor()}))


SHAPES: list[Case] = [
    _body("stride-0-of-2^40", p.dict_({"w": p.tensor("0", (1 << 20, 1 << 20), (0, 0), numel=4)})),
    _body("storage-too-short", p.dict_({"w": p.tensor("0", (5,))}), tensors={"w": None}),
    _body("storage-missing", p.dict_({"w": p.tensor("9", (4,))}), tensors={"w": None}),
    _body("storage-key-is-a-path", p.dict_({"w": p.tensor("../../../etc/passwd", (4,))}), tensors={"w": None}),
    _body("offset-beyond", p.dict_({"w": p.tensor("0", (4,), offset=1)}), tensors={"w": None}),
    _body("numel-overflow", p.dict_({"w": p.tensor("0", (1 << 40, 1 << 40))}), "numel-overflow"),
    _body("negative-size", p.dict_({"w": p.tensor("0", (-4,), (1,))}), "bad-pickle"),
    _body("negative-stride", p.dict_({"w": p.tensor("0", (4,), (-1,), offset=3)}), "bad-pickle"),
    _body("negative-offset", p.dict_({"w": p.tensor("0", (4,), offset=-1)}), "bad-pickle"),
    _body("size-beyond-63-bits", p.dict_({"w": p.tensor("0", (1 << 70,), (1,))}), "bad-pickle"),
    _body("sizes-without-strides", p.dict_({"w": p.tensor("0", (2, 2), (1,))}), "bad-pickle"),
    _body("empty-with-huge-axis", p.dict_({"w": p.tensor("0", (0, 1 << 62), (1, 1))}), tensors={"w": []}),
    _body("hundred-axes", p.dict_({"w": p.tensor("0", (1,) * 100)}), tensors={"w": None}),
    _body("unknown-storage-type", p.dict_({"w": p.tensor("0", (4,), kind="EvilStorage")}), "bad-pickle"),
]

BOMBS: list[Case] = [
    Case("memo-doubling", _doubling, ".pt"),
    _body("nested-tuples", b")" + b"\x85" * 300_000, tensors={}),
    _body("nested-tuples-as-key", b"})" + b"\x85" * 300_000 + b"K\x01s", tensors={}),
    _body("nested-lists", b"]" * 100_000 + b"a" * 99_999, tensors={}),
    _body("nested-objects", p.name("x", "y") + b"q\x000N" + (b"q\x010h\x00h\x01\x85R") * 50_000, tensors={}),
    _body("list-in-itself", b"]q\x00h\x00a", tensors={}),
    _body("five-million-lists", b"]" * 5_000_000, "over-budget"),
    _body("three-million-on-the-stack", b"N" * 3_000_000, "over-budget"),
    _body("text-longer-than-file", b"X" + struct.pack("<I", 1 << 31), "truncated"),
    _body("integer-of-4-gigabytes", b"\x8b\xff\xff\xff\xff", "truncated"),
    _body("integer-of-5000-digits", b"L" + b"9" * 5000 + b"L\n", "bad-pickle"),
    Case("colliding-keys", _colliding, ".pt", tensors={}),
]

MALFORMED: list[Case] = [
    _body("setitems-on-a-list", b"](" + p.text("w") + good_tensor() + b"u", "bad-pickle"),
    _body("setitems-on-an-integer", b"K\x01(" + p.text("w") + good_tensor() + b"u", "bad-pickle"),
    _body("setitems-odd", b"}(" + p.text("w") + b"u", "bad-pickle"),
    _body("append-to-a-dict", b"}K\x01a", "bad-pickle"),
    _body("unknown-opcode", b"\xff", "bad-pickle"),
    _body("empty-stack", b"", "bad-pickle"),
    _body("pop-through-a-mark", b"N(\x85", "bad-pickle"),
    _body("mark-missing", b"t", "bad-pickle"),
    _body("memo-index-huge", b"Nr\xff\xff\xff\xff0j\xff\xff\xff\xff", tensors={}),
    _body("memo-never-made", b"h\x05", "bad-pickle"),
    _body("protocol-9", b"\x80\x09N", "bad-pickle"),
    _body("reduce-without-a-tuple", p.name("x", "y") + b"]R", "bad-pickle"),
    _body("name-that-is-no-text", b"K\x01K\x02\x93", "bad-pickle"),
    _body("rebuild-with-too-little", p.name("torch._utils", "_rebuild_tensor_v2") + b")R", "bad-pickle"),
    _body("persistent-id-of-something-else", p.tuple_(p.text("module?")) + b"Q", "bad-pickle"),
]

CASES: list[Case] = [
    *_calls(),
    Case("nested-pickle", _nested_pickle, ".pt", tensors=GOOD, refused=("_pickle.loads",)),
    Case("dict-subclass", _subclass, ".pt", tensors={"hidden": [1.0, 2.0], "w": VALUES}, refused=("evil.OrderedDict",)),
    _body("extension-code", p.dict_({"x": b"\x82\x01)R", "w": good_tensor()}), tensors=GOOD),
    _body("name-with-markup", p.dict_({ODD_NAME: good_tensor()}), tensors={ODD_NAME: VALUES}),
    Case("name-with-half-surrogate", _surrogate, ".pt", tensors={"a\\xed\\xa0\\x80b": VALUES}),
    _body("same-name-by-two-paths", p.dict_({"a.b": good_tensor(), "a": p.dict_({"b": p.tensor("0", (4,))})})),
    Case("plain-pickle", partial(pickle.dumps, RunsWhenLoaded()), ".pt", "plain-pickle"),
    Case(
        "big-endian",
        lambda: archive(good_dict(), {"0": struct.pack(">4f", *VALUES)}, {"byteorder": b"big"}),
        ".pt",
        tensors=GOOD,
    ),
    Case(
        "byteorder-unknown",
        lambda: archive(good_dict(), {"0": FLOATS}, {"byteorder": b"middle"}),
        ".pt",
        "bad-byteorder",
    ),
    *SHAPES,
    *BOMBS,
    *MALFORMED,
]
