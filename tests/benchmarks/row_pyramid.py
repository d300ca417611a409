"""Row ``pyramid``: all levels of mean, minimum, maximum and variance of 4096² float32.

The peer is NumPy's block reduction of each level from the one before; means and variances of two by two cells in
float32, which is less than ours carries. Beside a copy, what counts is bytes read and written in a second, ours
counting its input once and the four arrays of every level: into new memory, which the system has to clear first, and
into that of the levels before, as when the same layer is looked at step after step; the copy's memory is not new
either. The gate compares all levels.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.backend import available_gpu
from nnscope.compute.pyramid.device import device_levels
from nnscope.compute.pyramid.levels import build_levels
from tests.benchmarks.gpu import copy_bandwidth, device_seconds
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, compared, interleaved, ratio_interval, seconds

if TYPE_CHECKING:
    from nnscope.compute.pyramid.levels import Level, Span

SIDE = 4096
Cells = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    repeats = 2 if quick else REPEATS
    x = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    levels = _check(x)
    target = np.empty_like(x)
    ours = partial(seconds, partial(_levels, x))
    theirs = interleaved(ours, partial(seconds, partial(numpy_levels, x)), repeats)
    copy = partial(seconds, partial(np.copyto, target, x))
    times = interleaved(ours, copy, repeats)
    again = interleaved(partial(seconds, partial(_levels, x, _levels(x))), copy, repeats)
    moved = x.nbytes + sum(array.nbytes for level in levels for array in level.arrays[:4])
    what = f"all levels of {SIDE}²"
    return [
        compared("pyramid", what, theirs, Goal(1 / 5), f"NumPy {np.__version__}, block reductions"),
        _share(f"{what}, in new memory", times, moved, 2 * x.nbytes),
        _share(f"{what}, in the memory of the last ones", again, moved, 2 * x.nbytes),
        *_on_a_device(),
    ]


def numpy_levels(x: np.ndarray) -> list[Cells]:
    """Each level from the one before: mean, variance, minimum, maximum."""
    levels = []
    mean, variance, low, high = x, np.zeros_like(x), x, x
    while mean.size > 1:
        fine = _blocks(mean)
        mean = fine.mean(axis=(1, 3))
        variance = _blocks(variance).mean(axis=(1, 3)) + fine.var(axis=(1, 3))
        low, high = _blocks(low).min(axis=(1, 3)), _blocks(high).max(axis=(1, 3))
        levels.append((mean, variance, low, high))
    return levels


def _levels(x: np.ndarray, room: tuple[Level, ...] = ()) -> tuple[Level, ...]:
    def read(rows: Span, cols: Span) -> tuple[np.ndarray, None]:
        return x[slice(*rows), slice(*cols)], None

    return build_levels(read, x.shape, 1, room=room)


def _blocks(a: np.ndarray) -> np.ndarray:
    return a.reshape(a.shape[0] // 2, 2, a.shape[1] // 2, 2)


def _check(x: np.ndarray) -> tuple[Level, ...]:
    levels = _levels(x)
    for ours, (mean, variance, low, high) in zip(levels, numpy_levels(x), strict=True):
        np.testing.assert_array_equal(ours.min, low)
        np.testing.assert_array_equal(ours.max, high)
        np.testing.assert_allclose(ours.mean, mean, atol=1e-5)
        np.testing.assert_allclose(ours.variance, variance, rtol=1e-4, atol=1e-5)
    return levels


def _share(what: str, times: tuple[np.ndarray, np.ndarray], moved: int, copied: int) -> Result:
    """Bytes a second of ours as a share of the copy's."""
    ours, copy = times
    figure, low, high = (ratio * moved / copied for ratio in ratio_interval(copy, ours))
    note = f"share of np.copyto's bytes a second; {moved / 1e6:.0f} MB in {np.median(ours) * 1e3:.3g} ms"
    seconds_each = float(np.median(ours)), float(np.median(copy))
    return Result("pyramid", what, *seconds_each, figure, low, high, Goal(0.25, at_least=True), note=note)


def _on_a_device() -> list[Result]:
    if not available_gpu():
        return []
    import cupy

    x = cupy.random.default_rng(0).standard_normal((31_623, 31_623), dtype=cupy.float32).astype(cupy.float16)
    shares = [x.nbytes / device_seconds(partial(device_levels, x, 4)) / copy_bandwidth(x) for _ in range(REPEATS)]
    note = f"{available_gpu().name}; bytes read, of the bytes a copy reads and writes in that time"
    what = "1e9 float16 resident, levels from 4 up, share of copy bandwidth"
    return [absolute("pyramid", what, shares, Goal(0.6, at_least=True), "", note)]
