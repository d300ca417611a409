"""Fields in PyTorch's graphs: forward and backward are the compiled kernels, on the CPU.

Gradients are by means, by the numbers of L, and by amplitudes; the positions of samples are constants. All between the
parameters and the samples is one node of the graph: with a few hundred Gaussians torch's own small operations would
take longer than the sums.
"""

# mypy: disallow-subclassing-any=False
# (torch is not followed by mypy here: its classes are Any to it)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nnscope.fields.evaluate import CUTOFF, Points, evaluate_lattice, evaluate_points, lattice_moments, point_moments
from nnscope.fields.packing import amplitude_slopes, number_gradients, pack_arrays, parameter_gradients
from nnscope.fields.parameters import amplitude_weights, cholesky_factors
from nnscope.fields.projection import picture_gradients, picture_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.fields.lattice import Lattice
    from nnscope.fields.packing import Packed
    from nnscope.fields.parameters import Amplitude, Covariance
    from nnscope.fields.projection import Maxima
    from nnscope.fields.views import Pinhole


@dataclass(frozen=True, slots=True)
class Kinds:
    """What a field's parameters mean, and where its Gaussians end."""

    amplitude: Amplitude
    covariance: Covariance
    cutoff: float = CUTOFF


class GaussianSum(torch.autograd.Function):
    """f over the samples of a lattice, or at points; second derivatives are not defined."""

    @staticmethod
    def forward(
        ctx: Any,
        means: torch.Tensor,
        chol: torch.Tensor,
        amplitudes: torch.Tensor,
        samples: Lattice | Points,
        kinds: Kinds,
    ) -> torch.Tensor:
        """means [n, d], chol [n, k], amplitudes [n] → values of the samples' shape, in the means' dtype."""
        packed = _packed(means, chol, amplitudes, kinds)
        ctx.held = packed, samples, kinds
        if isinstance(samples, Points):
            return torch.from_numpy(evaluate_points(packed, samples, kinds.cutoff))
        out = np.zeros(samples.shape, means.detach().numpy().dtype)
        return torch.from_numpy(evaluate_lattice(packed, samples, kinds.cutoff, out))

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        """gradient of the samples' shape → gradients by the parameters."""
        packed, samples, kinds = ctx.held
        values = gradient.contiguous().numpy()
        if isinstance(samples, Points):
            moments = point_moments(packed, samples, values, kinds.cutoff)
        else:
            moments = lattice_moments(packed, samples, values, kinds.cutoff)
        return (*_gradients(packed, moments, kinds, gradient.dtype), None, None)


class SquaredError(torch.autograd.Function):
    """Mean of (f − goal)² over a lattice, and the residual.

    Samples never become torch's tensors: for grids of this size its threads cost more than the arithmetic.
    """

    @staticmethod
    def forward(
        ctx: Any,
        means: torch.Tensor,
        chol: torch.Tensor,
        amplitudes: torch.Tensor,
        goal: tuple[Lattice, np.ndarray],
        kinds: Kinds,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `GaussianSum.forward`; goal is a lattice and the values [z, y, x] wanted there."""
        packed, (lattice, wanted) = _packed(means, chol, amplitudes, kinds), goal
        residual = evaluate_lattice(packed, lattice, kinds.cutoff, -wanted.astype(means.detach().numpy().dtype))
        shown = torch.from_numpy(residual)
        ctx.held = packed, lattice, kinds, residual
        ctx.mark_non_differentiable(shown)
        ctx.set_materialize_grads(False)
        return means.new_tensor(float(np.vdot(residual, residual)) / max(1, residual.size)), shown

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: torch.Tensor, _: torch.Tensor) -> tuple[Any, ...]:
        """Gradient by the loss → gradients by the parameters."""
        packed, lattice, kinds, residual = ctx.held
        moments = lattice_moments(packed, lattice, residual, kinds.cutoff)
        moments *= 2 * float(gradient) / max(1, residual.size)
        return (*_gradients(packed, moments, kinds, gradient.dtype), None, None)


class PictureError(torch.autograd.Function):
    """Mean of (maximum projection − picture)² (`nnscope.fields.projection`)."""

    @staticmethod
    def forward(
        ctx: Any,
        means: torch.Tensor,
        chol: torch.Tensor,
        amplitudes: torch.Tensor,
        goal: tuple[Pinhole, Maxima, np.ndarray],
        kinds: Kinds,
    ) -> torch.Tensor:
        """As `GaussianSum.forward`; goal is a camera, how pictures are made, and the picture [y, x] wanted."""
        packed, (camera, how, wanted) = _packed(means, chol, amplitudes, kinds), goal
        shown = picture_of(packed.numbers[:, :3], packed.factors, packed.numbers[:, 9], camera, how)
        ctx.held = packed, shown, shown.values - wanted, kinds
        return means.new_tensor(float(np.square(shown.values - wanted).mean()))

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[Any, ...]:
        """Gradient by the loss → gradients by the parameters."""
        packed, shown, residual, kinds = ctx.held
        field = residual * (2 * float(gradient) / max(1, residual.size))
        means, factors, weights = picture_gradients(shown, field, len(packed.numbers))
        chol = number_gradients(factors, packed.factors, kinds.covariance)
        found = means, chol, weights * amplitude_slopes(packed.numbers[:, 9], kinds.amplitude)
        return (*(torch.from_numpy(x).to(gradient.dtype) for x in found), None, None)


def _packed(means: torch.Tensor, chol: torch.Tensor, amplitudes: torch.Tensor, kinds: Kinds) -> Packed:
    places, numbers, heights = (tensor.detach().numpy() for tensor in (means, chol, amplitudes))
    factors = cholesky_factors(numbers, places.shape[1], kinds.covariance)
    return pack_arrays(places.astype(np.float64), factors, amplitude_weights(heights, kinds.amplitude))


def _gradients(packed: Packed, moments: np.ndarray, kinds: Kinds, dtype: torch.dtype) -> Iterator[torch.Tensor]:
    found = parameter_gradients(packed, moments, (kinds.amplitude, kinds.covariance))
    return (torch.from_numpy(x).to(dtype) for x in (found.means, found.chol, found.amplitudes))
