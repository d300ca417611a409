"""The largest singular values of a tensor seen as a matrix, with a residual to prove them (methods.md §8).

A tensor is matricised as its first axis × all others. Up to a shorter side of 1024 the whole spectrum is computed in
float64; beyond that a randomized SVD (Halko, Martinsson and Tropp 2011: oversampling 10, four power iterations with
re-orthonormalisation), in which the matrix is only ever multiplied band by band, so a large tensor is never held in
floating point. Entries that are no finite number count as zero, and the note says so.

Oracle: numpy.linalg.svd in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
POWER_ITERATIONS = 4
BAND = 1 << 22  # elements of a band


@dataclass(slots=True)
class _Bands:
    """A matricised tensor as bands of whole rows, decoded as they are read."""

    reader: TensorReader
    check: Callable[[], None]
    replaced: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        first, *rest = self.reader.info.shape
        return first, math.prod(rest)

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, float32 or float64 values [rows, columns]) from top to bottom; a row is never cut."""
        cols = self.shape[1]
        self.replaced = 0
        for region in regions(self.reader.info.shape, max(cols, BAND)):
            yield region[0][0], self._decode(region).reshape(-1, cols)

    def slabs(self) -> Iterator[np.ndarray]:
        """Pieces [any length, shorter side] of the matrix, or of its transpose when it is wider than high."""
        rows, cols = self.shape
        self.replaced = 0
        if rows >= cols:
            yield from (values for _, values in self)
            return
        shape = self.reader.info.shape
        step = max(1, BAND * shape[1] // (rows * cols))
        for start in range(0, shape[1], step):
            inner = tuple((0, n, 1) for n in shape[2:])
            region = ((0, rows, 1), (start, min(start + step, shape[1]), 1), *inner)
            yield self._decode(region).reshape(rows, -1).T

    def _decode(self, region: Region) -> np.ndarray:
        self.check()
        values = to_float(self.reader.read(region))
        finite = np.isfinite(values)
        if finite.all():
            return values
        self.replaced += int(values.size - np.count_nonzero(finite))
        return np.where(finite, values, 0)


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
    bands = _Bands(reader, check)
    whole = min(bands.shape) <= EXACT_SIDE
    sigma, residual, frobenius = _exact(bands) if whole else _randomized(bands, k)
    stable = float((frobenius / sigma[0]) ** 2) if sigma[0] > 0 else 0.0
    effective = _effective_rank(sigma) if whole else math.nan
    note = f"{bands.replaced} values that are no finite number count as zero" if bands.replaced else ""
    return Spectrum(info.address, bands.shape, sigma[:k], whole, residual, frobenius, stable, effective, note)


def _exact(bands: _Bands) -> tuple[np.ndarray, float, float]:
    """All singular values, from the triangular factor of the matrix, made piece by piece."""
    short = min(bands.shape)
    factor = np.zeros((0, short))
    for slab in bands.slabs():
        factor = np.concatenate([factor, slab.astype(np.float64)])
        if len(factor) > 4 * short:
            factor = np.asarray(np.linalg.qr(factor, mode="r"))
    sigma = np.linalg.svd(factor, compute_uv=False)
    return sigma, 0.0, float(np.sqrt(np.sum(sigma**2)))


def _randomized(bands: _Bands, k: int) -> tuple[np.ndarray, float, float]:
    """The ``k`` largest, with max ‖Wᵀu − σv‖ / σ₁ over the pairs that belong to them."""
    rows, cols = bands.shape
    width = min(k + OVERSAMPLING, rows, cols)
    v = np.linalg.qr(np.random.default_rng(0).standard_normal((cols, width)))[0]
    for _ in range(POWER_ITERATIONS):
        v = np.linalg.qr(_both_ways(bands, v)[1])[0]
    product, _, squares = _both_ways(bands, v)
    u, sigma, turn = np.linalg.svd(product, full_matrices=False)
    k = min(k, width)
    right = v @ turn[:k].T
    back = _transposed(bands, u[:, :k])
    error = np.linalg.norm(back - right * sigma[:k], axis=0).max()
    return sigma[:k], float(error / sigma[0]) if sigma[0] > 0 else 0.0, math.sqrt(squares)


def _both_ways(bands: _Bands, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(W v, Wᵀ W v, ‖W‖²) in one pass over the bands."""
    forward = np.empty((bands.shape[0], v.shape[1]))
    back = np.zeros_like(v)
    squares = 0.0
    for start, values in bands:
        part = values @ v.astype(values.dtype)
        forward[start : start + len(values)] = part
        back += values.T @ part
        squares += float(np.einsum("ij,ij->", values, values, dtype=np.float64))
    return forward, back, squares


def _transposed(bands: _Bands, u: np.ndarray) -> np.ndarray:
    """Wᵀ u."""
    out = np.zeros((bands.shape[1], u.shape[1]))
    for start, values in bands:
        out += values.T @ u[start : start + len(values)].astype(values.dtype)
    return out


def _effective_rank(sigma: np.ndarray) -> float:
    """exp of the entropy of σ²/Σσ² (Roy and Vetterli 2007, on squares)."""
    total = float(np.sum(sigma**2))
    if total <= 0:
        return 0.0
    share = sigma**2 / total
    share = share[share > 0]
    return float(np.exp(-np.sum(share * np.log(share))))
