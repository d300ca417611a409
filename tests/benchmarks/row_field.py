"""Rows ``field-eval`` and ``field-fit``: sums of Gaussians and a step of their fit, against PyTorch's dense ways.

``field-eval``: 1000 Gaussians at 500 points in three dimensions, float32, everything included from the parameters to
the sum. The peers solve a 3 × 3 system for each pair by `torch.linalg.solve`, one for each Gaussian with all points as
its right-hand sides, and that by `torch.linalg.solve_triangular`. The gate: within 10⁻⁴ of the definition in float64.

``field-fit``: loss, gradients and a step of Adam for 2000 Gaussians on 256 × 256. The peer evaluates every Gaussian at
every pixel under autograd, 4096 pixels at a time so that it fits into the cache and memory, with its gradients added
up. The gate: gradients by each parameter within 10⁻⁴ of the largest. A loop over Gaussians in Python is timed once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from nnscope.fields.definition import define
from nnscope.fields.evaluate import evaluate_points
from nnscope.fields.lattice import Lattice
from nnscope.fields.module import GaussianField
from nnscope.fields.optimiser import NAMES, Adam
from nnscope.fields.parameters import DIAGONAL, Gaussians
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT, POINTS = 1000, 500
FIT_COUNT, SIDE = 2000, 256
EXTENT = 32.0
_PIXELS = 4096  # that the dense step holds at a time


def run(quick: bool = False) -> list[Result]:
    """Measure both rows."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        return [
            *_evaluation(3 if quick else REPEATS),
            *_step(2 if quick else REPEATS, FIT_COUNT // (8 if quick else 1)),
        ]
    finally:
        torch.set_num_threads(threads)


def _gaussians(count: int, dimensions: int, extent: float, sigma: float) -> Gaussians:
    rng = np.random.default_rng(0)
    chol = rng.normal(0, 0.3, (count, 3 if dimensions == 2 else 6))
    chol[:, list(DIAGONAL[dimensions])] += np.log(sigma)
    shape = (round(extent),) * dimensions
    means, amplitudes = rng.uniform(0, extent, (count, dimensions)), rng.uniform(-0.3, 0.3, count)
    arrays = (x.astype(np.float32) for x in (means, chol, amplitudes))
    return Gaussians(*arrays, "identity", shape=shape)


def _evaluation(repeats: int) -> list[Result]:
    field = _gaussians(COUNT, 3, EXTENT, 2.0)
    points = np.random.default_rng(1).uniform(0, EXTENT, (POINTS, 3)).astype(np.float32)
    expected = define(field, points)
    tensors = [torch.from_numpy(x.astype(np.float32)) for x in (field.means, field.factors, field.weights)]
    held = torch.from_numpy(points)
    peers: dict[str, tuple[Callable[[], torch.Tensor], Goal]] = {
        "torch.linalg.solve, a system for each pair": (lambda: _solved(held, *tensors), Goal(1 / 40)),
        "torch.linalg.solve, right-hand sides together": (lambda: _solved_together(held, *tensors), Goal(1.0)),
        "torch.linalg.solve_triangular": (lambda: _triangular(held, *tensors), Goal(1 / 5)),
    }
    error = np.abs(evaluate_points(field, points) - expected).max()
    assert error < 1e-4, error
    results = []
    for name, (peer, goal) in peers.items():
        assert np.abs(peer().numpy() - expected).max() < 1e-3
        times = interleaved(_best_of(lambda: evaluate_points(field, points)), _best_of(peer), repeats)
        results.append(compared("field-eval", name, times, goal, f"error {error:.1e}"))
    return results


def _best_of(work: Callable[[], object], count: int = 5) -> Callable[[], float]:
    """The least of a few: calls of a millisecond are disturbed by whatever else runs."""
    return lambda: min(seconds(work) for _ in range(count))


def _solved(points: torch.Tensor, means: torch.Tensor, factors: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    offsets = points[:, None] - means  # [point, Gaussian, axis]
    covariances = factors @ factors.transpose(1, 2)
    solved = torch.linalg.solve(covariances.expand(len(points), -1, -1, -1), offsets[..., None])[..., 0]
    return torch.exp(-0.5 * (offsets * solved).sum(-1)) @ weights


def _solved_together(
    points: torch.Tensor, means: torch.Tensor, factors: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    offsets = points.T - means[:, :, None]  # [Gaussian, axis, point]
    solved = torch.linalg.solve(factors @ factors.transpose(1, 2), offsets)
    return weights @ torch.exp(-0.5 * (offsets * solved).sum(1))


def _triangular(
    points: torch.Tensor, means: torch.Tensor, factors: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    solved = torch.linalg.solve_triangular(factors, points.T - means[:, :, None], upper=False)
    return weights @ torch.exp(-0.5 * solved.square().sum(1))


def _step(repeats: int, count: int) -> list[Result]:
    field = _gaussians(count, 2, SIDE, 3.0)
    wanted = np.random.default_rng(2).normal(0, 0.3, (SIDE, SIDE)).astype(np.float32)
    ours, theirs = GaussianField(field), GaussianField(field)
    _check(ours, theirs, wanted)
    rates = dict.fromkeys(NAMES, 1e-4)
    fast, dense = Adam(ours, rates), Adam(theirs, rates)
    times = interleaved(
        partial(seconds, lambda: (_fused(ours, wanted), fast.step())),
        partial(seconds, lambda: (_dense(theirs, wanted), dense.step())),
        repeats,
    )
    what = f"{count} Gaussians on {SIDE}²"
    loop = seconds(lambda: _looped(ours, wanted))
    slow = np.full_like(times[0], loop)
    return [
        compared("field-fit", what, times, Goal(1 / 30), "dense autograd; gradients equal to 1e-4"),
        compared("field-fit", f"{what}, forward", (times[0], slow), Goal(1.0), "a loop over Gaussians, no gradients"),
    ]


def _fused(module: GaussianField, wanted: np.ndarray) -> None:
    loss, _ = module.squared_error(Lattice.of(wanted.shape), wanted)
    loss.backward()


def _dense(module: GaussianField, wanted: np.ndarray) -> None:
    points = torch.from_numpy(Lattice.of(wanted.shape).positions().astype(np.float32))
    values = torch.from_numpy(wanted.ravel())
    for start in range(0, len(points), _PIXELS):
        part = slice(start, start + _PIXELS)
        first, slope, second = module.chol[:, 0].exp(), module.chol[:, 1], module.chol[:, 2].exp()
        x, y = (points[part, axis, None] - module.means[:, axis] for axis in (0, 1))
        u = x / first
        v = (y - slope * u) / second
        shown = torch.exp(-0.5 * (u * u + v * v)) @ module.weights
        ((shown - values[part]).square().sum() / len(points)).backward()


def _looped(module: GaussianField, wanted: np.ndarray) -> np.ndarray:
    field, total = module.frozen(), np.zeros(wanted.shape)
    y, x = np.mgrid[: wanted.shape[0], : wanted.shape[1]] + 0.5
    for mean, inverse, weight in zip(field.means, np.linalg.inv(field.factors), field.weights, strict=True):
        u = inverse[0, 0] * (x - mean[0])
        v = inverse[1, 0] * (x - mean[0]) + inverse[1, 1] * (y - mean[1])
        total += weight * np.exp(-0.5 * (u * u + v * v))
    return total


def _check(ours: GaussianField, theirs: GaussianField, wanted: np.ndarray) -> None:
    _fused(ours, wanted)
    _dense(theirs, wanted)
    for name in NAMES:
        one, two = getattr(ours, name).grad, getattr(theirs, name).grad
        assert float((one - two).abs().max()) < 1e-4 * float(two.abs().max()), name
    ours.zero_grad()
    theirs.zero_grad()
