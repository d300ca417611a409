"""Row ``stats``: all statistics of methods.md §1 over 6.4·10⁷ float32, beside NumPy's calls and beside a copy.

The peer is what one writes with NumPy for the same numbers: one call for each. The gate compares every figure. The row
is printed for a narrow dtype too, which is counted by its bit patterns. With a CUDA device usable, the share of the
measured copy bandwidth for 10⁹ resident float16 values is added.
"""

from __future__ import annotations

import numpy as np

from nnscope.arrays.backend import available_gpu
from nnscope.compute.statistics.summary import stats_of_array
from tests.benchmarks.gpu import copy_bandwidth, device_seconds
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, compared, interleaved, seconds

ELEMENTS = 64_000_000
NEAR_ZERO = 1e-6


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    repeats, n = (2, ELEMENTS // 8) if quick else (REPEATS, ELEMENTS)
    x = np.random.default_rng(0).standard_normal(n, np.float32)
    _check(x[: n // 8])
    target, half = np.empty_like(x), x.astype(np.float16)
    half_target = np.empty_like(half)
    times = [
        interleaved(lambda: seconds(lambda: stats_of_array(x)), lambda: seconds(lambda: numpy_calls(x)), repeats),
        interleaved(lambda: seconds(lambda: stats_of_array(x)), lambda: seconds(lambda: np.copyto(target, x)), repeats),
        interleaved(
            lambda: seconds(lambda: stats_of_array(half)),
            lambda: seconds(lambda: np.copyto(half_target, half)),
            repeats,
        ),
    ]
    version = f"NumPy {np.__version__}"
    return [
        compared("stats", f"{n:.2g} float32", times[0], Goal(1 / 15), f"{version}, a call for each figure"),
        compared("stats", f"{n:.2g} float32", times[1], Goal(3), "np.copyto"),
        compared("stats", f"{n:.2g} float16", times[2], Goal(3), "np.copyto of as many bytes"),
        *_on_a_device(),
    ]


def numpy_calls(x: np.ndarray) -> dict[str, object]:
    """Every figure of §1 by the call that gives it."""
    finite = np.isfinite(x)
    held = x if finite.all() else x[finite]
    size = np.abs(held)
    largest, median = size.max(), np.median(held)
    return {
        "nan": np.isnan(x).sum(),
        "posinf": np.isposinf(x).sum(),
        "neginf": np.isneginf(x).sum(),
        "min": held.min(),
        "max": held.max(),
        "mean": held.mean(dtype=np.float64),
        "variance": held.var(dtype=np.float64),
        "abs_mean": size.mean(dtype=np.float64),
        "abs_max": largest,
        "zeros": (held == 0).sum(),
        "positive": (held > 0).sum(),
        "near_zero": (size <= NEAR_ZERO * largest).sum(),
        "histogram": np.histogram(held, 256)[0],
        "median": median,
        "mad": np.median(np.abs(held - median)),
        "median_abs_nonzero": np.median(size[size != 0]),
    }


def _check(x: np.ndarray) -> None:
    ours, theirs = stats_of_array(x), numpy_calls(x)
    for name in ("nan", "posinf", "neginf", "min", "max", "abs_max", "zeros", "positive", "near_zero"):
        assert getattr(ours, name) == theirs[name], name
    for name in ("mean", "variance", "abs_mean", "median", "mad", "median_abs_nonzero"):
        np.testing.assert_allclose(getattr(ours, name), theirs[name], rtol=1e-6, atol=1e-7, err_msg=name)
    moved = np.abs(np.cumsum(ours.histogram) - np.cumsum(theirs["histogram"])).max()
    assert moved <= 1e-5 * x.size, "values beyond the rounding of an edge are in another bin"


def _on_a_device() -> list[Result]:
    if not available_gpu():
        return []
    import cupy

    x = cupy.random.default_rng(0).standard_normal(1_000_000_000, dtype=cupy.float32).astype(cupy.float16)
    shares = [x.nbytes / device_seconds(lambda: stats_of_array(x)) / copy_bandwidth(x) for _ in range(REPEATS)]
    note = f"{available_gpu().name}; bytes read, of the bytes a copy reads and writes in that time"
    return [absolute("stats", "1e9 float16 resident, share of copy bandwidth", shares, Goal(0.6, True), "", note)]
