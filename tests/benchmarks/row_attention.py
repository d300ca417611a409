"""Row ``attention``: A^(2^6) by squaring, with the report of every level, against 64 factors multiplied one by one.

Both multiply float32 matrices by NumPy's BLAS; ours multiplies causal ones by triangular halves. The gate compares both
with numpy.linalg.matrix_power in float64.
"""

from __future__ import annotations

import numpy as np

from nnscope.compute.attention.recursion import RecursionOptions, recursion
from tests.benchmarks.measure import Goal, Result, compared, interleaved, seconds

LEVELS = 6


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    cases = ((256, False),) if quick else ((1024, False), (1024, True), (2048, False))
    return [_measure(tokens, causal, quick) for tokens, causal in cases]


def _measure(tokens: int, causal: bool, quick: bool) -> Result:
    weights = _attention(tokens, causal)
    options = RecursionOptions(LEVELS)
    exact = np.linalg.matrix_power(weights.astype(np.float64), 2**LEVELS)
    for found in (recursion(weights, options).weights, _repeated(weights)):
        assert np.abs(found - exact).max() < 1e-5, "a power is wrong"
    times = interleaved(
        lambda: seconds(lambda: recursion(weights, options)), lambda: seconds(lambda: _repeated(weights)),
        3 if quick else 7,
    )  # fmt: skip
    what = f"A^64, {tokens} tokens, {'causal' if causal else 'full'}"
    return compared(
        "attention", what, times, Goal(1 / 8), "peer: 63 products; ≤ 0.125 is ≥ 8 ×; within 1e-5 of float64"
    )


def _attention(tokens: int, causal: bool) -> np.ndarray:
    scores = np.random.default_rng(0).normal(size=(tokens, tokens)).astype(np.float32) * 2
    if causal:
        scores[np.triu(np.ones((tokens, tokens), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (weights.astype(np.float64) / weights.sum(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)


def _repeated(weights: np.ndarray) -> np.ndarray:
    power = weights
    for _ in range(2**LEVELS - 1):
        power = power @ weights
    return power
