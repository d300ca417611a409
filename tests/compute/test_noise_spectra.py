"""The spectrum of noise: Marchenko-Pastur's edges, and shuffled entries."""

from __future__ import annotations

import numpy as np
import pytest

from nnscope.compute.spectra.baseline import shuffled, shuffled_spectrum
from nnscope.compute.spectra.marchenko_pastur import noise_bulk, outliers


@pytest.mark.parametrize("shape", [(300, 300), (200, 700), (700, 200)], ids=str)
@pytest.mark.parametrize("deviation", [0.01, 3.0])
def test_noise_lies_within_its_bulk(shape: tuple[int, int], deviation: float) -> None:
    beyond = 0
    for seed in range(20):
        sigma = np.linalg.svd(np.random.default_rng(seed).normal(size=shape) * deviation, compute_uv=False)
        bulk = noise_bulk(shape, deviation**2)
        beyond += outliers(sigma, bulk)
        assert sigma[0] == pytest.approx(bulk.high, rel=0.05)
        assert sigma[-1] == pytest.approx(bulk.low, rel=0.1, abs=0.1 * bulk.high)
    assert beyond <= 2  # one in a hundred matrices


def test_a_planted_direction_is_an_outlier() -> None:
    rng = np.random.default_rng(0)
    u, v = (a / np.linalg.norm(a) for a in (rng.normal(size=400), rng.normal(size=200)))
    w = rng.normal(size=(400, 200)) + 60 * np.outer(u, v)
    assert outliers(np.linalg.svd(w, compute_uv=False), noise_bulk(w.shape, 1.0)) == 1


def test_a_single_entry_and_no_variance_are_defined() -> None:
    assert noise_bulk((1, 1), 4.0).high == pytest.approx(4.0)
    assert noise_bulk((5, 3), 0.0).beyond == 0.0


def test_shuffling_keeps_entries_and_loses_structure() -> None:
    w = np.outer(np.arange(1.0, 41), np.arange(1.0, 31)).astype(np.float32)
    kept = w.copy()
    mixed = shuffled(w.reshape(40, 5, 6), seed=1)
    assert mixed.shape == (40, 5, 6)
    np.testing.assert_array_equal(np.sort(mixed, axis=None), np.sort(w, axis=None))
    np.testing.assert_array_equal(w, kept)
    sigma = shuffled_spectrum(w, seed=1)
    assert sigma[1] > 0.1 * sigma[0]
    np.testing.assert_array_equal(sigma, shuffled_spectrum(w, seed=1))
    assert (sigma != shuffled_spectrum(w, seed=2)).any()
    assert np.linalg.norm(sigma) == pytest.approx(np.linalg.norm(w))
