"""Attention to test with: rows that sum to 1, with and without masks."""

from __future__ import annotations

import numpy as np


def attention(heads: int, tokens: int, seed: int = 0, causal: bool = False) -> np.ndarray:
    """Softmax of random scores, [heads, query, key]."""
    scores = np.random.default_rng(seed).normal(size=(heads, tokens, tokens)) * 2
    if causal:
        scores[:, np.triu(np.ones((tokens, tokens), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)
