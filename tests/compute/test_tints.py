"""What drives hue and opacity of translucent volumes: directions, components, norms."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from nnscope.compute.space.tints import component_tints, depth_norms, gradient_tints


@pytest.mark.parametrize("angle", [0, 37, 90, 145, 180, 250, 300])
def test_the_hue_of_a_slope_is_its_direction(angle: float) -> None:
    y, x = np.mgrid[:12, :15].astype(np.float32)
    way = np.radians(angle)
    ramp = (x * np.cos(way) + y * np.sin(way)).astype(np.float32)[None].repeat(2, 0)
    tints = gradient_tints(ramp)
    expected = np.array(colorsys.hsv_to_rgb(angle / 360, 1, 1)) * 255
    assert np.abs(tints - expected).max() <= 255 * 6 / 256 + 1  # a step of the wheel
    assert len(np.unique(tints.reshape(-1, 3), axis=0)) <= 2


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (2, 1, 6), (2, 6, 1)])
def test_what_is_flat_is_white(shape: tuple[int, int, int]) -> None:
    assert (gradient_tints(np.full(shape, 2.5, np.float32)) == 255).all()


def test_components_of_the_depths_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = np.random.default_rng(0).normal(size=(6, 9, 7)).astype(np.float32) * np.array([5, 3, 2, 0.5, 0.4, 0.3])[
        :, None, None
    ].astype(np.float32)
    tints, explained = component_tints(x)
    oracle = decomposition.PCA(3, svd_solver="full").fit(x.reshape(6, -1).T)
    assert tints.shape == (1, 9, 7, 3)
    assert explained == pytest.approx(oracle.explained_variance_ratio_, rel=1e-4)
    scores = oracle.transform(x.reshape(6, -1).T)
    for k in range(3):
        assert abs(np.corrcoef(scores[:, k], tints.reshape(-1, 3)[:, k])[0, 1]) > 0.98


def test_two_depths_have_two_components() -> None:
    tints, explained = component_tints(np.random.default_rng(0).normal(size=(2, 5, 5)).astype(np.float32))
    assert len(explained) == 2
    assert (tints[..., 2] == 255).all()


def test_norms_are_those_of_the_depths() -> None:
    x = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    norms = np.linalg.norm(x.astype(np.float64).reshape(5, -1), axis=1)
    assert depth_norms(x) == pytest.approx(norms / norms.max(), rel=1e-6)
    assert (depth_norms(np.zeros((3, 2, 2), np.float32)) == 1).all()
    huge = np.full((2, 4, 4), 3e38, np.float32)
    huge[1] /= 2
    assert depth_norms(huge) == pytest.approx([1, 0.5])
