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
from nnscope.fields.packing import pack_arrays, parameter_gradients
from nnscope.fields.parameters import amplitude_weights, cholesky_factors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.fields.lattice import Lattice
    from nnscope.fields.packing import Packed
    from nnscope.fields.parameters import Amplitude, Covariance

_LOWER = {2: ([0, 1, 1], [0, 0, 1]), 3: ([0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2])}


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
    @torch.autograd.function.once_differentiable
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
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor, _: torch.Tensor) -> tuple[Any, ...]:
        """Gradient by the loss → gradients by the parameters."""
        packed, lattice, kinds, residual = ctx.held
        moments = lattice_moments(packed, lattice, residual, kinds.cutoff)
        moments *= 2 * float(gradient) / max(1, residual.size)
        return (*_gradients(packed, moments, kinds, gradient.dtype), None, None)


def factors_of(chol: torch.Tensor, dimensions: int, diagonal: bool) -> torch.Tensor:
    """L (n, d, d) from its numbers, with gradients: the twin of `nnscope.fields.parameters.cholesky_factors`."""
    if diagonal:
        return torch.diag_embed(torch.exp(chol.clamp(-20, 20)))
    rows, columns = _LOWER[dimensions]
    exponents = torch.tensor([row == column for row, column in zip(rows, columns, strict=True)])
    entries = torch.where(exponents, torch.exp(torch.where(exponents, chol, 0.0).clamp(-20, 20)), chol)
    factors = chol.new_zeros(len(chol), dimensions, dimensions)
    factors[:, rows, columns] = entries
    return factors


def _packed(means: torch.Tensor, chol: torch.Tensor, amplitudes: torch.Tensor, kinds: Kinds) -> Packed:
    places, numbers, heights = (tensor.detach().numpy() for tensor in (means, chol, amplitudes))
    factors = cholesky_factors(numbers, places.shape[1], kinds.covariance)
    return pack_arrays(places.astype(np.float64), factors, amplitude_weights(heights, kinds.amplitude))


def _gradients(packed: Packed, moments: np.ndarray, kinds: Kinds, dtype: torch.dtype) -> Iterator[torch.Tensor]:
    found = parameter_gradients(packed, moments, (kinds.amplitude, kinds.covariance))
    return (torch.from_numpy(x).to(dtype) for x in (found.means, found.chol, found.amplitudes))
