"""The opcodes of pickle protocols 0 to 5, as functions of a machine that only describes.

Each is named after its constant in Python's ``pickletools``, which documents them. `OPCODES` has a function for every
byte; bytes that are no opcode get one that fails.
"""

from __future__ import annotations

import re
import struct
from functools import partial
from typing import TYPE_CHECKING

from nnscope.sources.files.pickle_values import Placeholder, Skipped, safe_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nnscope.sources.files.pickle_machine import PickleMachine

    Opcode = Callable[[PickleMachine], None]

MAX_TEXT = 4 << 20
"""Longer texts are skipped: no name is that long."""

MAX_BYTES = 1 << 16
"""Longer bytes are skipped: they are never looked at."""

_MAX_INTEGER = 1 << 13
_MAX_PROTOCOL = 5
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\\'\"abfnrtv])")
_SIMPLE_ESCAPES = {
    **{bytes([c]): bytes([c]) for c in b"\\'\""},
    **{bytes([c]): bytes([v]) for c, v in zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True)},
}


class Stop(Exception):  # noqa: N818 - it ends a pickle, it is no error
    """The STOP opcode; ``result`` is what the pickle describes."""

    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result


def _unknown(m: PickleMachine) -> None:
    raise ValueError("a byte that is no opcode")


OPCODES: list[Opcode] = [_unknown] * 256


def _opcode(code: bytes) -> Callable[[Opcode], Opcode]:
    def register(function: Opcode) -> Opcode:
        OPCODES[code[0]] = function
        return function

    return register


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")


# --- the frame of a pickle


@_opcode(b"\x80")
def proto(m: PickleMachine) -> None:
    if m.cursor.byte() > _MAX_PROTOCOL:
        raise ValueError("a protocol newer than 5")


@_opcode(b"\x95")
def frame(m: PickleMachine) -> None:
    m.cursor.take(8)  # only a hint for readers that buffer


@_opcode(b".")
def stop(m: PickleMachine) -> None:
    raise Stop(m.pop())


# --- stack and memo


@_opcode(b"(")
def mark(m: PickleMachine) -> None:
    m.charge(8)
    m.marks.append(len(m.stack))


@_opcode(b"0")
def pop(m: PickleMachine) -> None:
    if m.marks and len(m.stack) == m.marks[-1]:
        m.marks.pop()
    else:
        m.pop()


@_opcode(b"1")
def pop_mark(m: PickleMachine) -> None:
    m.pop_to_mark()


@_opcode(b"2")
def dup(m: PickleMachine) -> None:
    m.push(m.top(), 8)


@_opcode(b"p")
def put(m: PickleMachine) -> None:
    m.remember(_index(m))


@_opcode(b"q")
def binput(m: PickleMachine) -> None:
    m.remember(m.cursor.byte())


@_opcode(b"r")
def long_binput(m: PickleMachine) -> None:
    m.remember(_unsigned(m.cursor.take(4)))


@_opcode(b"\x94")
def memoize(m: PickleMachine) -> None:
    m.remember_next()


@_opcode(b"g")
def get(m: PickleMachine) -> None:
    m.recall(_index(m))


@_opcode(b"h")
def binget(m: PickleMachine) -> None:
    m.recall(m.cursor.byte())


@_opcode(b"j")
def long_binget(m: PickleMachine) -> None:
    m.recall(_unsigned(m.cursor.take(4)))


def _index(m: PickleMachine) -> int:
    index = int(m.cursor.line())
    if not 0 <= index < 1 << 32:
        raise ValueError("a memo index out of range")
    return index


# --- scalars


def _push_constant(m: PickleMachine, value: object) -> None:
    m.push(value)


for _code, _constant in {b"N": None, b"\x88": True, b"\x89": False, b")": ()}.items():
    OPCODES[_code[0]] = partial(_push_constant, value=_constant)


@_opcode(b"I")
def int_(m: PickleMachine) -> None:
    line = m.cursor.line()
    m.push(line == b"01" if line in (b"00", b"01") else int(line), 32)


@_opcode(b"J")
def binint(m: PickleMachine) -> None:
    m.push(int.from_bytes(m.cursor.take(4), "little", signed=True), 32)


@_opcode(b"K")
def binint1(m: PickleMachine) -> None:
    m.push(m.cursor.byte())


@_opcode(b"M")
def binint2(m: PickleMachine) -> None:
    m.push(_unsigned(m.cursor.take(2)), 32)


@_opcode(b"L")
def long_(m: PickleMachine) -> None:
    line = m.cursor.line()
    m.push(int(line[:-1] if line.endswith(b"L") else line), 32 + len(line))


def _push_long(m: PickleMachine, width: int) -> None:
    length = _unsigned(m.cursor.take(width))
    if length > _MAX_INTEGER:
        m.cursor.skip(length)
        m.push(Skipped(length), 48)
    else:
        m.push(int.from_bytes(m.cursor.take(length), "little", signed=True), 32 + length)


OPCODES[0x8A] = partial(_push_long, width=1)
OPCODES[0x8B] = partial(_push_long, width=4)


@_opcode(b"F")
def float_(m: PickleMachine) -> None:
    m.push(float(m.cursor.line()), 24)


@_opcode(b"G")
def binfloat(m: PickleMachine) -> None:
    m.push(struct.unpack(">d", m.cursor.take(8))[0], 24)


# --- text and bytes


@_opcode(b"S")
def string(m: PickleMachine) -> None:
    line = m.cursor.line()
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        raise ValueError("a string without quotes")
    decoded = _ESCAPE.sub(_unescape, line[1:-1])
    _push_text(m, decoded.decode(errors="backslashreplace"))


def _unescape(match: re.Match[bytes]) -> bytes:
    """What a backslash of Python 2 stands for; unknown ones stay as they are."""
    code = match[1]
    if code[:1] == b"x":
        return bytes([int(code[1:], 16)])
    return _SIMPLE_ESCAPES.get(code) or bytes([int(code, 8) & 0xFF])


@_opcode(b"V")
def unicode_(m: PickleMachine) -> None:
    text = m.cursor.line().decode("raw-unicode-escape")
    _push_text(m, text.encode(errors="backslashreplace").decode())


def _take_text(m: PickleMachine, width: int) -> None:
    length = _unsigned(m.cursor.take(width))
    if length > MAX_TEXT:
        m.cursor.skip(length)
        m.push(Skipped(length), 48)
    else:
        _push_text(m, m.cursor.take(length).decode(errors="backslashreplace"))


def _push_text(m: PickleMachine, text: str) -> None:
    m.push(text, 50 + len(text) * (1 if text.isascii() else 4))


def _take_bytes(m: PickleMachine, width: int) -> None:
    length = _unsigned(m.cursor.take(width))
    if length > MAX_BYTES:
        m.cursor.skip(length)
        m.push(Skipped(length), 48)
    else:
        m.push(m.cursor.take(length), 34 + length)


_TEXT_WIDTHS = {b"U": 1, b"\x8c": 1, b"T": 4, b"X": 4, b"\x8d": 8}
_BYTES_WIDTHS = {b"C": 1, b"B": 4, b"\x8e": 8, b"\x96": 8}
for _code, _width in _TEXT_WIDTHS.items():  # the counted texts differ only in the bytes of their count
    OPCODES[_code[0]] = partial(_take_text, width=_width)
for _code, _width in _BYTES_WIDTHS.items():
    OPCODES[_code[0]] = partial(_take_bytes, width=_width)


# --- containers


@_opcode(b"t")
def tuple_(m: PickleMachine) -> None:
    _push_tuple(m, m.pop_to_mark())


@_opcode(b"\x85")
def tuple1(m: PickleMachine) -> None:
    _push_tuple(m, [m.pop()])


@_opcode(b"\x86")
def tuple2(m: PickleMachine) -> None:
    second, first = m.pop(), m.pop()
    _push_tuple(m, (first, second))


@_opcode(b"\x87")
def tuple3(m: PickleMachine) -> None:
    third, second, first = m.pop(), m.pop(), m.pop()
    _push_tuple(m, (first, second, third))


def _push_tuple(m: PickleMachine, items: Iterable[object]) -> None:
    value = tuple(items)
    m.push(value, 56 + 8 * len(value))


@_opcode(b"]")
@_opcode(b"\x8f")  # a set is kept as a list: its members must never be hashed
def empty_list(m: PickleMachine) -> None:
    m.push([], 72)


@_opcode(b"l")
def list_(m: PickleMachine) -> None:
    items = m.pop_to_mark()
    m.push(items, 72 + 8 * len(items))


@_opcode(b"\x91")
def frozenset_(m: PickleMachine) -> None:
    _push_tuple(m, m.pop_to_mark())


@_opcode(b"}")
def empty_dict(m: PickleMachine) -> None:
    m.push({}, 72)


@_opcode(b"d")
def dict_(m: PickleMachine) -> None:
    items = m.pop_to_mark()
    m.push({}, 72)
    _set_items(m, items)


@_opcode(b"a")
def append(m: PickleMachine) -> None:
    value = m.pop()
    _extend(m, [value])


@_opcode(b"e")
@_opcode(b"\x90")
def appends(m: PickleMachine) -> None:
    values = m.pop_to_mark()
    _extend(m, values)


def _extend(m: PickleMachine, values: list[object]) -> None:
    target = m.top()
    if isinstance(target, Placeholder):
        target = target.values
    if not isinstance(target, list):
        raise ValueError("something appended to what is no list")
    m.charge(8 * len(values))
    target.extend(values)


@_opcode(b"s")
def setitem(m: PickleMachine) -> None:
    value, key = m.pop(), m.pop()
    _set_items(m, [key, value])


@_opcode(b"u")
def setitems(m: PickleMachine) -> None:
    _set_items(m, m.pop_to_mark())


def _set_items(m: PickleMachine, items: list[object]) -> None:
    target = m.top()
    if isinstance(target, Placeholder):
        target = target.items
    if not isinstance(target, dict) or len(items) % 2:
        raise ValueError("items set in what is no dict")
    m.charge(30 * len(items))
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[safe_key(key)] = value


# --- objects, which are only described


@_opcode(b"c")
def global_(m: PickleMachine) -> None:
    module, name = (m.cursor.line().decode(errors="backslashreplace") for _ in range(2))
    m.push(m.find(module, name), 100 + len(module) + len(name))


@_opcode(b"\x93")
def stack_global(m: PickleMachine) -> None:
    name, module = m.pop(), m.pop()
    found = m.find(module, name)
    m.push(found, 100 + len(found.name))


@_opcode(b"R")
def reduce(m: PickleMachine) -> None:
    args, target = m.pop(), m.pop()
    m.push(m.call(target, args))


@_opcode(b"\x81")
def newobj(m: PickleMachine) -> None:
    args, target = m.pop(), m.pop()
    m.push(m.call(target, args))


@_opcode(b"\x92")
def newobj_ex(m: PickleMachine) -> None:
    keywords, args, target = m.pop(), m.pop(), m.pop()
    if not isinstance(args, tuple):
        raise ValueError("arguments that are no tuple")
    m.push(m.call(target, (*args, keywords) if keywords else args))


@_opcode(b"i")
def inst(m: PickleMachine) -> None:
    module, name = (m.cursor.line().decode(errors="backslashreplace") for _ in range(2))
    args = tuple(m.pop_to_mark())
    m.push(m.call(m.find(module, name), args))


@_opcode(b"o")
def obj(m: PickleMachine) -> None:
    target, *args = m.pop_to_mark()
    m.push(m.call(target, tuple(args)))


@_opcode(b"b")
def build(m: PickleMachine) -> None:
    state, target = m.pop(), m.top()
    if isinstance(target, Placeholder):  # attributes of plain containers and tensors hold no values of interest
        m.charge(8)
        target.states.append(state)


def _extension(m: PickleMachine, width: int) -> None:
    m.push(m.find("copyreg", f"extension {_unsigned(m.cursor.take(width))}"), 100)


for _code, _width in {b"\x82": 1, b"\x83": 2, b"\x84": 4}.items():
    OPCODES[_code[0]] = partial(_extension, width=_width)


@_opcode(b"P")
def persid(m: PickleMachine) -> None:
    m.push(m.vocabulary.persistent(m.cursor.line().decode(errors="backslashreplace")), 100)


@_opcode(b"Q")
def binpersid(m: PickleMachine) -> None:
    m.push(m.vocabulary.persistent(m.pop()), 100)
