"""The largest singular values of a tensor seen as a matrix, with a residual to prove them (methods.md §8).

A tensor is matricised as its first axis × all others. Up to a shorter side of 1024 the whole spectrum is computed in
float64. Beyond that the matrix is multiplied with a random block of columns (oversampling 10) again and again, as in
the randomized SVD of Halko, Martinsson and Tropp (2011), but the best singular vectors are sought in all blocks
together and not in the last alone (block Krylov, Musco and Musco 2015): the same passes over the matrix, and spectra
that hardly decay, as those of untrained weights, converge too. After four passes it stops when the residual is small.

The matrix is only ever read and multiplied in slabs, so a large tensor is never held in floating point. Entries that
are no finite number count as zero, and the note says so. Oracle: numpy.linalg.svd in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.core.answer import Spectrum
from nnscope.core.errors import NnscopeError
from nnscope.sources.blocks import regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.request import Region
    from nnscope.sources.base import TensorReader

EXACT_SIDE = 1024  # shorter side up to which the whole spectrum is computed
OVERSAMPLING = 10
ITERATIONS = (4, 12)  # passes over the matrix after the first: at least, at most
TOLERANCE = 1e-3  # residual at which it stops; the relative error of a value is about its square
BAND = 1 << 22  # elements of a band


@dataclass(slots=True)
class _Matrix:
    """A matricised tensor in slabs, decoded as they are read.

    Attributes
    ----------
    replaced : int
        Entries of the last pass that were no finite number.
    dtype : dtype
        float32 or float64: what the last slab was decoded to.
    """

    reader: TensorReader
    check: Callable[[], None]
    replaced: int = 0
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.float32))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        first, *rest = self.reader.info.shape
        return first, math.prod(rest)

    def slabs(self) -> Iterator[np.ndarray]:
        """Pieces [any length, shorter side] of the matrix, or of its transpose when it is wider than high."""
        rows, cols = self.shape
        self.replaced = 0
        if rows >= cols:
            for region in regions(self.reader.info.shape, max(cols, BAND)):  # never cuts a row
                yield self._decode(region).reshape(-1, cols)
            return
        shape = self.reader.info.shape
        step = max(1, BAND * shape[1] // (rows * cols))
        inner = tuple((0, n, 1) for n in shape[2:])
        for start in range(0, shape[1], step):
            region = ((0, rows, 1), (start, min(start + step, shape[1]), 1), *inner)
            yield self._decode(region).reshape(rows, -1).T

    def _decode(self, region: Region) -> np.ndarray:
        self.check()
        values = to_float(self.reader.read(region))
        self.dtype = values.dtype
        finite = np.isfinite(values)
        if finite.all():
            return values
        self.replaced += int(values.size - np.count_nonzero(finite))
        return np.where(finite, values, 0).astype(values.dtype)


def top_singular_values(reader: TensorReader, k: int, check: Callable[[], None] = lambda: None) -> Spectrum:
    """The ``k`` largest singular values (all of them when the shorter side is at most `EXACT_SIDE` and ``k`` allows).

    Parameters
    ----------
    reader : TensorReader
        Of rank 2 or more.
    k : int
        At least 1.
    check : callable
        Called between bands; may raise `Cancelled`.

    Raises
    ------
    NnscopeError
        If the tensor is no matrix or is empty.
    """
    info = reader.info
    if info.ndim < 2 or 0 in info.shape:
        raise NnscopeError("Singular values need a matrix that is not empty.", info.address)
    matrix = _Matrix(reader, check)
    whole = min(matrix.shape) <= EXACT_SIDE
    sigma, residual, frobenius = _exact(matrix) if whole else _krylov(matrix, k)
    stable = float((frobenius / sigma[0]) ** 2) if sigma[0] > 0 else 0.0
    effective = _effective_rank(sigma) if whole else math.nan
    note = f"{matrix.replaced} values that are no finite number count as zero" if matrix.replaced else ""
    return Spectrum(info.address, matrix.shape, sigma[:k], whole, residual, frobenius, stable, effective, note)


def _exact(matrix: _Matrix) -> tuple[np.ndarray, float, float]:
    """All singular values, from the triangular factor of the matrix, made piece by piece."""
    short = min(matrix.shape)
    factor = np.zeros((0, short))
    for slab in matrix.slabs():
        factor = np.concatenate([factor, slab.astype(np.float64)])
        if len(factor) > 4 * short:
            factor = np.asarray(np.linalg.qr(factor, mode="r"))
    sigma = np.linalg.svd(factor, compute_uv=False)
    largest = float(sigma[0])
    return sigma, 0.0, largest * float(np.linalg.norm(sigma / largest)) if largest > 0 else 0.0


def _krylov(matrix: _Matrix, k: int) -> tuple[np.ndarray, float, float]:
    """The ``k`` largest singular values σ, max ‖Wᵀu − σv‖ / σ₁ over their pairs with u = Wv/σ, and ‖W‖."""
    short = min(matrix.shape)
    largest, frobenius = _size(matrix)
    if largest == 0:
        return np.zeros(min(k, short)), 0.0, 0.0
    room = np.finfo(matrix.dtype).maxexp - 28
    scale = math.ldexp(1.0, min(20 - math.frexp(largest)[1], room))  # no product leaves the range of its dtype
    width = min(k + OVERSAMPLING, short)
    block = np.linalg.qr(np.random.default_rng(0).standard_normal((short, width)))[0]
    basis, images = np.zeros((short, 0)), np.zeros((short, 0))
    for done in range(ITERATIONS[1] + 1):
        image = _there_and_back(matrix, block, scale)
        basis, images = np.hstack([basis, block]), np.hstack([images, image])
        squares, residual = _ritz(basis, images, k)
        full = basis.shape[1] + width > short
        if full or (done >= ITERATIONS[0] and residual <= TOLERANCE):
            break
        for _ in range(2):  # twice is enough (Kahan): orthogonal to all blocks before
            image = np.linalg.qr(image - basis @ (basis.T @ image))[0]
        block = image
    return np.sqrt(np.maximum(squares, 0.0)) / scale, residual, frobenius


def _ritz(basis: np.ndarray, images: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """The largest k eigenvalues of WᵀW on a subspace, and how far its eigenpairs are from true singular ones."""
    projected = basis.T @ images
    values, vectors = np.linalg.eigh((projected + projected.T) / 2)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    distance = np.linalg.norm(images @ vectors - (basis @ vectors) * values, axis=0)
    floor = values[0] * np.finfo(np.float32).eps ** 2  # values below it are rounding
    return values, float(np.max(distance / np.sqrt(np.maximum(values, floor) * values[0])))


def _there_and_back(matrix: _Matrix, block: np.ndarray, scale: float) -> np.ndarray:
    """WᵀW·block of the scaled matrix (its transpose, when it is wider than high), in one pass."""
    image = np.zeros_like(block)
    for slab in matrix.slabs():
        scaled = slab * slab.dtype.type(scale)
        image += scaled.T @ (scaled @ block.astype(slab.dtype))
    return image


def _size(matrix: _Matrix) -> tuple[float, float]:
    """Largest magnitude and Frobenius norm."""
    largest = norm = 0.0
    for slab in matrix.slabs():
        most = float(np.abs(slab).max())
        if most > 0:
            norm = math.hypot(norm, most * float(np.linalg.norm(np.divide(slab, most, dtype=np.float64))))
        largest = max(largest, most)
    return largest, norm


def _effective_rank(sigma: np.ndarray) -> float:
    """exp of the entropy of σ²/Σσ² (Roy and Vetterli 2007, on squares)."""
    if sigma[0] <= 0:
        return 0.0
    share = (sigma / sigma[0]) ** 2
    share = share[share > 0] / share.sum()
    return float(np.exp(-np.sum(share * np.log(share))))
