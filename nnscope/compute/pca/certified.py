"""The leading eigenpairs of a covariance, quickly, and only with a bound on their error.

Two ways, by shape. *Gram*: few features; XᵀX from one pass over bands, its leading pairs, and one more pass for the
scores. *Krylov*: a block of k + `OVERSAMPLING` vectors is found by power iteration on a sample of rows (or begins with
the basis of a step before) and multiplied with all rows and back, one pass each; the eigenpairs are sought in all
blocks together (Musco and Musco 2015) until the bound is good: two or three passes of 4·n·c·12 flops against n·c².

The certificate is that of Davis and Kahan (1970): sin θ ≤ ‖AV − VΛ‖ / (λ_k − λ_{k+1}) for the angle between the true
and the found subspace, with the rounding of the products (a few eps·λ₁) added to the residual. Products are made in the
precision of the data and summed over bands in float64. Where the bound can't be had (no gap, a flat spectrum, values
that are not finite or whose squares leave float32) the answer is None, and the careful way of
`nnscope.compute.pca.components` takes over.

Tried: BLAS on bands for the passes (2.3 times the processor time of the kernel at 8 columns: it packs operands for
larger products, and reads the band twice); plain subspace iteration (a pass more); whole-matrix products (a copy of X
to centre it, and threads that wait for each other).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host
from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.pca.careful import top_eigenpairs
from nnscope.compute.pca.one_pass import Pass, one_pass
from nnscope.compute.pca.samples import Bands, SampleReader

if TYPE_CHECKING:
    from collections.abc import Callable


OVERSAMPLING = 9
PASSES = 6  # over all rows, at most
ANGLE = 8e-4  # radians: largest bound that is accepted
SAMPLE = (128, 16)  # runs and rows of each, from which iteration begins
SAMPLE_ITERATIONS = 4
SHIFT_ROWS = 128  # from which the shift is taken
GRAM_FEATURES = 128  # up to which a Gram matrix costs less than the passes
FEW_GRAM_FEATURES = 256  # the same for samples too few to begin iteration from a part of them
LARGE_MEAN = 4.0  # square of the mean, beside the variance, from which it is taken off first

_SAMPLED = 2 * SAMPLE[0] * SAMPLE[1]  # more rows than this are sampled
_ROUNDING = 16.0  # eps of the products, relative to the largest eigenvalue
_PROGRESS = 3.0  # factor by which the bound must fall from pass to pass, else iteration is given up


@dataclass(frozen=True, slots=True, eq=False)
class Leading:
    """The k largest eigenpairs of XᵀX, X centred.

    Attributes
    ----------
    values : ndarray of float64, descending
    vectors : ndarray of float64, shape (features, k)
        Signed as by `signs`.
    total : float
        Trace of XᵀX.
    mean : ndarray of float64, shape (features,)
    scores : array of float32, shape (n, k)
        On the device of the samples.
    angle : float
        Bound of the angle between the subspace and the true one, radians.
    passes : int
        Over all rows, to find the subspace.
    """

    values: np.ndarray
    vectors: np.ndarray
    total: float
    mean: np.ndarray
    scores: Any
    angle: float
    passes: int


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is asked: ``k`` components of ``samples``, perhaps from the ``start`` basis, shape (k, features)."""

    samples: SampleReader
    k: int
    start: np.ndarray | None = None
    check: Callable[[], None] = lambda: None


def signs(vectors: np.ndarray) -> np.ndarray:
    """±1 for each row, by which its entry of largest magnitude becomes positive."""
    if not vectors.size:
        return np.ones(len(vectors))
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(largest < 0, -1.0, 1.0)


def certified(problem: Problem) -> Leading | None:
    """The leading eigenpairs within `ANGLE`, or None where that can't be shown; see the module docstring."""
    # BLAS' own threads go on spinning after the smallest product, on cores that bands need
    with one_thread_each(), np.errstate(all="ignore"):  # what leaves the range is looked for
        return _certified(problem)


def _certified(problem: Problem) -> Leading | None:
    n, c = problem.samples.shape
    if min(n, c) <= problem.k:
        return None
    shift = _shift(problem.samples.sample(SHIFT_ROWS, 1))
    if not bool(np.isfinite(to_host(shift)).all()):
        return None
    bands = Bands(problem.samples, shift, problem.check)
    if c <= (GRAM_FEATURES if n > _SAMPLED else FEW_GRAM_FEATURES):
        return _by_gram(bands, problem.k)
    width = -(-min(problem.k + OVERSAMPLING, n, c) // 4) * 4
    if width > min(n, c):
        return None
    return _by_passes(bands, _first_block(problem, width), problem.k)


def _shift(few: Any) -> Any:
    """The mean of a few rows where it is large beside the deviations, else zeros."""
    xp = namespace(few)
    mean = few.mean(axis=0, dtype=np.float64)
    square = float((few * few).sum(dtype=np.float64)) / len(few)
    large = float(mean @ mean)
    # NaN compares false and is kept, to be seen by the caller
    small = large <= LARGE_MEAN * max(square - large, 0.0)
    return xp.zeros(mean.shape, few.dtype) if small else mean.astype(few.dtype)


def _first_block(problem: Problem, width: int) -> np.ndarray:
    """A block near the leading eigenvectors: ``start``, filled up from power iteration on the sample."""
    n, c = problem.samples.shape
    block = np.linalg.qr(np.random.default_rng(0).standard_normal((c, width)))[0]
    if n > _SAMPLED:  # else that would be passes over everything
        sample = problem.samples.sample(*SAMPLE)
        few = Bands(SampleReader.of(sample), sample.mean(axis=0, dtype=np.float64).astype(sample.dtype), problem.check)
        for _ in range(SAMPLE_ITERATIONS):
            image = one_pass(few, block).image
            if not np.isfinite(image).all():
                break
            block = np.linalg.qr(image)[0]
    if problem.start is not None:
        block = np.linalg.qr(np.hstack([problem.start.T, block])[:, :width])[0]
    return block


@dataclass(frozen=True, slots=True, eq=False)
class _Krylov:
    """Orthonormal blocks side by side, their images under XᵀX, and the products of the passes that gave these."""

    basis: np.ndarray
    images: np.ndarray
    passes: tuple[Pass, ...]

    def grown(self, block: np.ndarray, found: Pass) -> _Krylov:
        return _Krylov(np.hstack([self.basis, block]), np.hstack([self.images, found.image]), (*self.passes, found))

    def next_block(self) -> np.ndarray:
        """The last image, orthogonal to all blocks before; twice is enough (Kahan)."""
        block = self.passes[-1].image
        for _ in range(2):
            block = block - self.basis @ (self.basis.T @ block)
        return np.linalg.qr(block)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Subspace:
    """The k largest eigenpairs found in a Krylov space: values, coordinates of vectors there, bound of the angle."""

    space: _Krylov
    values: np.ndarray
    turn: np.ndarray
    angle: float


def _iterated(
    bands: Bands, multiply: Callable[[np.ndarray, Pass | None], Pass], block: np.ndarray, k: int
) -> _Subspace | None:
    """Block Krylov iteration with Rayleigh-Ritz from ``block``, by a ``multiply`` with XᵀX; None when given up."""
    c = len(block)
    space, before = _Krylov(np.zeros((c, 0)), np.zeros((c, 0)), ()), math.inf
    while len(space.passes) < PASSES and space.basis.shape[1] + block.shape[1] <= min(bands.samples.shape):
        found = multiply(block, space.passes[-1] if space.passes else None)
        if not _in_range(found.total, bands) or not np.isfinite(found.image).all():
            return None
        space = space.grown(block, found)
        values, turn = np.linalg.eigh(space.basis.T @ space.images)
        values, turn = values[::-1], turn[:, ::-1][:, :k]
        distance = space.images @ turn - (space.basis @ turn) * values[:k]
        residual = math.sqrt(max(float(np.linalg.eigvalsh(distance.T @ distance)[-1]), 0.0))
        angle = _angle(values, k, residual, _rounding(values, found.rest, bands))
        if angle <= ANGLE:
            return _Subspace(space, values[:k], turn, angle)
        if len(space.passes) > 2 and angle > before / _PROGRESS:
            return None
        before = angle
        block = space.next_block()
    return None


def _by_passes(bands: Bands, block: np.ndarray, k: int) -> Leading | None:
    found = _iterated(bands, lambda right, before: one_pass(bands, right, before), block, k)
    return None if found is None else _finished(bands, found)


def _finished(bands: Bands, found: _Subspace) -> Leading:
    """The scores from the products of the passes: XV = Σ (XB_i)·turn_i."""
    xp = namespace(bands.shift)
    space, values, turn = found.space, found.values, found.turn
    vectors, rest = space.basis @ turn, space.passes[-1].rest
    sign = signs(vectors.T)
    turn, vectors = turn * sign, vectors * sign
    rights = [xp.asarray(part, bands.shift.dtype) for part in np.split(turn, len(space.passes))]
    offset = xp.asarray(rest @ vectors, bands.shift.dtype)
    scores = xp.empty((bands.samples.shape[0], len(values)), np.float32)
    row = 0
    for products in zip(*(one.projected for one in space.passes), strict=True):
        rows = slice(row, row := row + len(products[0]))
        scores[rows] = sum(part @ right for part, right in zip(products, rights, strict=True)) - offset
    return Leading(values, vectors, space.passes[0].total, _mean(bands, rest), scores, found.angle, len(space.passes))


def _by_gram(bands: Bands, k: int) -> Leading | None:
    n, c = bands.samples.shape

    def work(rows: slice) -> tuple[Any, Any]:
        band = bands.centred(rows)
        return band.T @ band, namespace(band).ones(len(band), band.dtype) @ band  # half the time of `sum`

    gram, sums = np.zeros((c, c)), np.zeros(c)
    for square, column_sums in bands.each(work, least=4 * c):
        gram += to_host(square)
        sums += to_host(column_sums)
    rest = sums / n
    gram -= np.outer(sums, rest)
    total = float(np.trace(gram))
    if not _in_range(total, bands) or not np.isfinite(gram).all():
        return None
    values, vectors, angle = _eigenpairs(bands, Pass(gram, [], rest, total), k)
    if angle > ANGLE:
        return None
    vectors = vectors * signs(vectors.T)
    return Leading(values, vectors, total, _mean(bands, rest), _scores(bands, vectors, rest), angle, 1)


def _eigenpairs(bands: Bands, gram: Pass, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The k largest eigenpairs of a Gram matrix, the pass of all rows with the identity; bound of the angle."""
    c = len(gram.image)
    if c > GRAM_FEATURES:  # a few products cost less than the reduction to a tridiagonal matrix
        block = np.linalg.qr(np.random.default_rng(0).standard_normal((c, k + OVERSAMPLING)))[0]
        found = _iterated(bands, lambda right, _: replace(gram, image=gram.image @ right), block, k)
        if found is not None:
            return found.values, found.space.basis @ found.turn, found.angle
    values, vectors = top_eigenpairs(gram.image, k + 1)
    return values[:k], vectors[:, :k], _angle(values, k, 0.0, _rounding(values, gram.rest, bands))


def _scores(bands: Bands, vectors: np.ndarray, rest: np.ndarray) -> Any:
    """Scores of all rows on ``vectors`` in one more pass."""
    xp = namespace(bands.shift)
    scores = xp.empty((bands.samples.shape[0], vectors.shape[1]), np.float32)
    right, offset = xp.asarray(vectors, bands.shift.dtype), xp.asarray(rest @ vectors, bands.shift.dtype)
    quick = xp is np and bands.shift.dtype == np.float32

    def work(rows: slice) -> None:
        band = bands.centred(rows)
        if quick and band.flags.c_contiguous:
            from nnscope.arrays.kernels.block_products import projections

            projections(band, right.T.copy(), offset, scores[rows])
        else:
            scores[rows] = band @ right - offset

    for _ in bands.each(work):
        pass
    return scores


def _mean(bands: Bands, rest: np.ndarray) -> np.ndarray:
    mean: np.ndarray = to_host(bands.shift).astype(np.float64) + rest
    return mean


def _angle(values: np.ndarray, k: int, residual: float, rounding: float) -> float:
    """Bound of sin θ; infinite without a gap."""
    gap = values[k - 1] - values[k]
    return float((residual + rounding) / gap) if gap > 0 else math.inf


def _rounding(values: np.ndarray, rest: np.ndarray, bands: Bands) -> float:
    """Of the products, which hold the mean that was not taken off as well."""
    largest = float(values[0]) + bands.samples.shape[0] * float(rest @ rest)
    eps = float(np.finfo(bands.shift.dtype).eps)
    return float(_ROUNDING * eps * largest)


def _in_range(total: float, bands: Bands) -> bool:
    """Whether no square has left the range of the dtype, at either end; False for NaN."""
    limits = np.finfo(bands.shift.dtype)
    mean_square = total / max(1, math.prod(bands.samples.shape))
    lowest, highest = float(limits.tiny) ** 0.5, float(limits.max) ** 0.8
    return bool(lowest < mean_square < highest)
