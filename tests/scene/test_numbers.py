"""Numbers as text: full precision where it is promised, short where there is no room."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.scene import numbers


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_exact_float32_names_one_value(value: float) -> None:
    text = numbers.exact(value, "float32").replace("−", "-")
    assert np.float32(text) == np.float32(value)
    assert math.copysign(1, float(text)) == math.copysign(1, value)


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (float(np.float32(0.1)), "float32", "0.1"),
        (-0.03125, "float16", "−0.03125"),
        (-0.0, "float32", "−0.0"),
        (3.140625, "bfloat16", "3.140625"),
        (2**63 - 1, "int64", "9223372036854775807"),
        (True, "bool", "True"),
        (1 + 2j, "complex64", "1+2i"),
        (math.nan, "float32", "NaN"),
        (-math.inf, "float32", "−Inf"),
        (None, "float32", "–"),
    ],
    ids=str,
)
def test_exact(value: complex | None, dtype: str, text: str) -> None:
    assert numbers.exact(value, dtype) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (-1.5e-5, "−1.5e-5"),
        (123456.0, "1.2e5"),
        (3.0, "3"),
        (999.96, "1000"),
    ],
    ids=str,
)
def test_cell_text(value: float, text: str) -> None:
    assert numbers.cell_text(value, 0) == text


def test_cell_text_of_what_is_no_number() -> None:
    assert [numbers.cell_text(0.0, s) for s in (1, 2, 3, 4)] == ["NaN", "+Inf", "−Inf", ""]


def test_bytes_and_shapes() -> None:
    assert numbers.nbytes(1536) == "1.5 KiB"
    assert numbers.nbytes(12) == "12 B"
    assert numbers.shape((3, 4)) == "3 × 4"
    assert numbers.shape(()) == "scalar"
