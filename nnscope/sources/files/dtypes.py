"""Element types: what each format calls them, how many bits they take, and the NumPy type that holds a value.

Canonical names are those of NumPy and ml_dtypes (``"float32"``, ``"bfloat16"``, ``"float8_e4m3fn"``, ``"uint4"`` …).
Values are decoded exactly as their bytes say: packed 4-, 2- and 1-bit elements lie least significant bits first, as
PyTorch packs them; quantised tensors show their raw integers; big-endian data is swapped to the machine's order.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

_NUMPY_BITS = {
    "bool": 8,
    **{f"{sign}int{bits}": bits for bits in (8, 16, 32, 64) for sign in ("", "u")},
    "float16": 16,
    "float32": 32,
    "float64": 64,
    "complex64": 64,
    "complex128": 128,
}
_ML_BITS = {
    "bfloat16": 16,
    **{f"float8_{kind}": 8 for kind in ("e4m3fn", "e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu")},
    "float4_e2m1fn": 4,
    "int4": 4,
    "uint4": 4,
    "uint2": 2,
}
_UNREADABLE = {
    "float6_e2m3fn": (6, "The format does not say how 6-bit floats are packed into bytes, so they are not decoded."),
    "float6_e3m2fn": (6, "The format does not say how 6-bit floats are packed into bytes, so they are not decoded."),
}

SAFETENSORS = {
    "BOOL": "bool",
    **{f"{sign}{bits}": f"{word}int{bits}" for sign, word in (("I", ""), ("U", "u")) for bits in (8, 16, 32, 64)},
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "BF16": "bfloat16",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "F4": "float4_e2m1fn",
}
"""Canonical names of the types of safetensors 0.8."""

TORCH_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QUInt8Storage": "uint8",
    "QInt8Storage": "int8",
    "QInt32Storage": "int32",
    "QUInt4x2Storage": "uint4",
    "QUInt2x4Storage": "uint2",
    "UntypedStorage": "uint8",
}
"""Canonical names of the elements of PyTorch's storage classes."""

TORCH_DTYPES = {
    **{name: name for name in (*_NUMPY_BITS, *_ML_BITS)},
    "complex32": "complex32",
    "float4_e2m1fn_x2": "float4_e2m1fn_x2",
    "qint8": "int8",
    "quint8": "uint8",
    "qint32": "int32",
    "quint4x2": "uint4",
    "quint2x4": "uint2",
    **dict.fromkeys(("bits8", "bits1x8", "bits2x4", "bits4x2"), "uint8"),
    "bits16": "uint16",
}
"""Canonical names of ``torch.dtype`` objects. Two values a byte, ``float4_e2m1fn_x2``, is unfolded by the reader."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element type as stored.

    Attributes
    ----------
    name : str
        Canonical name.
    bits : int
        Bits an element takes in the file.
    swapped : bool
        Whether its bytes are in the other order than this machine's.
    unreadable : str
        Why values of it can't be decoded; empty when they can.
    """

    name: str
    bits: int
    swapped: bool = False
    unreadable: str = ""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of decoded values; half-precision complex numbers become complex64, which holds them."""
        return np.dtype(np.complex64) if self.name == "complex32" else _numpy_dtype(self.name)

    @property
    def itemsize(self) -> int:
        """Bytes of one unit read from the file: an element, or the byte that packed elements share."""
        return max(self.bits // 8, 1)


@cache
def element(name: str, byteorder: str = sys.byteorder) -> Element:
    """The element of that canonical name, stored in ``byteorder`` (``"little"`` or ``"big"``)."""
    if name in _UNREADABLE:
        bits, reason = _UNREADABLE[name]
        return Element(name, bits, unreadable=reason)
    bits = 32 if name == "complex32" else (_NUMPY_BITS | _ML_BITS)[name]
    return Element(name, bits, swapped=byteorder != sys.byteorder and bits > 8)


def decode(units: Array, kind: Element) -> Array:
    """Values from units as gathered: unsigned carriers of the element's size, or whole bytes of packed elements.

    Parameters
    ----------
    units : array of the carrier type
        Any shape; packed elements lie along the last axis, whose length is then that of the bytes.
    kind : Element
    """
    if kind.bits < 8:
        return _unpack(units, kind)
    if kind.name == "bool":  # a stored byte other than 0 and 1 is true, and NumPy must never see it
        return np.not_equal(units, 0)
    if kind.name == "complex32":
        return _halves_to_complex(units, kind)
    values = units.view(kind.dtype)
    return values.byteswap(inplace=True) if kind.swapped else values


def _halves_to_complex(units: Array, kind: Element) -> Array:
    halves = np.ascontiguousarray(units)[..., np.newaxis].view(np.float16)
    if kind.swapped:
        halves = halves.byteswap()
    return halves.astype(np.float32).view(np.complex64)[..., 0]


def _unpack(units: Array, kind: Element) -> Array:
    per_byte = 8 // kind.bits
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(kind.bits)
    codes = (units[..., np.newaxis] >> shifts) & np.uint8((1 << kind.bits) - 1)
    values: Array = codes.reshape(*units.shape[:-1], units.shape[-1] * per_byte).view(kind.dtype)
    return values


@cache
def _numpy_dtype(name: str) -> np.dtype[Any]:
    if name in _NUMPY_BITS:
        return np.dtype(name)
    import ml_dtypes  # only files that hold such types pay for it

    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype
