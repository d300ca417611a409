"""Where a fit begins: on leaves of the octree, on local maxima of the magnitude, or anywhere (methods.md §13).

All give at most the number of Gaussians asked for. Leaves and maxima follow the data, so that a fit begins near its
end; random ones are the yardstick. The weights of those that follow the data are then brought nearer to the best that
these places and shapes can have, by two steps of conjugate gradients (each costs what a step of the fit does).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.octree.cut import cut, cut_leaves
from nnscope.compute.octree.dense import dense_octree
from nnscope.compute.octree.nodes import Tolerance
from nnscope.fields.evaluate import evaluate_lattice, lattice_moments
from nnscope.fields.packing import pack_arrays
from nnscope.fields.parameters import Gaussians, cholesky_numbers, weight_amplitudes

if TYPE_CHECKING:
    from nnscope.fields.packing import Packed
    from nnscope.fields.settings import FitSettings
    from nnscope.fields.target import Target

_FAINT = 0.01  # share of the largest magnitude below which nothing begins
_BISECTIONS = 24
_LEAF_SIGMA = 0.5  # of a leaf's side
_NARROWEST = 0.5  # cells
_LIVELY = 0.005  # least weight under a sigmoid, whose slope is nothing near 0
WEIGHINGS = 2  # steps of conjugate gradients


def start_of(target: Target, settings: FitSettings) -> Gaussians:
    """The Gaussians that a fit of ``target`` begins with: between 1 and ``settings.gaussians`` of them."""
    way = {"octree": from_octree, "peaks": from_peaks, "random": at_random}[settings.start]
    means, sigmas, weights = way(target, settings.gaussians, np.random.default_rng(settings.seed))
    factors = np.einsum("ni,ij->nij", sigmas, np.eye(means.shape[1]))
    if settings.start != "random":
        weights = weighed(target, pack_arrays(means, factors, weights), settings.cutoff)
    if target.amplitude == "sigmoid":
        weights = np.maximum(weights, _LIVELY)
    chol = cholesky_numbers(factors, settings.covariance)
    return Gaussians(
        means.astype(np.float32),
        chol.astype(np.float32),
        weight_amplitudes(weights, target.amplitude).astype(np.float32),
        target.amplitude,
        settings.covariance,
        target.values.shape,
        target.offset,
        target.scale,
    )


Start = tuple[np.ndarray, np.ndarray, np.ndarray]  # means (n, d), σ along each axis (n, d), weights (n,)


def weighed(target: Target, packed: Packed, cutoff: float, steps: int = WEIGHINGS) -> np.ndarray:
    """Weights (n,) after some steps of conjugate gradients on the squared error, with all else fixed (CGLS)."""
    lattice, weights = target.lattice, packed.numbers[:, 9].copy()

    def values(w: np.ndarray) -> np.ndarray:
        numbers = packed.numbers.copy()
        numbers[:, 9] = w
        found: np.ndarray = evaluate_lattice(replace(packed, numbers=numbers), lattice, cutoff)
        return found

    residual = target.values - values(weights)
    gradient = lattice_moments(packed, lattice, residual, cutoff)[:, 0]
    direction, square = gradient, float(gradient @ gradient)
    for _ in range(steps):
        change = values(direction)
        bend = float(np.vdot(change, change))
        if not bend > 0:
            break
        weights += square / bend * direction
        residual -= np.float32(square / bend) * change
        gradient = lattice_moments(packed, lattice, residual, cutoff)[:, 0]
        before, square = square, float(gradient @ gradient)
        direction = gradient + square / before * direction
    return weights


def from_octree(target: Target, count: int, rng: np.random.Generator) -> Start:
    """A Gaussian for each leaf that is not faint, with the leaf's integral; the tolerance is found by bisection."""
    x = target.values if target.values.ndim == 3 else target.values[None]
    tree = dense_octree(x)
    low, high, best = 0.0, target.peak or 1.0, None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        found = cut(tree, Tolerance(middle))
        fits = found.leaf_count <= 64 * count  # listing many more than are wanted is waste
        leaves = cut_leaves(found) if fits else None
        bright = None if leaves is None else leaves.where(np.abs(leaves.mean) > _FAINT)
        if bright is not None and len(bright) <= count:
            high, best = middle, bright
        else:
            low = middle
    if best is None or not len(best):
        return from_peaks(target, count, rng)
    extent = best.extent((x.shape[0], x.shape[1], x.shape[2])).astype(np.float64)
    d = target.values.ndim
    means = (best.origin + extent / 2)[:, ::-1][:, :d]
    sigmas = np.maximum(_LEAF_SIGMA * extent[:, ::-1][:, :d], _NARROWEST)
    volume = extent[:, -d:].prod(axis=1)
    return means, sigmas, best.mean * volume / ((2 * math.pi) ** (d / 2) * sigmas.prod(axis=1))


def from_peaks(target: Target, count: int, rng: np.random.Generator) -> Start:
    """Local maxima of the magnitude, each as wide as its curvature says; of too many, those farthest apart."""
    x = target.values
    found = local_maxima(np.abs(x))
    found = found[np.abs(x[tuple(found.T)]) > _FAINT]
    found = found[np.argsort(-np.abs(x[tuple(found.T)]), kind="stable")]
    if len(found) > count:
        found = found[farthest(found, count)]
    chosen = np.concatenate([found, _drawn(x, count - len(found), rng)])
    weights = x[tuple(chosen.T)].astype(np.float64)
    sigmas = _curvature_sigmas(x, chosen)
    spacing = (x.size / count) ** (1 / x.ndim)
    sigmas[len(found) :] = max(spacing / 2, _NARROWEST)
    weights[len(found) :] *= 0.3  # among others that are there already
    return chosen[:, ::-1] + 0.5, sigmas, weights


def at_random(target: Target, count: int, rng: np.random.Generator) -> Start:
    """Anywhere, as wide as the space for each, and faint."""
    sizes = np.array(target.extent)
    spacing = (target.values.size / count) ** (1 / len(sizes))
    means = rng.uniform(0, sizes, (count, len(sizes)))
    weights = rng.uniform(0.05, 0.15, count)
    if target.amplitude == "identity":
        weights *= rng.choice([-1, 1], count)
    return means, np.full((count, len(sizes)), max(spacing / 2, _NARROWEST)), weights


def local_maxima(x: np.ndarray) -> np.ndarray:
    """Indices (n, d) of the values that no neighbour (8 or 26) exceeds and some neighbour is below."""
    highest = _reduced(x, np.maximum, -np.inf)
    lowest = _reduced(x, np.minimum, np.inf)
    return np.argwhere((x >= highest) & (x > lowest))


def _reduced(x: np.ndarray, reduce: np.ufunc, outside: float) -> np.ndarray:
    """``reduce`` over the 3 × 3 (× 3) neighbourhood, axis by axis."""
    for axis in range(x.ndim):
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(x.ndim)], constant_values=outside)
        lines = np.moveaxis(padded, axis, 0)
        x = np.moveaxis(reduce(reduce(lines[:-2], lines[1:-1]), lines[2:]), 0, axis)
    return x


def farthest(points: np.ndarray, count: int) -> np.ndarray:
    """Farthest-point sampling from the first point on: indices of ``count`` points (Gonzalez 1985)."""
    chosen = np.zeros(count, np.int64)
    nearest = np.full(len(points), np.inf)
    for i in range(1, count):
        nearest = np.minimum(nearest, ((points - points[chosen[i - 1]]) ** 2).sum(axis=1))
        chosen[i] = nearest.argmax()
    return chosen


def _drawn(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Different cells (count, d), drawn by their magnitude."""
    magnitude = np.abs(x).ravel().astype(np.float64) + 1e-9
    flat = rng.choice(x.size, count, replace=False, p=magnitude / magnitude.sum())
    return np.stack(np.unravel_index(flat, x.shape), axis=1)


def _curvature_sigmas(x: np.ndarray, places: np.ndarray) -> np.ndarray:
    """σ along x, y[, z] at extrema: by the logarithm's second difference, −1/σ² for a Gaussian."""
    sigmas = np.empty(places.shape)
    here = np.abs(x[tuple(places.T)]).astype(np.float64)
    for axis in range(x.ndim):
        step = np.eye(x.ndim, dtype=int)[axis]
        low = np.clip(places - step, 0, None)
        high = np.minimum(places + step, np.array(x.shape) - 1)
        sides = np.maximum(np.abs(x[tuple(low.T)]).astype(np.float64) * np.abs(x[tuple(high.T)]), 1e-12)
        bend = np.log(np.maximum(here, 1e-6)) * 2 - np.log(sides)
        sigmas[:, x.ndim - 1 - axis] = 1 / np.sqrt(np.maximum(bend, 1e-6))
    return np.clip(sigmas, _NARROWEST, max(x.shape) / 4)
