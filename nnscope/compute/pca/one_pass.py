"""One pass over samples × features: ``Y = XB`` and ``Z = XᵀY`` for a few columns B, with X centred.

Twins: array expressions, for CuPy, for float64 and as the definition; and a compiled kernel for float32 in NumPy
(`nnscope.arrays.kernels.block_products`). Both sum bands in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays.backend import namespace, to_host

if TYPE_CHECKING:
    from nnscope.compute.pca.samples import Bands

TILE = 256  # features at most in a tile of the kernel's operands


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """What a pass gives.

    Attributes
    ----------
    image : ndarray of float64, shape (features, columns)
        XᵀXB.
    projected : list of array, each (rows of a band, columns)
        (X + 1·restᵀ)B.
    rest : ndarray of float64, shape (features,)
        The mean beyond the shift of the bands.
    total : float
        Trace of XᵀX.
    """

    image: np.ndarray
    projected: list[Any]
    rest: np.ndarray
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Of one band, not centred beyond its shift: its XB and XᵀXB; if asked for, sums of columns and sum of squares."""

    projected: Any
    image: Any
    sums: Any
    square: float


def one_pass(bands: Bands, block: np.ndarray, before: Pass | None = None) -> Pass:
    """The products of all rows with ``block`` [features, columns]; the number of columns is a multiple of 4.

    The moments are those of the pass ``before`` over the same rows, if there was one.
    """
    quick = namespace(bands.shift) is np and bands.shift.dtype == np.float32
    work = compiled_products if quick else plain_products
    n, c = bands.samples.shape
    image, sums, square, projected = np.zeros(block.shape), np.zeros(c), 0.0, []
    for found in bands.each(lambda rows: work(bands, block, rows, before is None)):
        image += to_host(found.image)
        projected.append(found.projected)
        if before is None:
            sums += to_host(found.sums)
            square += found.square
    rest = sums / n if before is None else before.rest
    total = square - n * float(rest @ rest) if before is None else before.total
    return Pass(image - n * np.outer(rest, rest @ block), projected, rest, total)


def plain_products(bands: Bands, block: np.ndarray, rows: slice, moments: bool = True) -> Products:
    """The definition."""
    band = bands.centred(rows)
    xp = namespace(band)
    projected = band @ xp.asarray(block, band.dtype)
    image = band.T @ projected
    if not moments:
        return Products(projected, image, np.zeros(0), 0.0)
    return Products(projected, image, band.sum(axis=0), float((band * band).sum(dtype=np.float64)))


def compiled_products(bands: Bands, block: np.ndarray, rows: slice, moments: bool = True) -> Products:
    """The same by the kernel, in the memory order of the samples."""
    whole = bands.samples.array
    if whole is not None and whole.dtype == bands.shift.dtype and whole.flags.f_contiguous:
        return _by_features(whole.T, rows, bands.shift, block, moments)
    return array_products(bands.samples.rows(rows), bands.shift, block, moments)


def array_products(part: np.ndarray, shift: np.ndarray, block: np.ndarray, moments: bool) -> Products:
    """Products of ``part`` [rows, features] less ``shift`` with ``block``, by the kernel; all float32.

    The number of columns of ``block`` is a multiple of 4.
    """
    if part.flags.f_contiguous:
        return _by_features(part.T, slice(0, len(part)), shift, block, moments)
    from nnscope.arrays.kernels.block_products import forth_and_back

    right = _tiled(block, shift.dtype)
    width = block.shape[1]
    image, projected = np.zeros_like(right), np.empty((len(part), width), shift.dtype)
    sums = np.zeros(len(shift) if moments else 0, shift.dtype)
    square = forth_and_back(np.ascontiguousarray(part), shift, right, projected, image, sums)
    return Products(projected, image.transpose(0, 2, 1).reshape(-1, width)[: len(block)], sums, square)


def _by_features(features: np.ndarray, rows: slice, shift: np.ndarray, block: np.ndarray, moments: bool) -> Products:
    """Of some samples of ``features`` [features, samples], contiguous."""
    from nnscope.arrays.kernels.block_products import forth_and_back_columns

    count, width = block.shape
    right = np.zeros((-(-count // 4) * 4, width), shift.dtype)
    right[:count] = block
    image, projected = np.zeros_like(right), np.empty((width, rows.stop - rows.start), shift.dtype)
    sums = np.zeros(len(shift) if moments else 0, shift.dtype)
    square = forth_and_back_columns(features, rows.start, rows.stop, shift, right, projected, image, sums)
    return Products(projected.T, image[:count], sums, square)


def _tiled(block: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """[features, columns] as [tiles, columns, tile], with zeros after the last feature."""
    features, width = block.shape
    tiles = -(-features // TILE)
    tile = -(-features // (8 * tiles)) * 8
    padded = np.zeros((tiles * tile, width), dtype)
    padded[:features] = block
    return np.ascontiguousarray(padded.reshape(tiles, tile, width).transpose(0, 2, 1))
