"""Gaussians seen by a camera: projected means and covariances, and pictures of their maxima (methods.md §13).

μ' = R·μ + t and Σ' = R·Σ·Rᵀ; u = f·x/z + c_x, v = f·y/z + c_y; Σ₂ = J·Σ'·Jᵀ with J = [[f/z, 0, −f·x/z²],
[0, f/z, −f·y/z²]] (Zwicker et al. 2001). What a Gaussian gives a pixel at most along its ray is w·exp(−½d²), d the
Mahalanobis distance from (u, v) under Σ₂. The picture is the largest of these, or their softmax-weighted mean, which
goes to the largest as β grows.
"""

# mypy: disallow-subclassing-any=False
# (torch is not followed by mypy here: its classes are Any to it)

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nnscope.compute.parts import for_each, slices
from nnscope.fields.packing import factor_gradients, pack_arrays

if TYPE_CHECKING:
    from nnscope.fields.packing import Packed
    from nnscope.fields.views import Pinhole

_ROWS = 16  # of a picture that a thread takes at a time
_THIN = 1e-6  # square pixels: no projected variance is less


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


def project(
    means: torch.Tensor, factors: torch.Tensor, camera: Pinhole
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Project Gaussians.

    Parameters
    ----------
    means, factors : Tensor, shapes (n, 3) and (n, 3, 3)
        μ and L, in voxels.
    camera : Pinhole

    Returns
    -------
    means, factors : Tensor, shapes (m, 2) and (m, 2, 2)
        (u, v) in pixels and the lower-triangular factor of Σ₂, of those that are seen.
    seen : Tensor of int64, shape (m,)
        Which they are: those with z > near.
    """
    rotation, translation = (torch.tensor(x, dtype=means.dtype) for x in (camera.rotation, camera.translation))
    places = means @ rotation.T + translation
    seen = torch.nonzero(places.detach()[:, 2] > camera.near)[:, 0]
    x, y, z = places[seen].unbind(1)
    f = camera.focal
    flat = torch.stack([f * x / z + camera.middle[0], f * y / z + camera.middle[1]], dim=1)
    turned = rotation @ factors[seen]  # [m, 3, 3]: the factor of Σ'
    across = (f / z)[:, None] * (turned[:, 0] - (x / z)[:, None] * turned[:, 2])
    along = (f / z)[:, None] * (turned[:, 1] - (y / z)[:, None] * turned[:, 2])
    return flat, _factor((across * across).sum(1), (across * along).sum(1), (along * along).sum(1)), seen


def _factor(uu: torch.Tensor, uv: torch.Tensor, vv: torch.Tensor) -> torch.Tensor:
    """The lower-triangular factor of [[uu, uv], [uv, vv]]."""
    first = (uu + _THIN).sqrt()
    lower = uv / first
    second = (vv - lower * lower).clamp_min(_THIN).sqrt()
    return torch.stack([torch.stack([first, torch.zeros_like(first)], 1), torch.stack([lower, second], 1)], 1)


class MaximumPicture(torch.autograd.Function):
    """The picture [y, x] of the maxima of projected Gaussians; second derivatives are not defined."""

    @staticmethod
    def forward(ctx: Any, means: torch.Tensor, factors: torch.Tensor, weights: torch.Tensor, how: Maxima) -> Any:
        """means [m, 2], factors [m, 2, 2], weights [m] → picture [height, width], float64 inside."""
        arrays = (tensor.detach().numpy().astype(np.float64) for tensor in (means, factors, weights))
        packed = pack_arrays(*arrays)
        peaks, winners = _hard(packed, how)
        pictures = np.stack([peaks]) if math.isinf(how.beta) else _soft(packed, how, peaks)
        ctx.held = packed, how, winners, pictures
        return torch.from_numpy(pictures[-1]).to(means.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        """gradient of the picture's shape → gradients by means, factors (lower triangle) and weights."""
        packed, how, winners, pictures = ctx.held
        field = gradient.contiguous().numpy().astype(np.float64)
        moments = _picture_moments(packed, how, (winners, pictures), field)
        means, factors, weights = factor_gradients(packed, moments)
        found = (means, np.tril(factors), weights)
        return (*(torch.from_numpy(np.ascontiguousarray(x)).to(gradient.dtype) for x in found), None)


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


def _picture_moments(
    packed: Packed, how: Maxima, found: tuple[np.ndarray, np.ndarray], field: np.ndarray
) -> np.ndarray:
    from nnscope.arrays.kernels.gaussian_maxima import hard_moments, soft_moments

    winners, pictures = found
    out, axes = np.empty((len(packed.numbers), 10)), _axes(how.size)
    if math.isinf(how.beta):
        hard_moments(packed.numbers, axes, winners, field, out)
        return out
    reach = np.ascontiguousarray(packed.reach[:, 1:])
    soft_moments(packed.numbers, reach, (how.cutoff**2, how.beta), axes, pictures, field, out)
    return out


def picture_of(
    means: torch.Tensor, factors: torch.Tensor, weights: torch.Tensor, camera: Pinhole, how: Maxima | None = None
) -> torch.Tensor:
    """The maximum projection of Gaussians, with gradients.

    Parameters
    ----------
    means, factors, weights : Tensor, shapes (n, 3), (n, 3, 3) and (n,)
    camera : Pinhole
    how : Maxima or None
        By default the hard maximum at the camera's size.

    Returns
    -------
    Tensor, shape [height, width]
        At least 0: where no Gaussian is seen there is nothing.
    """
    flat, shapes, seen = project(means, factors, camera)
    picture: torch.Tensor = MaximumPicture.apply(flat, shapes, weights[seen], how or Maxima(camera.size))
    return picture
