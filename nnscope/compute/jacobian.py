"""How much outputs depend on inputs: norm and top singular pair of a Jacobian J that is never built (methods.md §10).

All that is asked of J are products: ``vjp(v)`` = Jᵀv and ``jvp(u)`` = Ju, arrays of the inputs' and the outputs' shape.

- For v of independent signs, E[(Jᵀv)_i²] = Σ_j J_ji² is the sensitivity to input i, and E‖Jᵀv‖² = ‖J‖_F²
  (Hutchinson 1990). Estimates come with their standard errors, and samples are drawn until that of ‖J‖_F² is small
  enough. Where outputs are few, one product for each of them gives both without an error.
- The top singular pair comes from power iteration on JᵀJ, with the residual ‖JᵀJv − σ²v‖/σ² as its certificate: some
  singular value is within that share of σ² (in squares), whatever the gap.

Oracle: torch.autograd.functional.jacobian.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnscope.arrays.backend import namespace
from nnscope.core.errors import NnscopeError

Product = Callable[[np.ndarray], Any]
Progress = Callable[[int, int], None]

LEAST_SAMPLES = 8  # before the standard error is believed


@dataclass(frozen=True, slots=True)
class EstimateOptions:
    """When to stop drawing samples.

    Attributes
    ----------
    relative_error : float
        Standard error of ‖J‖_F² as a share of it, > 0.
    max_samples : int
        Products at most, ≥ 8.
    exact_outputs : int
        Up to as many outputs, each gets a product of its own instead of samples.
    seed : int
    """

    relative_error: float = 0.05
    max_samples: int = 1000
    exact_outputs: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.relative_error) and self.relative_error > 0):
            raise NnscopeError("The relative error asked for must be above zero.", repr(self.relative_error))
        if self.max_samples < LEAST_SAMPLES:
            raise NnscopeError("This is too few samples.", str(self.max_samples), f"At least {LEAST_SAMPLES}.")


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """‖J‖_F² and the share of each input in it.

    Attributes
    ----------
    squared_norm, squared_norm_error : float
        ‖J‖_F² and its standard error.
    per_input, per_input_error : ndarray of float64
        Σ_j J_ji² for each input i, in the inputs' shape, and its standard error.
    samples : int
        Products taken.
    exact : bool
        True when they were one for each output; the errors are then 0.
    converged : bool
        Whether the error is as small as was asked for.
    """

    squared_norm: float
    squared_norm_error: float
    per_input: Any
    per_input_error: Any
    samples: int
    exact: bool
    converged: bool

    @property
    def norm(self) -> float:
        """‖J‖_F."""
        return math.sqrt(self.squared_norm)


@dataclass(frozen=True, slots=True)
class PowerOptions:
    """When to stop the power iteration: at a relative change of σ of ``tolerance``, or ``max_iterations``."""

    tolerance: float = 1e-6
    max_iterations: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_iterations < 1:
            raise NnscopeError("At least one iteration is needed.", str(self.max_iterations))


@dataclass(frozen=True, slots=True, eq=False)
class TopSingular:
    """The largest singular value of J, and what it turns into what.

    Attributes
    ----------
    sigma : float
    right, left : ndarray of float64
        Unit vectors in the inputs' and the outputs' shape, J·right = σ·left; the entry of ``right`` of largest
        magnitude is positive. Zero when J is.
    residual : float
        ‖JᵀJv − σ²v‖/σ².
    iterations : int
    converged : bool
    """

    sigma: float
    right: Any
    left: Any
    residual: float
    iterations: int
    converged: bool


def sensitivity(
    vjp: Product,
    output_shape: tuple[int, ...],
    options: EstimateOptions = EstimateOptions(),
    progress: Progress = lambda done, total: None,
) -> Sensitivity:
    """‖J‖_F² and the sensitivity to each input, from products Jᵀv.

    Parameters
    ----------
    vjp : callable
        ``vjp(v)`` = Jᵀv, for ``v`` an array of shape ``output_shape``.
    output_shape : tuple of int
    options : EstimateOptions
    progress : callable
        Called as ``progress(done, total)`` between products; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If a product isn't finite.
    """
    outputs = math.prod(output_shape)
    if outputs <= options.exact_outputs:
        return _exact(vjp, output_shape, progress)
    rng = np.random.default_rng(options.seed)
    found = _Moments()
    while found.count < options.max_samples and not found.settled(options.relative_error):
        found.add(_finite(vjp(_random_signs(rng, output_shape))) ** 2)
        progress(found.count, options.max_samples)
    return found.result(options.relative_error)


def top_singular(
    jvp: Product,
    vjp: Product,
    input_shape: tuple[int, ...],
    options: PowerOptions = PowerOptions(),
    progress: Progress = lambda done, total: None,
) -> TopSingular:
    """σ₁ of J and its singular vectors, by power iteration on JᵀJ (Golub and Van Loan 2013, §8.2).

    Parameters
    ----------
    jvp, vjp : callable
        ``jvp(u)`` = Ju for ``u`` an array of shape ``input_shape``; ``vjp(v)`` = Jᵀv.
    input_shape : tuple of int
    options : PowerOptions
    progress : callable
        Called as ``progress(done, total)`` between iterations; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If a product isn't finite.
    """
    right = _unit(np.random.default_rng(options.seed).standard_normal(input_shape))[0]
    sigma = 0.0
    for done in range(1, options.max_iterations + 1):
        left, image_norm = _unit(_finite(jvp(right)))
        before, sigma = sigma, image_norm
        if sigma == 0:
            return TopSingular(0.0, right * 0, left, 0.0, done, True)
        converged = abs(sigma - before) <= options.tolerance * sigma
        back = _finite(vjp(left)) * sigma  # JᵀJ·right
        if converged or done == options.max_iterations:
            break
        right = _unit(back)[0]
        left = back = None  # room for the next products
        progress(done, options.max_iterations)
    right = namespace(back).asarray(right)  # where products are
    back -= sigma**2 * right
    residual = _unit(back)[1] / sigma**2
    sign = _sign(right)
    right *= sign
    left *= sign
    return TopSingular(sigma, right, left, residual, done, converged)


class _Moments:
    """Mean and spread of squares as they come (Welford 1962), for each input and for their sum; in place."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.spread: Any = 0.0  # Σ(x − mean)²
        self.total = 0.0
        self.total_spread = 0.0

    def add(self, squares: Any) -> None:
        """Take in ``squares``, whose memory is used up."""
        total = float(squares.sum())
        if not self.count:
            self.mean, self.spread = namespace(squares).zeros_like(squares), namespace(squares).zeros_like(squares)
        self.count += 1
        squares -= self.mean
        squares /= self.count  # how far the mean moves
        self.mean += squares
        squares *= squares
        squares *= self.count * (self.count - 1)
        self.spread += squares
        apart = total - self.total
        self.total += apart / self.count
        self.total_spread += apart * (total - self.total)

    @property
    def error(self) -> float:
        """Standard error of the mean of sums."""
        return math.sqrt(self.total_spread / (self.count - 1) / self.count) if self.count > 1 else math.inf

    def settled(self, relative_error: float) -> bool:
        return self.count >= LEAST_SAMPLES and self.error <= relative_error * self.total

    def result(self, relative_error: float) -> Sensitivity:
        errors = self.spread
        errors /= (self.count - 1) * self.count
        errors = namespace(errors).sqrt(errors, out=errors)
        settled = self.settled(relative_error)
        return Sensitivity(self.total, self.error, self.mean, errors, self.count, False, settled)


def _random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.integers(0, 2, shape, np.int8).astype(np.float32) * 2 - 1


def _exact(vjp: Product, output_shape: tuple[int, ...], progress: Progress) -> Sensitivity:
    outputs = math.prod(output_shape)
    squares: Any = 0.0
    if not outputs:  # a product with nothing still tells the inputs' shape
        squares = _finite(vjp(np.zeros(output_shape, np.float32))) * 0
    for number in range(outputs):
        one = np.zeros(outputs, np.float32)
        one[number] = 1
        squares = squares + _finite(vjp(one.reshape(output_shape))) ** 2
        progress(number + 1, outputs)
    return Sensitivity(float(squares.sum()), 0.0, squares, squares * 0, outputs, True, True)


def _finite(product: Any) -> Any:
    """A product in float64.

    Raises
    ------
    NnscopeError
        If it isn't finite.
    """
    xp = namespace(product)
    if not bool(xp.isfinite(product).all()):
        raise NnscopeError("A derivative of the outputs is not finite here, so there is no sensitivity to show.")
    return xp.asarray(product, xp.float64)


def _unit(vector: Any) -> tuple[Any, float]:
    norm = float(namespace(vector).linalg.norm(vector.reshape(-1)))
    return (vector / norm if norm > 0 else vector), norm


def _sign(vector: Any) -> float:
    flat = vector.reshape(-1)
    return -1.0 if flat.size and float(flat[int(abs(flat).argmax())]) < 0 else 1.0
