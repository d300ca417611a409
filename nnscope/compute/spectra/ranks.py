"""Ranks of a matrix from its singular values: how many directions matter (methods.md §8).

*Stable rank*: ‖W‖²_F / σ₁² (Rudelson and Vershynin 2007); it needs the Frobenius norm and one singular value.
*Effective rank*: exp of the entropy of σ²/Σσ² (Roy and Vetterli 2007, on squares); it needs all singular values.
*Condition*: σ₁ / σ_k.
"""

from __future__ import annotations

import math

import numpy as np


def stable_rank(frobenius: float, largest: float) -> float:
    """``frobenius``² over ``largest`` singular value²; 0 for a matrix of zeros."""
    return (frobenius / largest) ** 2 if largest > 0 else 0.0


def effective_rank(sigma: np.ndarray) -> float:
    """exp of the entropy of σ²/Σσ², of all singular values, descending; 0 for a matrix of zeros."""
    if not sigma.size or sigma[0] <= 0:
        return 0.0
    share = (sigma / sigma[0]) ** 2
    share = share[share > 0] / share.sum()
    return float(np.exp(-np.sum(share * np.log(share))))


def condition(sigma: np.ndarray) -> float:
    """σ₁ / σ_k of k singular values, descending; infinite when σ_k is 0, and 1 when there is none but zeros."""
    if not sigma.size or sigma[0] <= 0:
        return 1.0
    return float(sigma[0]) / float(sigma[-1]) if sigma[-1] > 0 else math.inf
