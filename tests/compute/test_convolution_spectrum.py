"""The convolution operator's spectrum against the explicit circulant matrix."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nnscope.compute.spectra.convolution import convolution_singular_values
from nnscope.core.errors import Cancelled, NnscopeError
from tests.compute.peak import peak_bytes


def circulant(kernel: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """The matrix of the circular cross-correlation, [out · places, in · places]."""
    outs, ins, *window = kernel.shape
    matrix = np.zeros((outs, *size, ins, *size))
    for place in itertools.product(*map(range, size)):
        for tap in itertools.product(*map(range, window)):
            source = tuple((p + t) % n for p, t, n in zip(place, tap, size, strict=True))
            matrix[(slice(None), *place, slice(None), *source)] += kernel[(slice(None), slice(None), *tap)]
    return matrix.reshape(outs * np.prod(size), -1)


@pytest.mark.parametrize(
    ("kernel", "size"),
    [
        ((2, 3, 3, 3), (5, 6)),
        ((3, 2, 2, 4), (6, 5)),
        ((1, 1, 3, 3), (1, 1)),
        ((2, 2, 5, 5), (3, 4)),  # wrapped round the map
        ((2, 3, 4), (7,)),
        ((2, 1, 2, 2, 2), (3, 4, 2)),
    ],
    ids=str,
)
def test_it_is_that_of_the_circulant_matrix(kernel: tuple[int, ...], size: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=kernel).astype(np.float32)
    expected = np.linalg.svd(circulant(values, size), compute_uv=False)
    found = convolution_singular_values(values, size)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * expected[0])


def test_a_pointwise_kernel_repeats_its_matrix() -> None:
    w = np.random.default_rng(0).normal(size=(4, 3, 1, 1))
    expected = np.repeat(np.linalg.svd(w[:, :, 0, 0], compute_uv=False), 12)
    np.testing.assert_allclose(convolution_singular_values(w, (3, 4)), expected, rtol=1e-12)


@pytest.mark.parametrize("size", [(4,), (4, 4, 4), (0, 4)], ids=str)
def test_a_size_that_does_not_fit_is_refused(size: tuple[int, ...]) -> None:
    with pytest.raises(NnscopeError, match="does not fit"):
        convolution_singular_values(np.ones((1, 1, 3, 3)), size)


def test_it_can_be_cancelled() -> None:
    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        convolution_singular_values(np.ones((1, 1, 3, 3)), (4, 4), cancel)


def test_memory_does_not_grow_with_channels_times_places() -> None:
    kernel = np.random.default_rng(0).normal(size=(64, 64, 3, 3)).astype(np.float32)
    places = 32 * 32
    peak = peak_bytes(lambda: convolution_singular_values(kernel, (32, 32)))
    assert peak < 64 * 64 * places * 16  # all frequencies' matrices at once
