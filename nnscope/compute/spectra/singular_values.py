"""The largest singular values of a tensor seen as a matrix, with a residual to prove them (methods.md §8).

A tensor is matricised as its first axis × all others. Up to a shorter side of `EXACT_SIDE` (`COMPLETE_SIDE` when asked
for) the whole spectrum is computed in float64: of values stored in at most float32 from the Gram matrix of the shorter
side, of wider ones from the triangular factor, because a Gram matrix in float64 keeps singular values only down to
1e-8·σ₁. Beyond that the matrix is multiplied with a random block of columns (oversampling ≥ 10) again and again, as in
the randomized SVD of Halko, Martinsson and Tropp (2011), but the best singular vectors are sought in all blocks
together and not in the last alone (block Krylov, Musco and Musco 2015): the same passes over the matrix, and spectra
that hardly decay, as those of untrained weights, converge too. After four passes it stops when the residual is small.

The matrix is only ever read and multiplied in slabs, so a large tensor is never held in floating point. Entries that
are no finite number count as zero, and the note says so. Where the spectrum is whole, the power law of its tail is
fitted (`nnscope.compute.spectra.power_law`). Oracle: numpy.linalg.svd in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.blas_threads import one_thread_each
from nnscope.compute.spectra.matrix import TensorMatrix, sum_of_squares
from nnscope.compute.spectra.power_law import PowerLaw, fit_power_law
from nnscope.compute.spectra.ranks import effective_rank, stable_rank
from nnscope.core.answer import Spectrum
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.sources.base import TensorReader

EXACT_SIDE = 1024  # shorter side up to which the whole spectrum is computed
COMPLETE_SIDE = 4096  # the same, when a complete spectrum is asked for: seconds for each matrix
OVERSAMPLING = 10  # at least: columns come in fours
ITERATIONS = (4, 12)  # passes over the matrix after the first: at least, at most
TOLERANCE = 1e-3  # residual at which it stops; the relative error of a value is about its square


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Singular values, descending; max ‖Wᵀu − σv‖ / σ₁ over the pairs behind them; and ‖W‖_F."""

    sigma: np.ndarray
    residual: float
    frobenius: float


def top_singular_values(
    reader: TensorReader,
    k: int,
    complete: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Spectrum:
    """The ``k`` largest singular values, with what the whole spectrum tells where it is computed.

    Parameters
    ----------
    reader : TensorReader
        Of rank 2 or more.
    k : int
        At least 1.
    complete : bool
        Compute the whole spectrum up to a shorter side of `COMPLETE_SIDE`, not only `EXACT_SIDE`.
    progress : callable
        ``progress(done, total)`` after each slab; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If the tensor is no matrix or is empty.
    """
    info = reader.info
    if info.ndim < 2 or 0 in info.shape:
        raise NnscopeError("Singular values need a matrix that is not empty.", info.address)
    matrix = _with_progress(reader, progress)
    whole = matrix.short <= (COMPLETE_SIDE if complete else EXACT_SIDE)
    found = _exact(matrix) if whole else _krylov(matrix, k)
    stable = stable_rank(found.frobenius, float(found.sigma[0]))
    effective = effective_rank(found.sigma) if whole else math.nan
    note = f"{matrix.replaced} values that are no finite number count as zero" if matrix.replaced else ""
    tail = _tail(found.sigma, matrix.short, whole)
    return Spectrum(
        *(info.address, matrix.shape, found.sigma[:k], whole, found.residual, found.frobenius, stable, effective, note),
        *(tail.alpha, tail.ks, tail.tail, tail.warning),
    )


def _with_progress(reader: TensorReader, progress: Callable[[int, int], None]) -> TensorMatrix:
    """The matrix, telling after each slab; the number of passes is not known beforehand."""
    numbers = count(1)

    def step() -> None:
        done = next(numbers)
        progress(done, max(total, done))

    matrix = TensorMatrix(reader, step)
    total = len(matrix.parts) * (1 if matrix.short <= EXACT_SIDE else ITERATIONS[0] + 2)
    progress(0, total)
    return matrix


def _tail(sigma: np.ndarray, short: int, whole: bool) -> PowerLaw:
    if whole:
        return fit_power_law((sigma / sigma[0]) ** 2 if sigma[0] > 0 else sigma)
    why = f"the exponent needs all {short} singular values: ask for the complete spectrum"
    if short > COMPLETE_SIDE:
        why = f"the exponent needs all {short} singular values, more than the {COMPLETE_SIDE} that are computed"
    return PowerLaw(math.nan, math.nan, math.nan, math.nan, 0, why)


def _exact(matrix: TensorMatrix) -> _Found:
    """All singular values, from the Gram matrix of float32 slabs or the triangular factor of float64 ones."""
    short = matrix.short
    gram, factor = np.zeros((short, short)), np.zeros((0, short))
    for part in matrix.each(_reduced):
        if part.triangular:
            factor = np.concatenate([factor, part.values])
            factor = np.asarray(np.linalg.qr(factor, mode="r")) if len(factor) > 4 * short else factor
        else:
            gram += part.values
    with one_thread_each():
        sigma = np.linalg.svd(factor, compute_uv=False) if len(factor) else _roots(gram)
    largest = float(sigma[0])
    return _Found(sigma, 0.0, largest * float(np.linalg.norm(sigma / largest)) if largest > 0 else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Reduced:
    """A slab, as its Gram matrix or its triangular factor (itself, when it has fewer rows than columns)."""

    values: np.ndarray
    triangular: bool


def _reduced(slab: np.ndarray) -> _Reduced:
    if slab.dtype == np.float64:
        tall = len(slab) > slab.shape[1]
        return _Reduced(np.asarray(np.linalg.qr(slab, mode="r")) if tall else slab, True)
    wide = slab.astype(np.float64)
    return _Reduced(wide.T @ wide, False)


def _roots(gram: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))


def _krylov(matrix: TensorMatrix, k: int) -> _Found:
    """The ``k`` largest singular values by block Krylov iteration."""
    short = matrix.short
    frobenius = _scaled(matrix)
    if frobenius == 0:
        return _Found(np.zeros(min(k, short)), 0.0, 0.0)
    width = min(-(-(k + OVERSAMPLING) // 4) * 4, short // 4 * 4)
    block = np.linalg.qr(np.random.default_rng(0).standard_normal((short, width)))[0]
    basis, images = np.zeros((short, 0)), np.zeros((short, 0))
    for done in range(ITERATIONS[1] + 1):
        image = _there_and_back(matrix, block)
        basis, images = np.hstack([basis, block]), np.hstack([images, image])
        full = basis.shape[1] + width > short
        if full or done >= ITERATIONS[0]:
            squares, residual = _ritz(basis, images, k)
            if full or residual <= TOLERANCE:
                break
        for _ in range(2):  # twice is enough (Kahan): orthogonal to all blocks before
            image = np.linalg.qr(image - basis @ (basis.T @ image))[0]
        block = image
    return _Found(np.sqrt(np.maximum(squares, 0.0)) / matrix.scale, residual, frobenius)


def _ritz(basis: np.ndarray, images: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """The largest k eigenvalues of WᵀW on a subspace, and how far its eigenpairs are from true singular ones."""
    projected = basis.T @ images
    values, vectors = np.linalg.eigh((projected + projected.T) / 2)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    distance = np.linalg.norm(images @ vectors - (basis @ vectors) * values, axis=0)
    floor = values[0] * np.finfo(np.float32).eps ** 2  # values below it are rounding
    return values, float(np.max(distance / np.sqrt(np.maximum(values, floor) * values[0])))


def _there_and_back(matrix: TensorMatrix, block: np.ndarray) -> np.ndarray:
    """WᵀW·block (of the transpose, when it is wider than high), in one pass."""

    def work(slab: np.ndarray) -> np.ndarray:
        return np.asarray(slab.T @ (slab @ block.astype(slab.dtype)))  # BLAS packs well for this many columns

    image = np.zeros_like(block)
    for part in matrix.each(work):
        image += part
    return image


def _scaled(matrix: TensorMatrix) -> float:
    """The Frobenius norm; sets the scale by which no product leaves the range of its dtype."""
    sizes = list(matrix.each(_size))
    norm = math.hypot(*(most * relative for most, relative, _ in sizes))
    largest, dtype = max(most for most, _, _ in sizes), sizes[0][2]
    if largest > 0 and not 1e-9 < largest < 1e9:
        room = np.finfo(dtype).maxexp - 28
        matrix.scale = math.ldexp(1.0, min(20 - math.frexp(largest)[1], room))
    return norm


def _size(slab: np.ndarray) -> tuple[float, float, np.dtype]:
    """A magnitude that none exceeds, the Frobenius norm divided by it, and the dtype."""
    if slab.dtype == np.float32:
        norm = math.sqrt(sum_of_squares(slab))
        if 1e-12 < norm < 1e12:
            return norm, 1.0, slab.dtype
    most = max(float(slab.max()), -float(slab.min()))
    if most == 0:
        return 0.0, 0.0, slab.dtype
    return most, float(np.linalg.norm(np.divide(slab, most, dtype=np.float64))), slab.dtype
