"""Cameras, projections and their pictures, against brute force; and a fit to views of a made-up neuron."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nnscope.compute.space.perspective import eye, pencil
from nnscope.compute.space.rays import comb, interpolated
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Rect
from nnscope.core.space import Camera3D
from nnscope.fields import FitSettings, ViewSettings, fit
from nnscope.fields.autograd import Kinds, PictureError
from nnscope.fields.module import GaussianField
from nnscope.fields.projection import Maxima, picture_of, project
from nnscope.fields.views import STEP, pinhole, project_maxima, ring_cameras
from tests.fields.fields import as_diagonal, scattered
from tests.fields.neurites import neurites

if TYPE_CHECKING:
    from nnscope.fields.parameters import Gaussians

SHAPE = (9, 12, 15)
SIZE = (20, 16)
CAMERA = Camera3D(35.0, -20.0, 2.0)


def _field(count: int = 6) -> Gaussians:
    return scattered(count, 3, 9, 1.2, "sigmoid")


def _shown(field: Gaussians, how: Maxima | None = None) -> np.ndarray:
    return picture_of(field.means, field.factors, field.weights, pinhole(CAMERA, SHAPE, SIZE), how).values


def test_rings() -> None:
    cameras = ring_cameras(60)
    rings = {e: [c.azimuth for c in cameras if c.elevation == e] for e in (-20.0, 0.0, 20.0)}
    assert [len(ring) for ring in rings.values()] == [20, 20, 20]
    assert len({round(azimuth % 360, 6) for ring in rings.values() for azimuth in ring}) == 60
    np.testing.assert_allclose(np.diff(sorted(rings[0.0])), 18)


def test_a_pinhole_sees_what_the_eye_sees() -> None:
    camera, seen = pinhole(CAMERA, SHAPE, SIZE), eye(CAMERA, SHAPE, Rect(0, 0, *SIZE))
    points = np.random.default_rng(0).uniform(0, 12, (30, 3))
    found = project(points, np.tile(np.eye(3), (30, 1, 1)), camera)
    pixels, depth = seen.project(points)
    assert len(found.seen) == 30
    np.testing.assert_allclose(found.means, pixels, atol=1e-9)
    np.testing.assert_allclose((points @ camera.rotation.T + camera.translation)[:, 2], depth)
    np.testing.assert_allclose(np.linalg.det(camera.rotation), 1)


def test_covariances_by_the_jacobian() -> None:
    field, camera = _field(), pinhole(CAMERA, SHAPE, SIZE)
    found = project(field.means, field.factors, camera)
    step, unit = 1e-5, np.tile(np.eye(3), (3, 1, 1))
    for k, (mean, covariance) in enumerate(zip(field.means, field.covariances, strict=True)):
        ends = project(mean + step * np.eye(3), unit, camera).means
        jacobian = (ends - found.means[k]).T / step
        expected = jacobian @ covariance @ jacobian.T
        np.testing.assert_allclose(found.covariances[k], expected, rtol=1e-3, atol=1e-5)


def test_what_is_behind_is_not_seen() -> None:
    camera = pinhole(CAMERA, SHAPE, SIZE)
    behind, before = (
        (camera.rotation.T @ (np.array([0.1, 0, z * camera.near]) - camera.translation))[None] for z in (1.0, 1.1)
    )
    factors = np.eye(3)[None]
    assert [len(project(p, factors, camera).seen) for p in (behind, before)] == [0, 1]
    assert not picture_of(behind, factors, np.ones(1), camera).values.any()


def _brute(field: Gaussians, beta: float) -> np.ndarray:
    """Every pixel by every Gaussian."""
    found = project(field.means, field.factors, pinhole(CAMERA, SHAPE, SIZE))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    d = np.stack([x, y], -1)[:, :, None] - found.means
    c = field.weights * np.exp(-0.5 * np.einsum("yxki,kij,yxkj->yxk", d, np.linalg.inv(found.covariances), d))
    if math.isinf(beta):
        return np.asarray(c.max(-1))
    shares = np.exp(beta * (c - c.max(-1, keepdims=True)))
    return np.asarray((shares * c).sum(-1) / shares.sum(-1))


@pytest.mark.parametrize("beta", [0.5, 10.0, 1000.0, math.inf])
def test_pictures_are_maxima(beta: float) -> None:
    field = _field()
    np.testing.assert_allclose(_shown(field, Maxima(SIZE, beta, 12.0)), _brute(field, beta), atol=1e-9)


def test_the_soft_maximum_goes_to_the_hard_one() -> None:
    field = _field()
    errors = [np.abs(_shown(field, Maxima(SIZE, beta)) - _shown(field)).max() for beta in (10, 100, 1000)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 2e-3


@pytest.mark.parametrize("beta", [3.0, math.inf], ids=["soft", "hard"])
@pytest.mark.parametrize("covariance", ["full", "diagonal"])
def test_gradcheck_of_pictures(beta: float, covariance: str) -> None:
    field = _field(4) if covariance == "full" else as_diagonal(_field(4))
    module, size = GaussianField(field, torch.float64), (9, 8)
    wanted = np.random.default_rng(0).random(size[::-1])
    names = ("means", "chol", "amplitudes")

    def error(*parameters: torch.Tensor) -> torch.Tensor:
        goal = pinhole(CAMERA, SHAPE, size), Maxima(size, beta, 12.0), wanted
        return PictureError.apply(*parameters, goal, Kinds(field.amplitude, field.covariance))

    assert torch.autograd.gradcheck(error, tuple(getattr(module, name) for name in names))


def test_targets_are_true_projections() -> None:
    values = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    found = project_maxima(values, CAMERA, SIZE, outside=-1.0)
    rays, box = pencil(CAMERA, SHAPE, Rect(0, 0, *SIZE)), np.array(SHAPE[::-1], np.float64)
    for y, x in np.ndindex(SIZE[1], SIZE[0]):
        places, _ = comb(*rays.ray(x + 0.5, y + 0.5), box, STEP)
        expected = interpolated(values, places).max() if len(places) else -1.0
        assert found[y, x] == pytest.approx(expected, abs=1e-6)
    assert (found == -1).any()


def test_a_neuron_is_learnt_from_its_views() -> None:
    volume = neurites(32, branches=4)
    views = ViewSettings(views=18, held_out=3, size=40)
    found = fit(volume, FitSettings(gaussians=400, steps=150, adapt_every=50), views=views)
    assert found.psnr_heldout > found.steps[0].psnr + 5
    assert found.psnr_heldout >= 30
    assert 0 < found.gap < 3
    assert found.checkpoint.notes["rendering"] == "mip"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"views": 5, "held_out": 5}, "held out"), ({"held_out": 0}, "held out"), ({"size": 0}, "pixels")],
)
def test_views_that_make_no_sense(change: dict[str, int], words: str) -> None:
    with pytest.raises(NnscopeError, match=words):
        ViewSettings(**change)


def test_views_are_of_volumes() -> None:
    with pytest.raises(NnscopeError, match="of a volume"):
        fit(np.ones((5, 5)), FitSettings(gaussians=2), views=ViewSettings())
