"""Panes with splats for the tests, and what their pixels must be by plain float64 arithmetic."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.compute.space.transfer import mean_side
from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import planes, volume_layout
from nnscope.core.splats import SplatPicture, Splatting
from nnscope.fields.projection import project
from nnscope.fields.views import Pinhole
from tests.render import building

if TYPE_CHECKING:
    from nnscope.core.space import Camera3D

_keys = itertools.count()


def picture(means: Any, lower: Any, weights: Any, shape: tuple[int, ...] = (20, 24, 28), **how: Any) -> SplatPicture:
    """Of means (n, 3), L (n, 3, 3) and weights (n,)."""
    rows, columns = np.tril_indices(3)
    layout = volume_layout(shape) if len(shape) == 3 else planes(shape)
    numbers = np.ascontiguousarray(np.reshape(lower, (-1, 3, 3))[:, rows, columns], np.float64)
    centres, heights = np.asarray(means, np.float64).reshape(-1, 3), np.asarray(weights, np.float64)
    names = np.arange(len(heights))
    return SplatPicture("field", "splats", layout, 0, centres, numbers, heights, names, 0.0, Splatting(**how), ())


def some(count: int = 60, seed: int = 0, **how: Any) -> SplatPicture:
    """Gaussians of all shapes and both signs."""
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.normal(0, 1.2, (count, 3, 3)))
    lower[:, range(3), range(3)] = np.exp(rng.uniform(-1, 1, (count, 3)))
    return picture(rng.uniform(0, (28, 24, 20), (count, 3)), lower, rng.uniform(-1, 1, count), **how)


def pane(shown: SplatPicture, camera: Camera3D, size: tuple[int, int] = (96, 80)) -> PaneFrame:
    """A pane of nothing but splats."""
    rect = Rect(0, 0, size[0] + 8, size[1] + 12)
    space = SpaceFrame(("splats", next(_keys)), shown, camera)
    return PaneFrame(rect, Rect(4, 6, *size), normalisation=building.linear(), style=building.style(), space=space)


def shares(shown: SplatPicture, camera: Camera3D, size: tuple[int, int]) -> np.ndarray:
    """What each Gaussian gives each pixel: float64 (n, height, width)."""
    lower = np.zeros((len(shown.weights), 3, 3))
    lower[:, *np.tril_indices(3)] = shown.factors
    flat, spread, weights = _seen(shown, lower, camera, size)
    v, u = np.mgrid[: size[1], : size[0]] + 0.5
    offsets = np.stack([u, v], -1) - flat[:, None, None]
    m = np.einsum("nvui,nij,nvuj->nvu", offsets, np.linalg.inv(spread), offsets)
    return np.asarray(np.where(m <= shown.how.cutoff**2, weights[:, None, None] * np.exp(-m / 2), 0))


def definition(shown: SplatPicture, camera: Camera3D, size: tuple[int, int]) -> np.ndarray:
    """The picture [v, u]."""
    given = shares(shown, camera, size)
    if shown.how.mode == "alpha":
        return _over(given, shown, camera, size)
    if shown.how.mode == "sum":
        return given.sum(0)
    best = np.abs(given).argmax(0)
    return np.asarray(np.take_along_axis(given, best[None], 0)[0])


def behind(camera: Camera3D) -> Camera3D:
    """The camera on the other side."""
    return replace(camera, azimuth=camera.azimuth + 180, elevation=-camera.elevation)


def _over(given: np.ndarray, shown: SplatPicture, camera: Camera3D, size: tuple[int, int]) -> np.ndarray:
    """Weights over those behind, each as opaque as its share of the largest weight that is seen."""
    seen = eye(camera, shown.bounds, Rect(0, 0, *size))
    order = np.argsort(shown.means @ seen.ahead)
    assert len(given) == len(order)
    hides = np.abs(given) / np.abs(shown.weights).max()
    out, clear = np.zeros(given.shape[1:]), np.ones(given.shape[1:])
    for k in order:
        out += clear * hides[k] * shown.weights[k]
        clear *= 1 - hides[k]
    return out


def _seen(
    shown: SplatPicture, lower: np.ndarray, camera: Camera3D, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(u, v), Σ₂, and weights, of Gaussians before the eye."""
    seen = eye(camera, shown.bounds, Rect(0, 0, *size))
    rotation = np.stack([seen.right, seen.down, seen.ahead])
    if seen.parallel:
        across = rotation[:2] / seen.scale
        flat = (shown.means - seen.centre) @ across.T + seen.middle
        turned = across @ lower
        spread, which = turned @ turned.transpose(0, 2, 1) + 1e-6 * np.eye(2), np.arange(len(lower))
        towards = np.broadcast_to(seen.ahead, shown.means.shape)
    else:
        focal = float((seen.centre - seen.position) @ seen.ahead) / seen.scale
        pinhole = Pinhole(rotation, -rotation @ seen.position, focal, seen.middle, size)
        found = project(shown.means, lower, pinhole)
        flat, spread, which, towards = found.means, found.covariances, found.seen, shown.means - seen.position
    weights = shown.weights[which]
    if shown.how.mode == "sum" and shown.layout.depth:
        precision = np.linalg.inv(lower @ lower.transpose(0, 2, 1))
        along = np.sqrt(np.einsum("ni,nij,nj->n", towards, precision, towards))
        through = np.sqrt(2 * np.pi) * np.linalg.norm(towards, axis=1) / along / mean_side(shown.layout.volume_shape)
        weights = weights * through[which]
    return flat, spread, weights
