"""Every dtype as floating point: each bit pattern of the narrow ones, every layout in memory, exactness as told."""

from __future__ import annotations

import warnings

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

from nnscope.compute.decode import decode_step, float_dtype, to_float, to_float32
from nnscope.core.errors import NnscopeError
from tests.compute.dtypes import tensors


@pytest.mark.parametrize(
    "dtype",
    [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fnuz],
    ids=lambda d: d.__name__,
)
def test_every_pattern_keeps_its_value(dtype: type) -> None:
    bits = np.arange(1 << 8 * np.dtype(dtype).itemsize).astype(f"u{np.dtype(dtype).itemsize}")
    stored = bits.view(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stored.astype(np.float32)
    found = to_float(stored)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(found[number].view(np.int32), expected[number].view(np.int32))  # −0 too


def test_half_with_and_without_infinities_in_a_chunk() -> None:
    x = np.tile(np.arange(1 << 16, dtype=np.uint16).view(np.float16), 3)
    x = np.concatenate([x[np.isfinite(x)], x])
    with np.errstate(invalid="ignore"):
        expected = x.astype(np.float32)
    np.testing.assert_array_equal(to_float(x), expected)


@given(tensors())
def test_shape_and_values_survive_any_layout(x: np.ndarray) -> None:
    found = to_float(x)
    assert found.shape == x.shape
    assert found.flags.c_contiguous
    assert found.dtype == float_dtype(x.dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found.astype(np.float64), x.astype(np.float64))


@pytest.mark.parametrize("dtype", [">f2", ">f4", ">f8", ">i2", ">i4", ">u8"])
def test_big_endian_values(dtype: str) -> None:
    x = np.array([1, 2, 250], dtype)
    assert to_float(x).dtype.isnative
    np.testing.assert_array_equal(to_float(x), [1, 2, 250])


def test_components_of_complex_values() -> None:
    z = np.array([3 + 4j, -1j, 3e38 + 3e38j], np.complex64)
    np.testing.assert_allclose(to_float(z), [5, 1, 3e38 * 2**0.5])
    np.testing.assert_allclose(to_float(z, "real"), z.real)
    np.testing.assert_allclose(to_float(z, "imag"), z.imag)
    with pytest.raises(NnscopeError, match="no such component"):
        to_float(z, "phase")


def test_pictures_keep_finite_values_finite() -> None:
    x = np.array([1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan, 0.1])
    top = np.finfo(np.float32).max
    np.testing.assert_array_equal(to_float32(x), np.array([top, -top, 0, np.inf, -np.inf, np.nan, 0.1], np.float32))
    assert to_float32(x).dtype == np.float32
    np.testing.assert_array_equal(to_float32(np.array([2**40, -1])), np.array([2**40, -1], np.float32))


@pytest.mark.parametrize("dtype", ["U3", "S2", "O", "datetime64[s]", [("a", "f4")]], ids=str)
def test_what_holds_no_numbers_is_refused(dtype: object) -> None:
    with pytest.raises(NnscopeError, match="not numbers"):
        to_float(np.zeros(2, dtype))


@pytest.mark.parametrize(
    ("dtype", "detail"),
    [
        (np.float16, "float16 → float32, exact"),
        (ml_dtypes.bfloat16, "bfloat16 → float32, exact"),
        (np.int32, "int32 → float64, exact"),
        (np.int64, "int64 → float64, rounded beyond 2^53"),
        (np.complex64, "magnitude of complex64 → float64"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_the_step_says_what_was_done(dtype: type, detail: str) -> None:
    step = decode_step(np.dtype(dtype))
    assert (step.detail, step.faithful) == (detail, True)
