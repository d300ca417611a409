"""Norms and spectra of weights from a file, against NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.tensor import Tensor

    Make = Callable[[np.ndarray], Tensor]


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_the_spectral_norm_comes_with_its_vectors(tensor: Make) -> None:
    w = values(20, 3, 5)
    matrix = w.reshape(20, 15).astype(np.float64)
    found = tensor(w).analyse("spectral-norm")
    facts = dict(found.facts)
    assert facts["spectral_norm"] == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-4)
    np.testing.assert_allclose(found.arrays["left"] @ matrix @ found.arrays["right"], facts["spectral_norm"], rtol=1e-4)


def test_channels_are_scaled_by_their_norms(tensor: Make) -> None:
    w = values(6, 4, 3, 3)
    norms = np.linalg.norm(w.reshape(6, -1).astype(np.float64), axis=1)
    found = tensor(w).analyse("weight-scale")
    np.testing.assert_allclose(found.arrays["channels"], norms, rtol=1e-6)
    np.testing.assert_allclose(found.arrays["scaled"], w * (norms / norms.max()).reshape(-1, 1, 1, 1), rtol=1e-5)
    assert dict(found.facts)["frobenius"] == pytest.approx(np.linalg.norm(w), rel=1e-6)


def test_noise_stays_within_its_edge_and_a_spike_does_not(tensor: Make) -> None:
    w = values(120, 80)
    assert dict(tensor(w).analyse("noise-edge").facts)["outliers"] == 0
    spiked = w + 5 * np.outer(values(120), np.ones(80, np.float32) / np.sqrt(80)).astype(np.float32)
    assert dict(tensor(spiked).analyse("noise-edge").facts)["outliers"] == 1


def test_a_convolution_of_one_tap_has_the_spectrum_of_its_matrix(tensor: Make) -> None:
    w = values(4, 3, 1, 1)
    sigma = np.linalg.svd(w[:, :, 0, 0].astype(np.float64), compute_uv=False)
    found = tensor(w).analyse("convolution-spectrum", size=4)
    np.testing.assert_allclose(found.arrays["sigma"], np.repeat(sigma, 16), rtol=1e-6)


def test_a_fractal_without_decay_is_its_base(tensor: Make) -> None:
    found = tensor(values(30, 20)).analyse("fractal-map", decay=0.0, depth=1, cells=4)
    base, whole = found.arrays["base"], found.arrays["map"]
    assert whole.shape == (16, 16)
    np.testing.assert_allclose(whole, np.kron(base, np.ones((4, 4))), atol=1e-6)


def test_a_fractal_tells_how_deep_its_spectrum_goes(tensor: Make) -> None:
    w = (values(30, 20) * np.logspace(0, -2, 20)).astype(np.float32)
    found = tensor(w).analyse("fractal-map", rank=9)
    sigma = np.linalg.svd(w.astype(np.float64), compute_uv=False)[:9]
    np.testing.assert_allclose(found.arrays["sigma"], sigma, rtol=1e-6)
    assert dict(found.facts)["zoom_depth"] == round(np.log2(sigma[0] / sigma[-1])) > 1


@pytest.mark.parametrize(
    ("method", "settings"),
    [("fractal-map", {"depth": 12, "cells": 256}), ("convolution-spectrum", {"size": 60_000})],
    ids=["fractal", "convolution"],
)
def test_what_is_too_large_is_told(tensor: Make, method: str, settings: dict[str, int]) -> None:
    with pytest.raises(NnscopeError, match="too large"):
        tensor(values(4, 3, 3, 3)).analyse(method, **settings)


def test_what_is_not_finite_is_counted(tensor: Make) -> None:
    w = values(8, 8)
    w[1, 2] = np.inf
    for method in ("spectral-norm", "weight-scale", "noise-edge", "fractal-map"):
        assert dict(tensor(w).analyse(method).facts)["nonfinite"] == 1
