"""All singular values of a convolution as the linear map it is, on maps with circular boundary (methods.md §8).

On n × m maps a convolution of `out` × `in` channels is an (out·n·m) × (in·n·m) matrix. Circular boundaries make it
block diagonal in the Fourier basis: at each frequency it is the out × in matrix of the kernels' Fourier coefficients
there (Sedghi, Gupta and Long 2019), which few taps give by one product, batch by batch of frequencies. A real kernel
has conjugate matrices at opposite frequencies, so half are decomposed. The stride is 1; cross-correlation, which
deep-learning libraries compute, has the singular values of convolution. Oracle: the explicit circulant matrix.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 1 << 20  # complex numbers that are decomposed at once


def convolution_singular_values(
    kernel: np.ndarray,
    size: tuple[int, ...],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """All singular values of the circular convolution, descending.

    Parameters
    ----------
    kernel : ndarray of float, shape (out, in, *window)
        One, two or three spatial axes; finite. A kernel larger than the map is wrapped round it.
    size : tuple of int
        Spatial shape of the maps, at least 1 each.
    progress : callable
        ``progress(done, total)`` in frequencies; may raise `Cancelled`.

    Returns
    -------
    ndarray of float64, shape (min(out, in) · prod(size),)

    Raises
    ------
    NnscopeError
        If ``size`` has not one entry for each spatial axis.
    """
    if kernel.ndim < 3 or len(size) != kernel.ndim - 2 or min(size) < 1:
        raise NnscopeError("The map's size does not fit the kernel's spatial axes.", f"{kernel.shape} on {size}")
    channels = kernel.shape[:2]
    taps = np.moveaxis(kernel.astype(np.float64), (0, 1), (-2, -1))
    taps = taps.reshape(math.prod(kernel.shape[2:]), math.prod(channels))
    frequencies, twice = _half_of_frequencies(size)
    sigma = np.empty((len(frequencies), min(channels)))
    step = max(1, BATCH // max(1, taps.shape[1]))
    for start in range(0, len(frequencies), step):
        part = slice(start, start + step)
        matrices = _phases(frequencies[part], kernel.shape[2:], size) @ taps
        sigma[part] = np.linalg.svd(matrices.reshape(len(matrices), *channels), compute_uv=False)
        progress(min(start + step, len(frequencies)), len(frequencies))
    return np.sort(np.concatenate([sigma.ravel(), sigma[twice].ravel()]))[::-1]


def _half_of_frequencies(size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies [count, axes] of which no two are opposite, and which of them differ from their opposite."""
    grid = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).reshape(-1, len(size))
    opposite = np.ravel_multi_index(tuple((-grid % size).T), size)
    own = np.arange(len(grid))
    half = own <= opposite
    return grid[half], (own < opposite)[half]


def _phases(frequencies: np.ndarray, window: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    """exp(−2πi f·w/n), [frequencies, taps]; the product of integers is reduced first, which keeps all its digits."""
    turns = np.zeros((len(frequencies), 1))
    for axis, (taps, n) in enumerate(zip(window, size, strict=True)):
        along = np.outer(frequencies[:, axis], np.arange(taps)) % n / n
        turns = (turns[:, :, None] + along[:, None, :]).reshape(len(frequencies), -1)
    return np.asarray(np.exp(-2j * np.pi * turns))
