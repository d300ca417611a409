"""Direct fields against scipy's filter, and the embedding of rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nnscope.core.errors import NnscopeError
from nnscope.fields import Lattice, evaluate_lattice, field_of_rows, field_of_weights


@pytest.mark.parametrize("shape", [(64, 64), (14, 15, 16)], ids=["layer", "volume"])
@pytest.mark.parametrize("sigma", [1.0, 1.7])
def test_a_direct_field_is_a_gaussian_filter(shape: tuple[int, ...], sigma: float) -> None:
    weights = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    field = evaluate_lattice(field_of_weights(weights, sigma), Lattice.of(shape), 6.0)
    expected = gaussian_filter(weights.astype(np.float64), sigma, truncate=8.0, mode="constant")
    np.testing.assert_allclose(field, expected, atol=1e-4)


def test_peaks_are_weights_when_not_normalised() -> None:
    weights = np.zeros((9, 9))
    weights[4, 6] = 2.5
    field = evaluate_lattice(field_of_weights(weights, 0.8, normalised=False), Lattice.of((9, 9)))
    assert field[4, 6] == pytest.approx(2.5)
    assert np.unravel_index(field.argmax(), field.shape) == (4, 6)


def test_rows_lie_at_their_embedding() -> None:
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(30, 2)) * [5, 2]
    basis = np.linalg.qr(rng.normal(size=(12, 2)))[0]
    matrix = plane @ basis.T + rng.normal(size=12)
    field = field_of_rows(matrix, 128, 3.0)
    apart = np.linalg.norm(plane[:, None] - plane, axis=2)
    found = np.linalg.norm(field.means[:, None] - field.means, axis=2)
    ratio = found[apart > 0] / apart[apart > 0]
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)
    assert (field.means > 8).all()
    assert (field.means < 120).all()
    np.testing.assert_allclose(field.amplitudes, matrix.sum(axis=1), atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 1), (1, 7)], ids=str)
def test_few_rows(shape: tuple[int, int]) -> None:
    field = field_of_rows(np.ones(shape))
    assert len(field) == shape[0]
    assert np.isfinite(field.means).all()


def test_values_that_are_no_number_stand_for_zero() -> None:
    field = field_of_weights(np.array([[1.0, np.nan], [np.inf, 2.0]]), normalised=False)
    assert field.amplitudes.tolist() == [1, 0, 0, 2]


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf])
def test_sigma_is_above_zero(sigma: float) -> None:
    for make in (field_of_weights, field_of_rows):
        with pytest.raises(NnscopeError):
            make(np.ones((3, 3)), sigma=sigma)
