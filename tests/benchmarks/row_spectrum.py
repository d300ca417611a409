"""Row ``spectrum``: the top 8 singular values of a 4096² matrix with a decaying spectrum, against torch's svdvals.

The gate: relative error at most 1e-3 against the singular values that the matrix was made with, and the residual that
is told proves it: by Weyl's inequality a value is at most residual·σ₁ from a true one. A matrix whose spectrum hardly
decays, as that of untrained weights, is shown without a goal. Both sides run with two threads. svdvals takes about as
long for any values: where one call takes over 20 s, that call stands for its median.
"""

from __future__ import annotations

import numpy as np

from nnscope.compute.spectra.singular_values import top_singular_values
from nnscope.core.tensor import TensorInfo
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved_patiently, missing, rested

GOAL = Goal(1 / 40)
K = 8


class _Reader:
    """An array in memory as a tensor of a file."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.info = TensorInfo("w", array.shape, array.dtype.name, nbytes=array.nbytes)

    def read(self, region: tuple[tuple[int, int, int], ...]) -> np.ndarray:
        return self.array[tuple(slice(*axis) for axis in region)]


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    try:
        import torch
    except ImportError:
        return [missing("spectrum", "top 8 of 4096²", "torch is not installed", GOAL)]
    torch.set_num_threads(2)
    side = 1536 if quick else 4096
    rng = np.random.default_rng(0)
    lines = []
    for name, decay, goal in (("1/j", 1.0, GOAL), ("hardly decaying, j^-0.1", 0.1, None)):
        sigma = np.arange(1, side + 1) ** -decay
        u, v = (np.linalg.qr(rng.standard_normal((side, side), dtype=np.float32))[0] for _ in range(2))
        w = ((u * sigma.astype(np.float32)) @ v.T).astype(np.float32)
        note = _check(w, sigma, goal is not None)
        reader, tensor = _Reader(w), torch.from_numpy(w)
        times, once = interleaved_patiently(
            lambda reader=reader: rested(lambda: top_singular_values(reader, K)),
            lambda tensor=tensor: rested(lambda: torch.linalg.svdvals(tensor)),
            1 if quick or goal is None else REPEATS,
        )
        note = "; ".join(filter(None, ("svdvals", note, once)))
        lines.append(compared("spectrum", f"top {K} of {side}², {name}", times, goal, note))
    return lines


def _check(w: np.ndarray, sigma: np.ndarray, proven: bool) -> str:
    found = top_singular_values(_Reader(w), K)
    error = float(np.max(np.abs(found.sigma / sigma[:K] - 1)))
    assert not found.exact, "this is not the row's method"
    assert error <= 1e-3 or not proven, f"relative error {error:.1e}"
    assert found.residual <= 1e-3 * sigma[K - 1] / sigma[0] or not proven, f"residual {found.residual:.1e} proves less"
    return f"error {error:.0e}, residual {found.residual:.0e}"
