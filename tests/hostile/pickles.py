"""Pickles put together from opcodes, good and bad, in the words of ``torch.save``."""

from __future__ import annotations

import math
import struct

OS_SYSTEM = ("posix", "system")
COMMAND = "touch NNSCOPE_WAS_HERE"


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def name(module: str, qualified: str) -> bytes:
    return f"c{module}\n{qualified}\n".encode()


def tuple_(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def dict_(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def storage(key: str, numel: int, kind: str = "FloatStorage") -> bytes:
    return tuple_(text("storage"), name("torch", kind), text(key), text("cpu"), integer(numel)) + b"Q"


def tensor(
    key: str,
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None = None,
    offset: int = 0,
    numel: int | None = None,
    kind: str = "FloatStorage",
) -> bytes:
    """``_rebuild_tensor_v2`` of a storage; dense unless strides are given."""
    if strides is None:
        strides = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    size, step = (tuple_(*map(integer, values)) for values in (shape, strides))
    numel = math.prod(shape) if numel is None else numel
    hooks = name("collections", "OrderedDict") + b")R"
    args = tuple_(storage(key, numel, kind), integer(offset), size, step, b"\x89", hooks)
    return name("torch._utils", "_rebuild_tensor_v2") + args + b"R"


def system_reduce() -> bytes:
    return name(*OS_SYSTEM) + tuple_(text(COMMAND)) + b"R"


def system_stack_global() -> bytes:
    return text(OS_SYSTEM[0]) + text(OS_SYSTEM[1]) + b"\x93" + tuple_(text(COMMAND)) + b"R"


def system_inst() -> bytes:
    return b"(" + text(COMMAND) + f"i{OS_SYSTEM[0]}\n{OS_SYSTEM[1]}\n".encode()


def system_obj() -> bytes:
    return b"(" + name(*OS_SYSTEM) + text(COMMAND) + b"o"


def whole(body: bytes, protocol: int = 2) -> bytes:
    """A pickle of one object."""
    return (b"\x80" + bytes([protocol]) if protocol >= 2 else b"") + body + b"."
