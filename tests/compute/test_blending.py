"""Blending against torch's pooling and interpolation, and what it never changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnscope.compute.blending import blend
from nnscope.core.errors import NnscopeError
from tests.compute.peak import peak_bytes

shapes = st.one_of(st.tuples(*[st.integers(0, 9)] * 2), st.tuples(*[st.integers(1, 7)] * 3))
constants = st.sampled_from([0.0, 1e-30, -3.7, 1 / 3, 1e30, -3e38])
anything = arrays.arrays(np.float32, shapes, elements=st.floats(width=32))
tame = arrays.arrays(np.float32, shapes, elements=st.floats(-100, 100, width=32))


def by_torch(x: np.ndarray, share: float, rounds: int) -> np.ndarray:
    """§7 of maps whose sides are powers of two."""
    mixed = torch.from_numpy(x.astype(np.float64))[None, None]
    for times in range(1, rounds + 1):
        coarse = mixed
        for _ in range(times):
            coarse = torch.nn.functional.avg_pool2d(coarse, 2)
        for _ in range(times):
            coarse = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        mixed = share * mixed + (1 - share) * coarse
    return mixed[0, 0].numpy()


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("shape", [(16, 32), (8, 8)], ids=str)
def test_agrees_with_torch(shape: tuple[int, int], share: float, rounds: int) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    np.testing.assert_allclose(blend(x, share, rounds), by_torch(x, share, rounds), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(anything, st.integers(0, 4))
def test_a_share_of_one_is_the_identity(x: np.ndarray, rounds: int) -> None:
    found = blend(x, 1.0, rounds)
    assert found.tobytes() == x.tobytes()
    assert not np.shares_memory(found, x)


@settings(max_examples=50, deadline=None)
@given(anything, st.floats(0, 1), st.integers(0, 4))
def test_values_stay_within_their_range_and_odd_ones_where_they_are(x: np.ndarray, share: float, rounds: int) -> None:
    found = blend(x, share, rounds)
    finite = np.isfinite(x)
    np.testing.assert_array_equal(found[~finite], x[~finite])
    if finite.any():
        slack = 1e-5 * np.abs(x[finite]).max().astype(np.float64) + 1e-40
        assert found[finite].min() >= x[finite].min() - slack
        assert found[finite].max() <= x[finite].max() + slack


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([0.0, 1e-30, -3.7, 1 / 3, 1e30, -3e38]),
    shapes,
    st.floats(0, 1),
    st.integers(0, 3),
    st.integers(0, 99),
)
def test_a_constant_stays(value: float, shape: tuple[int, ...], share: float, rounds: int, seed: int) -> None:
    x = np.full(shape, value, np.float32)
    x[np.random.default_rng(seed).random(shape) < 0.3] = np.nan
    np.testing.assert_allclose(blend(x, share, rounds), x, rtol=2e-6, atol=1e-40)


@settings(max_examples=30, deadline=None)
@given(tame, st.floats(0, 1), st.integers(0, 3))
def test_maps_are_blended_each_for_itself(x: np.ndarray, share: float, rounds: int) -> None:
    maps = x if x.ndim == 3 else x[None]
    found = blend(maps, share, rounds)
    for one, expected in zip(maps, found, strict=True):
        np.testing.assert_array_equal(blend(one, share, rounds), expected)


def test_by_hand() -> None:
    x = np.array([[0.0, 4.0, 8.0]], np.float32)  # halves to 2, 8; doubled 2, 3.5, 6.5
    np.testing.assert_allclose(blend(x, 0.0), [[2.0, 3.5, 6.5]])
    np.testing.assert_allclose(blend(x, 0.5), [[1.0, 3.75, 7.25]])
    gap = np.array([[0.0, np.nan, 8.0, 8.0]], np.float32)  # 0 (of half the weight), 8
    np.testing.assert_allclose(blend(gap, 0.0)[0, [0, 2, 3]], [0.0, 8 * 0.75 / (0.75 + 0.25 * 0.5), 8.0], rtol=1e-6)


def test_infinities_meet_no_share_of_zero() -> None:
    x = np.array([[np.inf, 1.0], [-np.inf, 3.0]], np.float32)
    assert blend(x, 0.0, 2).tolist() == [[np.inf, 2.0], [-np.inf, 2.0]]


def test_other_dtypes_and_strides() -> None:
    x = (np.random.default_rng(0).normal(size=(6, 8)) * 9).astype(np.float16)
    expected = blend(np.ascontiguousarray(x.T[::-1], np.float32), 0.4)
    np.testing.assert_array_equal(blend(x.T[::-1], 0.4), expected)


@pytest.mark.parametrize(
    "arguments",
    [(np.zeros((2, 2)), 1.5), (np.zeros((2, 2)), np.nan), (np.zeros((2, 2)), 0.5, -1), (np.zeros(3), 0.5)],
    ids=["share", "no share", "rounds", "one axis"],
)
def test_what_is_no_blending_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(NnscopeError):
        blend(*arguments)


@pytest.mark.parametrize("odd", [False, True])
def test_memory(odd: bool) -> None:
    x = np.random.default_rng(0).normal(size=(1600, 1500)).astype(np.float32)
    if odd:
        x[3, 3] = np.nan
    assert peak_bytes(lambda: blend(x, 0.5, 2)) <= 3 * x.nbytes
