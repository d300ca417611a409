"""A null for a spectrum: the same entries in another order (methods.md §8).

A permutation keeps the distribution of the entries and destroys all structure of rows and columns. Singular values that
stand above those of the shuffled matrix come from structure, not from heavy-tailed entries.
"""

from __future__ import annotations

import numpy as np

from nnscope.compute.blas_threads import one_thread_each


def shuffled(w: np.ndarray, seed: int = 0) -> np.ndarray:
    """The entries of ``w`` (any shape) in a random order, seeded; the same shape and dtype."""
    return np.random.default_rng(seed).permutation(w.reshape(-1)).reshape(w.shape)


def shuffled_spectrum(w: np.ndarray, seed: int = 0) -> np.ndarray:
    """All singular values, descending, in float64, of ``w`` [rows, columns] with its entries shuffled."""
    mixed = w.astype(np.float64).reshape(-1)
    np.random.default_rng(seed).shuffle(mixed)  # in place, and as `shuffled` does
    with one_thread_each():
        return np.asarray(np.linalg.svd(mixed.reshape(w.shape), compute_uv=False))
