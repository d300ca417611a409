"""Gaussians seen by a camera: projected means and covariances, and pictures of their maxima (methods.md §13).

μ' = R·μ + t and Σ' = R·Σ·Rᵀ; u = f·x/z + c_x, v = f·y/z + c_y; Σ₂ = J·Σ'·Jᵀ with J = [[f/z, 0, −f·x/z²],
[0, f/z, −f·y/z²]] (Zwicker et al. 2001). What a Gaussian gives a pixel at most along its ray is w·exp(−½d²), d the
Mahalanobis distance from (u, v) under Σ₂. The picture is the largest of these, or their softmax-weighted mean, which
goes to the largest as β grows.

Gradients go the same way back. With P = Σ₂⁻¹ and S = Σ g·e·d·dᵀ the one by Σ₂ is G = ½·w·P·S·P; with Σ₂ = A·Aᵀ and
A = J·R·L the one by A is 2·G·A, from which those by J and L follow. All of it is arithmetic on a few numbers for each
Gaussian, in NumPy: as torch's small operations it took ten times as long as the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.parts import for_each, slices
from nnscope.fields.packing import pack_arrays

if TYPE_CHECKING:
    from nnscope.fields.packing import Packed
    from nnscope.fields.views import Pinhole

_ROWS = 16  # of a picture that a thread takes at a time
_THIN = 1e-6  # square pixels that every projected variance has more


@dataclass(frozen=True, slots=True)
class Maxima:
    """How a picture is made.

    Attributes
    ----------
    size : (int, int)
        Width and height in pixels.
    beta : float
        Sharpness of the softmax; infinite for the maximum itself.
    cutoff : float
        In standard deviations of the projected Gaussians.
    """

    size: tuple[int, int]
    beta: float = math.inf
    cutoff: float = 4.5


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Gaussians as a camera sees them; arrays over the m that are seen, float64.

    Attributes
    ----------
    seen : ndarray of int64, shape (m,)
        Which they are: those with z > near.
    places : ndarray, shape (m, 3)
        μ' = R·μ + t.
    means : ndarray, shape (m, 2)
        (u, v) in pixels.
    jacobians : ndarray, shape (m, 2, 3)
        J.
    turned : ndarray, shape (m, 3, 3)
        R·L.
    covariances : ndarray, shape (m, 2, 2)
        Σ₂, with a trace more on the diagonal that keeps it invertible.
    """

    seen: np.ndarray
    places: np.ndarray
    means: np.ndarray
    jacobians: np.ndarray
    turned: np.ndarray
    covariances: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture of maxima and what its gradients need.

    Attributes
    ----------
    values : ndarray of float64, shape [height, width]
        At least 0: where no Gaussian is seen there is nothing.
    """

    values: np.ndarray
    how: Maxima
    camera: Pinhole
    projected: Projected
    packed: Packed
    winners: np.ndarray
    layers: np.ndarray


def project(means: np.ndarray, factors: np.ndarray, camera: Pinhole) -> Projected:
    """Project Gaussians: means (n, 3) and L (n, 3, 3) in voxels."""
    everywhere = means.astype(np.float64) @ camera.rotation.T + camera.translation
    seen = np.flatnonzero(everywhere[:, 2] > camera.near)
    places = everywhere[seen]
    x, y, z = places.T
    f = camera.focal
    flat = np.stack([f * x / z + camera.middle[0], f * y / z + camera.middle[1]], axis=1)
    jacobians = np.zeros((len(seen), 2, 3))
    jacobians[:, 0, 0] = jacobians[:, 1, 1] = f / z
    jacobians[:, 0, 2], jacobians[:, 1, 2] = -f * x / z**2, -f * y / z**2
    turned = camera.rotation @ factors[seen]
    across = jacobians @ turned
    return Projected(seen, places, flat, jacobians, turned, across @ across.transpose(0, 2, 1) + _THIN * np.eye(2))


def picture_of(
    means: np.ndarray, factors: np.ndarray, weights: np.ndarray, camera: Pinhole, how: Maxima | None = None
) -> Picture:
    """The maximum projection of Gaussians.

    Parameters
    ----------
    means, factors, weights : ndarray, shapes (n, 3), (n, 3, 3) and (n,)
    camera : Pinhole
    how : Maxima or None
        By default the hard maximum at the camera's size.
    """
    how = how or Maxima(camera.size)
    found = project(means, factors, camera)
    lower = np.linalg.cholesky(found.covariances) if len(found.seen) else found.covariances
    packed = pack_arrays(found.means, lower, weights[found.seen])
    peaks, winners = _hard(packed, how)
    layers = np.stack([peaks]) if math.isinf(how.beta) else _soft(packed, how, peaks)
    return Picture(layers[-1], how, camera, found, packed, winners, layers)


def picture_gradients(picture: Picture, field: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by means (n, 3), all entries of L (n, 3, 3), and w (n,), under ``field`` by the picture's values."""
    found, camera = picture.projected, picture.camera
    moments = _picture_moments(picture, field)
    weights = picture.packed.numbers[:, 9]
    precision = np.linalg.inv(found.covariances) if len(found.seen) else found.covariances
    by_flat = weights[:, None] * (precision @ moments[:, 1:3, None])[:, :, 0]
    spread = moments[:, [[4, 5], [5, 7]]]
    by_covariance = 0.5 * weights[:, None, None] * (precision @ spread @ precision)
    by_across = 2 * by_covariance @ (found.jacobians @ found.turned)
    by_turned = found.jacobians.transpose(0, 2, 1) @ by_across
    by_places = _place_gradients(found, camera.focal, by_flat, by_across @ found.turned.transpose(0, 2, 1))
    means, factors, heights = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.zeros(count)
    means[found.seen] = by_places @ camera.rotation
    factors[found.seen] = camera.rotation.T @ by_turned
    heights[found.seen] = moments[:, 0]
    return means, factors, heights


def _place_gradients(found: Projected, f: float, by_flat: np.ndarray, by_jacobian: np.ndarray) -> np.ndarray:
    """Gradients by μ' (m, 3), of (u, v) and of J."""
    x, y, z = found.places.T
    (u, v), near = by_flat.T, f / z**2
    ends = by_jacobian[:, 0, 2], by_jacobian[:, 1, 2]
    by_x = u * f / z - ends[0] * near
    by_y = v * f / z - ends[1] * near
    along = 2 * (ends[0] * x + ends[1] * y) / z - by_jacobian[:, 0, 0] - by_jacobian[:, 1, 1] - u * x - v * y
    return np.stack([by_x, by_y, along * near], axis=1)


def _axes(size: tuple[int, int]) -> np.ndarray:
    return np.array([(0.5, 1.0, size[0]), (0.5, 1.0, size[1]), (0.0, 1.0, 1.0)])


def _hard(packed: Packed, how: Maxima) -> tuple[np.ndarray, np.ndarray]:
    """The largest at each pixel, at least 0, and whose it is."""
    from nnscope.arrays.kernels.gaussian_maxima import hard_maxima

    width, height = how.size
    peaks, winners = np.zeros((height, width)), np.full((height, width), -1, np.int32)
    reach, axes, parts = np.ascontiguousarray(packed.reach[:, 1:]), _axes(how.size), slices(height, _ROWS)
    data = packed.numbers, reach, how.cutoff**2, axes
    for_each(lambda i: hard_maxima(*data, (parts[i].start, parts[i].stop), peaks, winners), len(parts))
    return peaks, winners


def _soft(packed: Packed, how: Maxima, peaks: np.ndarray) -> np.ndarray:
    """Hard maxima, denominators and soft maxima, [3, y, x]."""
    from nnscope.arrays.kernels.gaussian_maxima import soft_sums

    sums = np.zeros((2, *peaks.shape))
    sums[1] = len(packed.numbers) * np.exp(-how.beta * peaks)
    reach, axes, parts = np.ascontiguousarray(packed.reach[:, 1:]), _axes(how.size), slices(len(peaks), _ROWS)
    data = packed.numbers, reach, (how.cutoff**2, how.beta), axes
    for_each(lambda i: soft_sums(*data, (parts[i].start, parts[i].stop), peaks, sums), len(parts))
    held = np.maximum(sums[1], np.finfo(np.float64).tiny)
    return np.stack([peaks, held, sums[0] / held])


def _picture_moments(picture: Picture, field: np.ndarray) -> np.ndarray:
    from nnscope.arrays.kernels.gaussian_maxima import hard_moments, soft_moments

    packed, how = picture.packed, picture.how
    out, axes = np.empty((len(packed.numbers), 10)), _axes(how.size)
    if math.isinf(how.beta):
        hard_moments(packed.numbers, axes, picture.winners, field, out)
        return out
    reach = np.ascontiguousarray(packed.reach[:, 1:])
    soft_moments(packed.numbers, reach, (how.cutoff**2, how.beta), axes, picture.layers, field, out)
    return out
