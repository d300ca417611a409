"""Attention of attention of attention: P₀ = A, P_{k+1} = rownorm(P_k·P_k), which is A^(2^k) (methods.md §9).

The powers of a row-stochastic matrix forget where they came from: |λ₂|^(2^k) of the difference between rows is left at
level k, and 1 − |λ₂| is the spectral gap (Levin, Peres and Wilmer 2017, chapter 12). Under a causal mask the first
token attends to itself alone, so that plain powers gather there whatever the model does. Each level therefore tells
which token holds most of the mass, how much, and the gap; and there are three recursions:

- ``plain``: P₀ = A;
- ``residual``: P₀ = ½(A + I), the residual stream beside the attention, as in rollout (Abnar and Zuidema 2020), which
  gathers there too, only later; a masked query has the residual stream alone;
- ``sink-excluded``: P₀ = A without attention to one token, by default the one that gets most (the attention sink of
  Xiao et al. 2024), its rows made to sum to 1 again.

The second eigenvalue is found once and squared from level to level, as that of a power is; a level at which rows had
to be made to sum to 1 again, because others attend to masked ones, has it found anew.

Oracle: numpy.linalg.matrix_power in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host
from nnscope.compute.attention.maps import AttentionMap, attention_map, bands, is_causal, square
from nnscope.compute.blas_threads import one_thread_each
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

MODES = ("plain", "residual", "sink-excluded")
MAX_LEVELS = 20
EXACT_SIDE = 384  # tokens up to which the second eigenvalue comes from all of them
TRIANGLE = 128  # tokens of a half, from which a causal matrix is squared by halves

_STEPS, _ROUNDING = 48, 1e-6  # of Arnoldi's method: products, and the length below which a float32 vector is none
_CHANGED = 1e-3  # distance of row sums from 1 that is more than rounding
_FAINT = 2.0**-96  # sum of a row below which it is brought up first


@dataclass(frozen=True, slots=True)
class RecursionOptions:
    """What to raise to the power.

    Attributes
    ----------
    levels : int
        Squarings, 0 … `MAX_LEVELS`; the power is 2^levels.
    mode : {"plain", "residual", "sink-excluded"}
    sink : int or None
        Token that is left out in ``sink-excluded``; None for the one that gets most.
    """

    levels: int = 6
    mode: str = "plain"
    sink: int | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise NnscopeError("There is no recursion of this name.", self.mode, f"There are: {', '.join(MODES)}.")
        if not 0 <= self.levels <= MAX_LEVELS:
            raise NnscopeError("This many levels can't be shown.", str(self.levels), f"From 0 to {MAX_LEVELS}.")


@dataclass(frozen=True, slots=True)
class Level:
    """What a level has become.

    Attributes
    ----------
    power : int
        Of P₀.
    heaviest : int
        The token with most of the mass; −1 when there is none.
    mass : float
        Its share, in [0, 1]: the mean over queries that aren't masked.
    gap : float
        1 − |λ₂|, in [0, 1]; 1 when all rows are alike.
    """

    power: int
    heaviest: int
    mass: float
    gap: float


@dataclass(frozen=True, slots=True, eq=False)
class Recursion:
    """The last level, and how it got there.

    Attributes
    ----------
    weights : ndarray of float32, shape (tokens, tokens)
        P at the last level.
    masked : ndarray of bool, shape (tokens,)
        Rows that are zero.
    levels : tuple of Level
        From level 0 on.
    sink : int
        Token that was left out; −1 when none was.
    """

    weights: Any
    masked: Any
    levels: tuple[Level, ...]
    sink: int = -1


def recursion(
    weights: Any,
    options: RecursionOptions = RecursionOptions(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Recursion:
    """Square the attention of one head (or a mean over heads) again and again.

    Parameters
    ----------
    weights : ndarray, shape (tokens, tokens)
    options : RecursionOptions
    progress : callable
        Called as ``progress(done, total)`` between levels; may raise `Cancelled`.
    """
    first = attention_map(square(weights))
    sink = _prepare(first, options)
    power = first.weights
    masked = _empty_rows(power) if sink >= 0 else first.masked
    row_normalise(power)
    second = second_eigenvalue(power)
    levels = [_level(power, masked, 1, second)]
    causal = is_causal(power)
    product = namespace(power).zeros_like(power)
    for level in range(1, options.levels + 1):
        _square_into(product, power, causal)
        changed = row_normalise(product)
        power, product = product, power
        second = second_eigenvalue(power) if changed else second**2
        levels.append(_level(power, masked, 2**level, second))
        progress(level, options.levels)
    return Recursion(power, masked, tuple(levels), sink)


def _square_into(product: Any, power: Any, causal: bool) -> None:
    """``power @ power``; of causal weights the lower triangle alone, in a third of the products, zeros being there."""
    xp, half = namespace(power), len(power) // 2
    if not causal or half < TRIANGLE:
        xp.matmul(power, power, out=product)
        return
    early, late, below = power[:half, :half], power[half:, half:], power[half:, :half]
    _square_into(product[:half, :half], early, True)
    _square_into(product[half:, half:], late, True)
    xp.matmul(below, early, out=product[half:, :half])
    for start in range(0, len(late), TRIANGLE):  # by rows, to hold little beside the product
        rows = slice(start, start + TRIANGLE)
        product[half:, :half][rows] += late[rows, : rows.stop] @ below[: rows.stop]


def row_normalise(weights: Any) -> bool:
    """Make each row of float32 weights sum to 1, in place; rows of zeros stay. Whether that was more than rounding."""
    xp = namespace(weights)
    with one_thread_each():
        total = weights @ xp.ones(weights.shape[1], xp.float32)
    filled = total > 0
    faint = filled & (total < _FAINT)
    if bool(faint.any()):  # one over it would overflow
        weights[faint] *= xp.float32(1 / _FAINT)
        total[faint] *= xp.float32(1 / _FAINT)
    weights *= (1.0 / xp.where(filled, total, 1.0))[:, None]
    return bool((filled & (xp.abs(total - 1.0) > _CHANGED)).any())


def add_residual(weights: Any) -> None:
    """rownorm(½(A + I)), in place."""
    xp = namespace(weights)
    row_normalise(weights)
    weights *= xp.float32(0.5)
    every = xp.arange(len(weights))
    weights[every, every] += xp.float32(0.5)
    row_normalise(weights)


def second_eigenvalue(weights: Any) -> float:
    """|λ₂| of a row-stochastic matrix, in [0, 1].

    The second entry of the diagonal under a causal mask; exact up to `EXACT_SIDE` tokens; by 48 steps of Arnoldi's
    method beyond that, which leaves an error of about a hundredth when many eigenvalues are of nearly the same size.
    """
    if len(weights) < 2:
        return 0.0
    if is_causal(weights):
        magnitudes = np.abs(to_host(namespace(weights).diagonal(weights)))
    elif len(weights) <= EXACT_SIDE:
        magnitudes = np.abs(np.linalg.eigvals(to_host(weights).astype(np.float64)))
    else:
        with one_thread_each():  # hundreds of products with a vector, too short for threads to wait for each other
            magnitudes = _arnoldi(weights)
    return float(min(1.0, np.sort(magnitudes)[-2])) if len(magnitudes) > 1 else 0.0


def _arnoldi(weights: Any) -> np.ndarray:
    """Magnitudes of the leading eigenvalues, by Arnoldi's method (Golub and Van Loan 2013, §10.5).

    Subspace iteration needs hundreds of products here: attention is far from normal, and its eigenvalues crowd.
    """
    xp, n = namespace(weights), len(weights)
    basis = xp.zeros((n, _STEPS + 1), xp.float64)
    projected = np.zeros((_STEPS + 1, _STEPS))
    start = np.random.default_rng(0).standard_normal(n)
    basis[:, 0] = xp.asarray(start / np.linalg.norm(start))
    for step in range(_STEPS):
        image = (weights @ basis[:, step].astype(xp.float32)).astype(xp.float64)
        for _ in range(2):  # twice is enough (Kahan)
            along = basis[:, : step + 1].T @ image
            image -= basis[:, : step + 1] @ along
            projected[: step + 1, step] += to_host(along)
        rest = projected[step + 1, step] = float(xp.linalg.norm(image))
        if rest < _ROUNDING:  # what is found already is all there is
            return np.asarray(np.abs(np.linalg.eigvals(projected[: step + 1, : step + 1])))
        basis[:, step + 1] = image / rest
    return np.asarray(np.abs(np.linalg.eigvals(projected[:_STEPS])))


def _prepare(first: AttentionMap, options: RecursionOptions) -> int:
    """Change the weights in place into those of the mode; the token left out, or −1."""
    xp, weights = namespace(first.weights), first.weights
    if options.mode == "residual":
        add_residual(weights)
    if options.mode != "sink-excluded" or not len(weights):
        return -1
    sink = int(weights.sum(axis=0, dtype=xp.float64).argmax()) if options.sink is None else options.sink
    if not 0 <= sink < len(weights):
        raise NnscopeError("There is no such token to leave out.", str(sink), f"There are {len(weights)}.")
    weights[:, sink] = 0
    return sink


def _level(weights: Any, masked: Any, power: int, second: float) -> Level:
    xp = namespace(weights)
    queries = len(weights) - int(masked.sum())
    if not queries:
        return Level(power, -1, 0.0, 1.0 - second)
    with one_thread_each():
        mass = (~masked).astype(xp.float32) @ weights
    heaviest = int(mass.argmax())
    return Level(power, heaviest, min(1.0, float(mass[heaviest]) / queries), 1.0 - second)


def _empty_rows(weights: Any) -> Any:
    xp = namespace(weights)
    parts = [~(weights[rows] > 0).any(axis=1) for rows in bands(weights.shape)]
    return xp.concatenate(parts) if parts else xp.zeros(0, bool)
