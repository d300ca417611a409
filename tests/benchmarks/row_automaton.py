"""Row ``automaton``: Moore steps over 1024² cells, beside stepping with `scipy.ndimage.convolve`.

The peer does the same arithmetic in float32 with NumPy around one convolution. The gate: after 100 steps both are
within 1e-5 of the same in float64. The rule is measured as it mixes alone, and with all its terms and tanh.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from nnscope.arrays.backend import available_gpu
from nnscope.compute.automaton import CellState, MooreRule, evolve
from tests.benchmarks.gpu import device_seconds
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, compared, interleaved, seconds

SIDE = 1024
STEPS = 10  # in a timing
RULES = {
    "mixing": MooreRule(alpha=0.5),
    "all terms and tanh": MooreRule(alpha=0.5, beta=-0.1, gamma=0.05, function="tanh"),
}


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    import scipy

    repeats, side = (2, SIDE // 4) if quick else (REPEATS, SIDE)
    state, results = _state(side), []
    for name, rule in RULES.items():
        _check(state, rule)
        ours = partial(seconds, partial(evolve, state, rule, STEPS))
        theirs = partial(seconds, partial(by_convolution, state, rule, STEPS))
        note = f"scipy.ndimage.convolve of SciPy {scipy.__version__}; after 100 steps within 1e-5 of float64"
        times = interleaved(ours, theirs, repeats)
        results.append(compared("automaton", f"{STEPS} steps of {side}², {name}", times, Goal(1 / 5), note))
    return [*results, *_on_a_device()]


def by_convolution(state: CellState, rule: MooreRule, steps: int, dtype: type = np.float32) -> np.ndarray:
    """The state after some steps, by SciPy and NumPy in ``dtype``."""
    from scipy.ndimage import convolve

    kernel = np.full((3, 3), 1 / 8, dtype)
    kernel[1, 1] = 0
    x, alpha = state.mean.astype(dtype), dtype(rule.alpha)
    gain = 1 + dtype(rule.beta) * state.weight_scale.astype(dtype)
    push = dtype(rule.gamma) * state.gradient.astype(dtype)
    for _ in range(steps):
        x = x + alpha * (convolve(x, kernel, mode="wrap") - x)
        if rule.gamma:
            x += push
        if rule.beta:
            x *= gain
        if rule.function == "tanh":
            x = np.tanh(x, out=x)
    return x


def _state(side: int) -> CellState:
    x, gradient, scale = np.random.default_rng(0).uniform(-1, 1, (3, side, side)).astype(np.float32)
    return CellState(x, gradient=gradient, weight_scale=np.abs(scale))


def _check(state: CellState, rule: MooreRule) -> None:
    part = CellState(
        *(None if a is None else a[:128, :160] for a in (state.mean, None, state.gradient, state.weight_scale))
    )
    exact = by_convolution(part, rule, 100, np.float64)
    assert np.abs(evolve(part, rule, 100).mean - exact).max() <= 1e-5
    assert np.abs(by_convolution(part, rule, 100) - exact).max() <= 1e-5


def _on_a_device() -> list[Result]:
    if not available_gpu():
        return []
    import cupy

    state = CellState(cupy.asarray(_state(4096).mean))
    times = [device_seconds(lambda: evolve(state, RULES["mixing"], STEPS)) / STEPS for _ in range(REPEATS)]
    return [absolute("automaton", "a step of 4096² resident", times, Goal(0.001), note=available_gpu().name)]
