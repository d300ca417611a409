"""Subpixel texels by hand, and within half a step of statistics written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute import subpixel as module
from nnscope.compute.subpixel import decode, encode
from nnscope.core.errors import NnscopeError
from tests.compute.peak import peak_bytes

shapes = st.tuples(st.integers(0, 10), st.integers(0, 10))
maps = arrays.arrays(np.float32, shapes, elements=st.floats(-1000, 1000, width=32))
odd_maps = arrays.arrays(np.float32, shapes, elements=st.floats(width=32))


def differences(x: np.ndarray, finite: np.ndarray, place: tuple[int, int], axis: int) -> float:
    """The mean of the one-sided differences there are."""
    found = []
    for sign in (-1, 1):
        other = tuple(p + sign * (i == axis) for i, p in enumerate(place))
        if 0 <= other[axis] < x.shape[axis] and finite[other]:
            found.append(sign * (x[other] - x[place]))
    return sum(found) / len(found) if found else 0.0


def texel(x: np.ndarray, rows: slice, cols: slice) -> list[float] | None:
    """The four statistics of a block of the float64 map ``x``; None without a finite value."""
    finite = np.isfinite(x)
    places = [(r, c) for r in range(len(x))[rows] for c in range(x.shape[1])[cols] if finite[r, c]]
    if not places:
        return None
    held = np.array([x[place] for place in places])
    steep = [math.hypot(*(differences(x, finite, place, axis) for axis in (0, 1))) for place in places]
    p = (held > 0).sum() / max(1, (held != 0).sum())
    entropy = -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)
    return [held.mean(), held.std(), float(np.mean(steep)), entropy]


@settings(max_examples=40, deadline=None)
@given(st.one_of(maps, odd_maps), st.sampled_from([2, 3]))
def test_decoding_is_within_half_a_step(x: np.ndarray, n: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BAND", 60)
        encoded = encode(x, n)
    found = decode(encoded)
    assert encoded.texels.shape == (-(-x.shape[0] // n), -(-x.shape[1] // n), 4)
    x64 = x.astype(np.float64)
    for r, c in np.ndindex(found.shape[:2]):
        expected = texel(x64, slice(r * n, r * n + n), slice(c * n, c * n + n))
        assert encoded.valid[r, c] == (expected is not None)
        if expected is None:
            assert not encoded.texels[r, c].any()
        else:
            slack = 1e-9 * (np.abs(encoded.offset) + 255 * encoded.scale) + 1e-12
            assert (np.abs(found[r, c] - expected) <= encoded.scale / 2 + slack).all()


# Mean, deviation, gradient (from the two sides of the square) and sign entropy of the only block of a map.
@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([[1, 1], [1, 1]], [1, 0, 0, 0]),
        ([[0, 0], [0, 0]], [0, 0, 0, 0]),
        ([[1, 3], [1, 3]], [2, 1, 2, 0]),
        ([[0, 3], [4, 7]], [3.5, 2.5, 5, 0]),
        ([[-1, 1], [-1, 1]], [0, 1, 2, 1]),
        ([[-2, 0], [0, 2]], [0, math.sqrt(2), math.sqrt(8), 1]),
        ([[5, math.nan], [math.inf, -5]], [0, 5, 0, 1]),
        ([[4, math.nan], [1, math.nan]], [2.5, 1.5, 3, 0]),
        (
            [[-1, 2], [3, 4]],
            [2, math.sqrt(3.5), (5 + math.hypot(3, 2) + math.hypot(4, 1) + math.hypot(1, 2)) / 4, None],
        ),
    ],
    ids=str,
)
def test_two_by_two_by_hand(x: list[list[float]], expected: list[float | None]) -> None:
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    found = decode(encode(np.array(x, np.float32), 2))
    np.testing.assert_allclose(found[0, 0], [entropy if e is None else e for e in expected], atol=1e-12)


def test_inside_a_map_differences_are_central() -> None:
    x = np.arange(36, dtype=np.float32).reshape(6, 6) ** 2
    rows, cols = np.gradient(x.astype(np.float64))
    expected = np.hypot(rows, cols).reshape(3, 2, 3, 2).mean(axis=(1, 3))
    encoded = encode(x)
    np.testing.assert_allclose(decode(encoded)[..., 2], expected, atol=encoded.scale[2] / 2 + 1e-9)


def test_ends_of_the_range_are_exact() -> None:
    x = np.random.default_rng(0).normal(size=(40, 41)).astype(np.float32)
    encoded = encode(x, 3)
    assert (encoded.texels.min(axis=(0, 1)) == 0).all()
    assert (encoded.texels.max(axis=(0, 1)) == 255).all()


def test_any_dtype_strides_and_magnitude() -> None:
    x = (np.random.default_rng(0).normal(size=(8, 10)) * 9).astype(np.float16)
    np.testing.assert_array_equal(encode(x.T[::-1]).texels, encode(np.ascontiguousarray(x.T[::-1], np.float32)).texels)
    for huge in (np.array([[3e38, -3e38], [1e38, 0]], np.float32), np.array([[1e300, -1e300]])):
        assert np.isfinite(decode(encode(huge))).all()


@pytest.mark.parametrize(
    "wrong", [(np.zeros((2, 2)), 4), (np.zeros(3), 2), (np.zeros((2, 2, 2)), 2)], ids=["n", "1", "3"]
)
def test_what_can_not_be_encoded_is_refused(wrong: tuple[np.ndarray, int]) -> None:
    with pytest.raises(NnscopeError, match=r"[Ss]ubpixel"):
        encode(*wrong)


def test_memory() -> None:
    x = np.random.default_rng(0).normal(size=(900, 1200)).astype(np.float32)
    assert peak_bytes(lambda: encode(x)) <= 2 * x.nbytes + 5 * x.size // 4
