"""What goes over the channel comes back the same, and whatever else comes is one clear error (P23)."""

from __future__ import annotations

import dataclasses
import pickle
import tracemalloc
from typing import TYPE_CHECKING, Any

import ml_dtypes
import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnscope.core import answer, layout, picture, request, statistics, tensor
from nnscope.core.answer import (
    BlockStats,
    Changed,
    ControlAnswer,
    Died,
    ProbeAnswer,
    Progress,
    Spectrum,
    Values,
)
from nnscope.core.errors import Failure
from nnscope.core.layout import default_layout
from nnscope.core.picture import Step, Tile, TilePicture
from nnscope.core.request import BuildPicture, Control, GetSpectrum, GetStats, ListTensors, Probe, ReadRegion
from nnscope.core.statistics import TensorStats
from nnscope.core.tensor import Listing, ModuleInfo, TensorInfo
from nnscope.engine.wire import _CLASSES, Ask, Drop, Going, Hello, Message, Notify, Reply, WireError, decode, encode

if TYPE_CHECKING:
    from types import ModuleType

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "int4"),
)

integers = st.integers(-(2**63), 2**63 - 1)
sizes = st.integers(0, 2**40)
floats = st.floats(width=64)
text = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates too: names come from files
settings_ = st.lists(st.tuples(text, st.one_of(text, integers, floats, st.booleans(), st.none())), max_size=3).map(
    tuple
)
shapes = st.lists(st.integers(1, 5), min_size=0, max_size=4).map(tuple)
layouts = shapes.map(default_layout)
arrays = hnp.arrays(
    st.sampled_from(["bool", "uint8", "int64", "float16", "float32", "float64", "complex64"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
floats32 = hnp.arrays("float32", hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4))
states = hnp.arrays("uint8", hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=4))
infos = st.builds(TensorInfo, text, shapes, text, text, sizes, sizes, st.tuples(text), st.tuples(text, text), text)
tiles = st.builds(Tile, sizes, sizes, floats32, states, st.none() | states)

requests = st.one_of(
    st.builds(ListTensors),
    st.builds(GetStats, text, st.booleans()),
    st.builds(BuildPicture, text, layouts, text, settings_, st.booleans(), sizes, st.tuples(st.tuples(sizes, sizes))),
    st.builds(ReadRegion, text, st.lists(st.tuples(sizes, sizes, sizes), max_size=3).map(tuple)),
    st.builds(Probe, text, layouts, sizes, sizes, sizes),
    st.builds(GetSpectrum, text, sizes, st.booleans()),
    st.builds(Control, text, settings_),
)
stats = st.builds(TensorStats, *[sizes] * 8, *[floats] * 6, hnp.arrays("int64", 256), *[floats] * 5)
live = st.dictionaries(text, st.one_of(text, integers, st.tuples(text, floats), st.none()), max_size=3)
numbers = st.one_of(st.none(), integers, floats, st.booleans(), st.complex_numbers())
answers = st.one_of(
    st.builds(Values, text, arrays, sizes),
    st.builds(
        ProbeAnswer,
        text,
        st.none() | st.tuples(sizes, sizes),
        numbers,
        floats,
        st.none() | st.builds(BlockStats, sizes, sizes, *[floats] * 4),
        sizes,
    ),
    st.builds(
        Spectrum,
        text,
        st.tuples(sizes, sizes),
        hnp.arrays("float64", 3),
        st.booleans(),
        *[floats] * 4,
        text,
        *[floats] * 2,
        sizes,
        text,
    ),
    st.builds(ControlAnswer, text, settings_),
    st.builds(
        Listing,
        *(text, text, st.lists(infos, max_size=3).map(tuple), st.tuples(st.builds(ModuleInfo, text, text, integers))),
        *(st.tuples(text), st.tuples(text), st.tuples(st.tuples(text, text)), sizes, live),
    ),
    stats,
    st.builds(
        TilePicture,
        *(text, text, layouts, sizes, st.tuples(sizes, sizes), sizes, sizes, st.tuples(tiles), text),
        *(st.tuples(st.builds(Step, text, st.booleans(), text)), floats, st.tuples(text)),
    ),
    st.builds(Failure, text, text, text, text, text, st.none() | st.integers(0, 2**63)),
)
notices = st.one_of(st.builds(Changed, sizes, st.tuples(text), settings_), st.builds(Died, text))
messages = st.one_of(
    st.builds(Hello),
    st.builds(Ask, sizes, requests),
    st.builds(Drop, sizes),
    st.builds(Reply, sizes, answers),
    st.builds(Going, sizes, st.builds(Progress, sizes, sizes, text)),
    st.builds(Notify, notices),
)


def same(a: Any, b: Any) -> bool:
    """Equal in type and value, NaN equal to NaN, −0 different from 0."""
    if type(a) is not type(b):
        return False
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return np.float64(a).tobytes() == np.float64(b).tobytes() or (a != a and b != b)
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    return bool(a == b)


@given(messages)
@settings(max_examples=300)
def test_every_message_comes_back(message: Message) -> None:
    assert same(decode(encode(message)), message)


@pytest.mark.parametrize("module", [request, answer, tensor, statistics, picture, layout], ids=lambda m: m.__name__)
def test_every_dataclass_of_the_spine_travels(module: ModuleType) -> None:
    mine = [c for c in vars(module).values() if dataclasses.is_dataclass(c) and c.__module__ == module.__name__]
    assert mine
    assert [c.__name__ for c in mine if _CLASSES.get(c.__name__) is not c] == []


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (7,), (2, 3, 4)], ids=str)
def test_arrays_of_every_dtype(name: str, shape: tuple[int, ...]) -> None:
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 2 if name == "bool" else 256, (*shape, dtype.itemsize), np.uint8)
    array = raw.view(dtype).reshape(shape) if name != "int4" else rng.integers(-8, 8, shape).astype(dtype)
    answer = decode(encode(Reply(1, Values("x", array))))
    assert isinstance(answer, Reply)
    assert same(answer.answer, Values("x", array))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.arange(12, dtype=">f4").reshape(3, 4), np.arange(12, dtype="<f4").reshape(3, 4)),
        (np.arange(24.0).reshape(4, 6)[::2, ::-3], np.arange(24.0).reshape(4, 6)[::2, ::-3].copy()),
        (np.broadcast_to(np.float32(2), (3, 3)), np.full((3, 3), 2, np.float32)),
    ],
    ids=["big-endian", "strided", "broadcast"],
)
def test_arrays_in_any_memory_order(array: np.ndarray, expected: np.ndarray) -> None:
    reply = decode(encode(Reply(1, Values("x", array))))
    assert same(reply, Reply(1, Values("x", expected)))


def test_numpy_scalars_become_plain_numbers() -> None:
    reply = decode(encode(Reply(1, ProbeAnswer("x", (np.int64(3),), ml_dtypes.bfloat16(1.5), np.float32(0.1)))))
    assert same(reply, Reply(1, ProbeAnswer("x", (3,), 1.5, float(np.float32(0.1)))))


@pytest.mark.parametrize(
    "message",
    [
        Ask(1, Control("x", (("f", object()),))),
        Ask(1, Control("x", (("f", 2**64),))),
        Reply(1, Values("x", np.array([object()]))),
        Reply(1, Values("x", np.array(["text"]))),
        Reply(1, Values("x", np.zeros(1, [("a", "f4")]))),
        Reply(1, TensorInfo),
        {"lambda": lambda: 1},
    ],
    ids=["object", "large integer", "object array", "text array", "structured array", "class", "function"],
)
def test_what_cannot_travel_is_an_error(message: Any) -> None:
    with pytest.raises(WireError, match="can't be sent"):
        encode(message)


def packed(value: Any) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


def an_array(*parts: Any) -> bytes:
    return packed({0: "Reply", 1: [1, {0: "Values", 1: ["x", {0: "ndarray", 1: parts}, 0]}]})


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "a number": b"\x01",
    "text": packed("Hello"),
    "pickle": pickle.dumps(print),
    "an unknown class": packed({0: "Popen", 1: ["ls"]}),
    "a class that is no message": packed({0: "Step", 1: ["a", True, ""]}),
    "a builtin": packed({0: "eval", 1: ["1"]}),
    "a class name that is a number": packed({0: 7, 1: []}),
    "no fields": packed({0: "Ask"}),
    "fields that are no list": packed({0: "Drop", 1: 3}),
    "more keys": packed({0: "Drop", 1: [3], 2: 4}),
    "too few fields": packed({0: "Ask", 1: [1]}),
    "too many fields": packed({0: "Drop", 1: [1, 2]}),
    "a field of a wrong type": packed({0: "Drop", 1: ["1"]}),
    "a truth value for a number": packed({0: "Drop", 1: [True]}),
    "a float for a number": packed({0: "Drop", 1: [1.0]}),
    "a request that is none": packed({0: "Ask", 1: [1, {0: "Hello", 1: []}]}),
    "settings that are none": packed({0: "Ask", 1: [1, {0: "Control", 1: ["train", [["a"]]]}]}),
    "settings of bytes": packed({0: "Ask", 1: [1, {0: "Control", 1: ["train", [["a", b"1"]]]}]}),
    "an impossible layout": packed(
        {0: "Ask", 1: [1, {0: "Probe", 1: ["a", {0: "Layout", 1: [[2], [0], [0], [], None]}, 0, 0, 0, "", []]}]}
    ),
    "a dictionary with number keys": packed({5: 6}),
    "an extension": packed(msgpack.ExtType(5, b"abc")),
    "trailing bytes": packed({0: "Hello", 1: []}) + b"\x00",
    "bytes declared as 4 GiB": b"\xc6\xff\xff\xff\xff" + b"abc",
    "a list declared as 2**32 long": b"\xdd\xff\xff\xff\xff" + b"\x01",
    "a map declared as 2**32 long": b"\xdf\xff\xff\xff\xff" + b"\x01",
    "a million nested lists": b"\x91" * 1_000_000 + b"\x01",
    "text that is not UTF-8": b"\xa2\xff\xff",
    "an array with too few bytes": an_array("float32", [2, 2], b"\0" * 15),
    "an array with too many bytes": an_array("float32", [2, 2], b"\0" * 17),
    "an array of 2**80 elements": an_array("uint8", [2**40, 2**40], b""),
    "an array with a negative side": an_array("uint8", [-1, -4], b"\0" * 4),
    "an array with a huge empty shape": an_array("uint8", [0] * 65, b""),
    "an array of objects": an_array("object", [1], b"\0" * 8),
    "an array of unknown dtype": an_array("<f4", [1], b"\0" * 4),
    "an array of text": an_array("uint8", [3], "abc"),
    "an array without parts": packed({0: "ndarray", 1: []}),
    "an array with a shape that is none": an_array("uint8", 3, b"abc"),
    "a complex number of text": packed({0: "complex", 1: ["1", "2"]}),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_else_comes_is_one_error(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20 or len(data) > 1 << 18


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_random_bytes(data: bytes) -> None:
    with pytest.raises(WireError):
        decode(data)


@given(messages, st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=200)
def test_a_changed_byte_gives_an_error_or_another_message(message: Message, place: int, byte: int) -> None:
    data = bytearray(encode(message))
    data[place % len(data)] = byte
    try:
        decoded = decode(bytes(data))
    except WireError:
        return
    assert isinstance(decoded, Message)


def test_cut_at_every_byte() -> None:
    data = encode(Reply(1, Values("x", np.arange(6, dtype=np.float32))))
    for end in range(len(data)):
        with pytest.raises(WireError):
            decode(data[:end])
