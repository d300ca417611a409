"""The power law in the tail of a spectrum: its exponent α, where it begins, and whether it is one (methods.md §8).

The density of the eigenvalues λ = σ² above x_min is modelled as λ^(−α). For a given x_min the maximum-likelihood
exponent is α = 1 + n / Σ ln(λ_i / x_min), with standard error (α − 1)/√n (Clauset, Shalizi and Newman 2009); x_min is
the eigenvalue for which the Kolmogorov-Smirnov distance D between the tail and its model is least, with the empirical
distribution function taken below each value, as in those authors' ``plfit`` and in WeightWatcher.

The fit is refused, with a warning in place of α, when the tail has fewer than `MIN_TAIL` values, or when D is larger
than chance makes it in one of twenty samples of the law (1.36/√n). An α above `NO_TAIL` is told, but warned about:
random matrices give such values, and no tail is heavy there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

MIN_TAIL = 20
POOR = 1.36  # D·√n beyond which a fit is poor: Kolmogorov's 5 % point
NO_TAIL = 8.0
SMALL = 256  # values up to which the definition is fast enough to need no compiled code

_FLOOR = 2.0**-46  # of the largest eigenvalue: below it a float32 matrix' eigenvalues are rounding


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """A fitted tail.

    Attributes
    ----------
    alpha : float
        NaN where the fit is refused.
    error : float
        Standard error of ``alpha``; NaN with it.
    xmin : float
        Smallest eigenvalue of the tail; NaN when there is no tail at all.
    ks : float
        Kolmogorov-Smirnov distance of the tail from its model.
    tail : int
        Number of eigenvalues of the tail.
    warning : str
        Why the fit is refused or doubtful; empty when it is neither.
    """

    alpha: float
    error: float
    xmin: float
    ks: float
    tail: int
    warning: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Every cut-off there is.

    Attributes
    ----------
    xmin, alpha, ks : ndarray of float64, shape (cuts,)
        Ascending in ``xmin``; ``alpha`` is infinite and ``ks`` 1 where the tail is one value repeated.
    tail : ndarray of int64, shape (cuts,)
    """

    xmin: np.ndarray
    alpha: np.ndarray
    ks: np.ndarray
    tail: np.ndarray


def fit_power_law(eigenvalues: np.ndarray) -> PowerLaw:
    """The power law of the tail of ``eigenvalues``.

    Parameters
    ----------
    eigenvalues : ndarray of float
        All of a spectrum, in any order. Those that are zero to rounding, or not finite, take no part.
    """
    values = positive(eigenvalues)
    if values.size < 2 or values[0] == values[-1]:
        nan = math.nan
        return PowerLaw(nan, nan, nan, nan, 0, "there is no tail: fewer than two different eigenvalues above zero")
    logs = np.log(values)
    start = _best_start(values, logs)
    n = values.size - start
    alpha = _alpha(logs, start)
    ks = float(_gaps(logs, start).max())
    return _judged(alpha, float(values[start]), ks, n)


def scan_all(eigenvalues: np.ndarray) -> Cuts:
    """Exponent and distance for every cut-off: the definition, at a cost of the square of the number of values."""
    values = positive(eigenvalues)
    logs = np.log(values)
    starts = _starts(values)
    spreads = [float(np.sum(logs[i:] - logs[i])) for i in starts]
    fits = [i for i, spread in zip(starts, spreads, strict=True) if spread > 0]
    ks = np.ones(len(starts))
    ks[: len(fits)] = [_gaps(logs, i).max() for i in fits]
    alpha = np.full(len(starts), np.inf)
    alpha[: len(fits)] = [_alpha(logs, i) for i in fits]
    return Cuts(values[starts], alpha, ks, values.size - starts)


def positive(eigenvalues: np.ndarray) -> np.ndarray:
    """The eigenvalues that are more than rounding, ascending, in float64."""
    values = np.asarray(eigenvalues, np.float64).ravel()
    values = values[np.isfinite(values)]
    values.sort()
    return np.asarray(values[np.searchsorted(values, values[-1:].max(initial=0.0) * _FLOOR, "right") :])


def _best_start(values: np.ndarray, logs: np.ndarray) -> int:
    starts = _starts(values)
    if values.size <= SMALL:
        return int(starts[np.argmin(scan_all(values).ks)])
    from nnscope.arrays.kernels.power_law import best_cut

    sums = np.empty_like(logs)
    np.cumsum(logs[::-1], out=sums[::-1])
    return int(starts[best_cut(logs, sums, starts)])


def _starts(values: np.ndarray) -> np.ndarray:
    """First places of the distinct values."""
    return np.flatnonzero(np.r_[True, values[1:] > values[:-1]]) if values.size else np.zeros(0, np.int64)


def _alpha(logs: np.ndarray, start: int) -> float:
    return 1.0 + (logs.size - start) / float(np.sum(logs[start:] - logs[start]))


def _gaps(logs: np.ndarray, start: int) -> np.ndarray:
    """|Fitted − empirical| distribution function at each value of the tail."""
    n = logs.size - start
    fitted = -np.expm1((1.0 - _alpha(logs, start)) * (logs[start:] - logs[start]))
    return np.asarray(np.abs(fitted - np.arange(n) / n))


def _judged(alpha: float, xmin: float, ks: float, n: int) -> PowerLaw:
    warning = ""
    if n < MIN_TAIL:
        warning = f"the tail is too short: {n} eigenvalues, of {MIN_TAIL} that a fit needs"
    elif ks > POOR / math.sqrt(n):
        warning = f"the tail is no power law: distance {ks:.3f} over {n} eigenvalues"
    if warning:
        return PowerLaw(math.nan, math.nan, xmin, ks, n, warning)
    doubt = "the tail is not heavy: such exponents are those of random matrices" if alpha > NO_TAIL else ""
    return PowerLaw(alpha, (alpha - 1.0) / math.sqrt(n), xmin, ks, n, doubt)
