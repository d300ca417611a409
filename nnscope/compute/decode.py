"""Any stored dtype as floating point, block by block.

`to_float` keeps every value: float32 for what float32 holds exactly (float16, bfloat16, float8, integers up to 16 bits,
bool, float32), float64 for the rest. Only integers beyond 2**53 and extended precision are rounded, and `decode_step`
says so. Complex values are shown by one component.

float16 has a path of its own: NumPy 2.4 converts 2.7 ns per value, the shift-and-scale below 0.6 ns. The exponent is
moved to float32's place by a shift, and its bias corrected by an exact multiplication with 2**112, which normalises
subnormals on the way; only blocks with NaN or infinity take NumPy's way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.core.picture import Step

COMPONENTS = ("abs", "real", "imag")

_CHUNK = 1 << 18  # values converted at a time, so that the passes below stay in the cache
_F32_MAX = float(np.finfo(np.float32).max)
_HALF_MASK = np.int32(0x8FFFE000 - (1 << 32))  # sign, exponent and mantissa after the shift
_HALF_SCALE = np.float32(2.0**112)


def to_float(block: np.ndarray, component: str = "abs") -> np.ndarray:
    """``block`` as a C-contiguous float32 or float64 array of the same shape, keeping every value.

    Parameters
    ----------
    block : ndarray
        Any numeric dtype of NumPy or ml_dtypes, any byte order, any strides.
    component : {"abs", "real", "imag"}
        What stands for a complex value.

    Raises
    ------
    NnscopeError
        If the dtype holds no numbers.
    """
    dtype = block.dtype
    if dtype.kind == "c":
        return to_float(_component(block, component))
    if dtype == np.float16:
        return _half_to_float32(block)
    if _is_extension(dtype):
        return _extension_to_float32(block)
    return np.ascontiguousarray(block, dtype=float_dtype(dtype)).reshape(block.shape)


def to_float32(block: np.ndarray, component: str = "abs") -> np.ndarray:
    """``block`` as C-contiguous float32, for pictures: finite values beyond float32's range become its extremes."""
    values = to_float(block, component)
    if values.dtype == np.float32:
        return values
    finite = np.isfinite(values)
    with np.errstate(over="ignore", under="ignore"):
        clipped = np.clip(values, -_F32_MAX, _F32_MAX).astype(np.float32)
        return clipped if finite.all() else np.where(finite, clipped, values.astype(np.float32))


def float_dtype(dtype: np.dtype) -> np.dtype:
    """What `to_float` makes of ``dtype``: float32 where that is exact, else float64.

    Raises
    ------
    NnscopeError
        If the dtype holds no numbers.
    """
    if _is_extension(dtype) or dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize <= 2):
        return np.dtype(np.float32)
    if dtype.kind in "iu":
        return np.dtype(np.float64)
    if dtype.kind == "f":
        return np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    if dtype.kind == "c":  # a magnitude is not exact in its components' precision
        return np.dtype(np.float64)
    raise NnscopeError("These values are not numbers.", str(dtype), "Only numeric tensors can be shown.")


def decode_step(dtype: np.dtype, component: str = "abs") -> Step:
    """The recipe's step that tells how values of ``dtype`` became floating point."""
    target = float_dtype(dtype)
    detail = f"{dtype.name} → {target.name}"
    if dtype.kind == "c":
        words = {"abs": "magnitude", "real": "real part", "imag": "imaginary part"}
        return Step("decode", True, f"{words[component]} of {detail}")
    if dtype.kind in "iu" and dtype.itemsize == 8:
        return Step("decode", True, f"{detail}, rounded beyond 2^53")
    rounded = dtype.kind == "f" and dtype.itemsize > 8
    return Step("decode", True, f"{detail}, {'rounded' if rounded else 'exact'}")


def _component(block: np.ndarray, component: str) -> np.ndarray:
    if component not in COMPONENTS:
        raise NnscopeError("There is no such component of a complex value.", component, "Use abs, real or imag.")
    if component != "abs":
        return np.asarray(getattr(block, component), dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(block.astype(np.complex128)))


def _is_extension(dtype: np.dtype) -> bool:
    """Whether ``dtype`` is one of ml_dtypes' (bfloat16, float8…, int4…), without importing ml_dtypes."""
    return dtype.type.__module__.partition(".")[0] == "ml_dtypes"


def _half_to_float32(block: np.ndarray) -> np.ndarray:
    flat = np.ascontiguousarray(block, dtype=np.float16).reshape(-1)  # native byte order too
    out = np.empty(flat.size, np.float32)
    for start in range(0, flat.size, _CHUNK):
        _half_chunk(flat[start : start + _CHUNK], out[start : start + _CHUNK])
    return out.reshape(block.shape)


def _half_chunk(half: np.ndarray, out: np.ndarray) -> None:
    bits = out.view(np.int32)
    np.copyto(bits, half.view(np.int16))  # sign-extended: the sign ends in its place
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _HALF_MASK, out=bits)
    np.multiply(out, _HALF_SCALE, out=out)
    if out.max() >= 65536.0 or out.min() <= -65536.0:  # exponent 31: NaN or infinity
        with np.errstate(invalid="ignore"):
            np.copyto(out, half)


def _extension_to_float32(block: np.ndarray) -> np.ndarray:
    if block.dtype.itemsize == 1:
        codes = np.ascontiguousarray(block).view(np.uint8).reshape(block.shape)
        return np.asarray(byte_values(block.dtype).take(codes))
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(block.astype(np.float32)).reshape(block.shape)


@lru_cache(maxsize=32)
def byte_values(dtype: np.dtype) -> np.ndarray:
    """The float32 value of each of the 256 bit patterns of a one-byte dtype (read-only)."""
    with np.errstate(invalid="ignore"):
        table = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    table.flags.writeable = False
    return table
