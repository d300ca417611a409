"""Fitting a field to a tensor: Adam on the squared error, with Gaussians added and removed on the way (methods.md §13).

A step samples all cells, or a regular lattice of them from a random first one, so that each cell is as likely as any
other and rows stay rows. What is drawn depends on the seed and the step's number alone: the same seed gives the same
field, and a fit that is resumed draws what it would have drawn.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.fields.adaptive import adapt
from nnscope.fields.checkpoint import Checkpoint, noted_number
from nnscope.fields.evaluate import evaluate_lattice, lattice_moments
from nnscope.fields.module import GaussianField
from nnscope.fields.optimiser import NAMES, Adam
from nnscope.fields.packing import pack
from nnscope.fields.parameters import diagonal_positions
from nnscope.fields.record import Step, psnr
from nnscope.fields.settings import FitSettings
from nnscope.fields.starts import start_of
from nnscope.fields.target import Target, target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.fields.lattice import Lattice
    from nnscope.fields.parameters import Gaussians

DECAY = 0.1
"""What is left of the rates at the end of a fit."""

_ADAPTING = 2 / 3  # share of a fit in which Gaussians are added
_SMOOTH = 0.9  # of the loss over batches
_GAIN = 1e-3  # of the loss, that patience waits for


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """A fitted field.

    Attributes
    ----------
    field : Gaussians
        The best that was met.
    psnr : float
        dB over all values, of `field`, against max − min of the tensor.
    steps : tuple of Step
    seconds : float
        Of all steps together.
    ended : {"steps", "patience", "cancelled"}
        Why no more steps were made.
    last : Checkpoint
        The parameters after the last step with the optimiser's moments: what a fit resumes from.
    errors : ndarray of float64, shape (n,)
        Mean magnitude of what the field is off under each Gaussian, in the tensor's values.
    """

    field: Gaussians
    psnr: float
    steps: tuple[Step, ...]
    seconds: float
    ended: str
    last: Checkpoint
    errors: np.ndarray

    @property
    def checkpoint(self) -> Checkpoint:
        """The best field, with what is worth knowing of its fit."""
        notes = {"step": self.last.notes["step"], "seed": self.last.notes["seed"], "psnr": repr(self.psnr)}
        return Checkpoint(self.field, notes=notes | {"rendering": "sum"}, errors=self.errors)


def fit_field(
    values: np.ndarray,
    settings: FitSettings | None = None,
    watch: Callable[[Step], None] = lambda step: None,
    start: Gaussians | Checkpoint | None = None,
) -> FitResult:
    """Fit a sum of Gaussians to a tensor.

    Parameters
    ----------
    values : ndarray of two or three axes
        Any numeric dtype; all finite.
    settings : FitSettings
    watch : callable
        Called with each step; may raise `Cancelled`, which ends the fit with the best field so far.
    start : Gaussians or Checkpoint or None
        Where to begin: a field of a tensor of the same shape, or a checkpoint with moments, from which the fit goes on
        as if it had not been interrupted. By default `FitSettings.start` says.

    Raises
    ------
    NnscopeError
        If the values or the settings make no sense, or the field to begin with is of another shape.
    """
    settings = settings or FitSettings()
    target = target_of(values, settings.gaussians, settings.amplitude)
    fit = _Fit(target, settings, first_field(target, settings, start))
    if isinstance(start, Checkpoint) and start.moments:
        fit.resume(start)
    return fit.run(watch)


def first_field(target: Target, settings: FitSettings, start: Gaussians | Checkpoint | None) -> Gaussians:
    """The Gaussians that a fit begins with, checked; see `fit_field`."""
    if start is None:
        return start_of(target, settings)
    field = start.field if isinstance(start, Checkpoint) else start
    if field.shape != target.values.shape:
        raise NnscopeError("The field to begin with is of another shape.", f"{field.shape} and {target.values.shape}")
    if field.amplitude != target.amplitude:
        raise NnscopeError("The field to begin with has other amplitudes.", f"{field.amplitude}, {target.amplitude}")
    return replace(field, offset=target.offset, scale=target.scale)


class _Fit:
    """A fit under way."""

    def __init__(self, target: Target, settings: FitSettings, first: Gaussians) -> None:
        self.target, self.settings = target, settings
        self.module = GaussianField(first)
        self.unit = mean_sigma(first)
        self.adam = Adam(self.module, adam_rates(settings, first, self.unit))
        self.number = 0
        self.steps: list[Step] = []
        self.smooth = self.least = math.inf
        self.best, self.best_at = first, 0
        self._forget()

    def resume(self, held: Checkpoint) -> None:
        """Go on where a checkpoint was made."""
        self.number = self.best_at = int(noted_number(held.notes, "step"))
        self.unit = noted_number(held.notes, "unit", self.unit)
        self.adam.rates = adam_rates(self.settings, held.field, self.unit)
        self.adam.resume(held.moments, self.number)

    def run(self, watch: Callable[[Step], None]) -> FitResult:
        """All steps that are left."""
        begun, ended = time.perf_counter(), "steps"
        try:
            while self.number < self.settings.steps:
                self._step(watch)
                if self.settings.patience and self.number - self.best_at > self.settings.patience:
                    ended = "patience"
                    break
        except Cancelled:
            ended = "cancelled"
        seconds = time.perf_counter() - begun
        field, quality = self._chosen()
        return FitResult(field, quality, tuple(self.steps), seconds, ended, self._last(), self._errors(field))

    def _step(self, watch: Callable[[Step], None]) -> None:
        lattice, goal = _batch(self.target, self.settings, self.number)
        loss, residual = self.module.squared_error(lattice, goal, self.settings.cutoff)
        loss.backward()
        step = told(self.module, (self.number, self.settings.steps), float(loss.detach()), self.target.peak)
        self.steps.append(step)
        self._judge(step.loss)
        watch(step)
        self.push += self.module.means.grad.numpy()
        self.lengths += np.linalg.norm(self.module.means.grad.numpy(), axis=1)
        self.adam.step(DECAY ** (self.number / max(1, self.settings.steps)))
        self.number += 1
        if self._adapts():
            self._adapt(lattice, residual)

    def _judge(self, loss: float) -> None:
        """Keep the parameters if none were better; batches are compared by a running mean."""
        smooth = loss if not self.settings.batch or math.isinf(self.smooth) else self.smooth
        self.smooth = smooth if not self.settings.batch else _SMOOTH * smooth + (1 - _SMOOTH) * loss
        if self.smooth < self.least * (1 - _GAIN):
            self.best_at = self.number
        if self.smooth < self.least:
            self.least, self.best = self.smooth, self.module.frozen()

    def _adapts(self) -> bool:
        every = self.settings.adapt_every
        return bool(every) and self.number % every == 0 and self.number <= _ADAPTING * self.settings.steps

    def _adapt(self, lattice: Lattice, residual: np.ndarray) -> None:
        field = self.module.frozen()
        demand = self.lengths
        if self.settings.densify == "error":
            demand = lattice_moments(pack(field), lattice, np.abs(residual), self.settings.cutoff)[:, 0]
        change = adapt(field, demand, self.push, self.settings.gaussians)
        self.module.set_parameters(change.field.means, change.field.chol, change.field.amplitudes)
        self.adam.select(change.sources, change.fresh)
        self._forget()

    def _forget(self) -> None:
        self.push = np.zeros((self.module.count, self.module.dimensions))
        self.lengths = np.zeros(self.module.count)

    def _chosen(self) -> tuple[Gaussians, float]:
        """The best that was kept, or the last parameters where these are better; by all values."""
        found = ((field, self._quality(field)) for field in (self.best, self.module.frozen()))
        return max(found, key=lambda pair: pair[1])

    def _quality(self, field: Gaussians) -> float:
        error = self._off(field)
        return psnr(float(np.vdot(error, error)) / error.size, self.target.peak)

    def _off(self, field: Gaussians) -> np.ndarray:
        values = evaluate_lattice(field, self.target.lattice, self.settings.cutoff)
        return np.asarray(np.subtract(values, self.target.values, dtype=np.float64))

    def _errors(self, field: Gaussians) -> np.ndarray:
        """The mean of |error| over cells, each as it is under a Gaussian."""
        packed, lattice = pack(field), self.target.lattice
        size, share = (
            np.abs(lattice_moments(packed, lattice, weight, self.settings.cutoff)[:, 0])
            for weight in (np.abs(self._off(field)), np.ones(lattice.shape))
        )
        found = np.divide(size, share, out=np.zeros_like(size), where=share > 0)
        return np.asarray(self.target.scale * found)

    def _last(self) -> Checkpoint:
        notes = {"step": str(self.number), "seed": str(self.settings.seed), "unit": repr(self.unit)}
        return Checkpoint(self.module.frozen(), self.adam.moments(), notes)


def told(module: GaussianField, at: tuple[int, int], loss: float, peak: float) -> Step:
    """What a step tells: ``at`` is its number and how many there are; gradients are in the parameters."""
    norms = [float(getattr(module, name).grad.norm()) for name in NAMES]
    with torch.no_grad():
        chol = module.chol[:, diagonal_positions(module.dimensions, module.covariance)]
        spreads = [float(x.var(dim=0, correction=0).mean().sqrt()) for x in (module.means, chol, module.amplitudes)]
    gradients, spread = (norms[0], norms[1], norms[2]), (spreads[0], spreads[1], spreads[2])
    return Step(*at, loss, psnr(loss, peak), gradients, spread, module.count)


def adam_rates(settings: FitSettings, field: Gaussians, unit: float = 0.0) -> dict[str, float | torch.Tensor]:
    """Rates in the parameters' own units; ``unit`` is the mean σ that a fit began with, by default the field's."""
    unit = unit or mean_sigma(field)
    chol = np.full(field.chol.shape[1], settings.rates.chol * unit, np.float32)
    chol[list(diagonal_positions(field.dimensions, field.covariance))] = settings.rates.chol
    amplitudes = settings.rates.amplitudes * (1 if field.amplitude == "identity" else 4)  # a sigmoid's slope is ≤ ¼
    return {"means": settings.rates.means * unit, "chol": torch.from_numpy(chol), "amplitudes": amplitudes}


def mean_sigma(field: Gaussians) -> float:
    """The root, of order d, of the mean product of the diagonal of L."""
    return float(np.einsum("nii->ni", field.factors).prod(axis=1).mean() ** (1 / field.dimensions))


def _batch(target: Target, settings: FitSettings, number: int) -> tuple[Lattice, np.ndarray]:
    """The samples of a step and the values there."""
    lattice = target.lattice
    if not settings.batch or settings.batch >= lattice.size:
        return lattice, target.values
    stride = math.ceil((lattice.size / settings.batch) ** (1 / lattice.dimensions))
    strides = tuple(min(stride, n) for n in lattice.shape)
    first = tuple(np.random.default_rng((settings.seed, number)).integers(0, strides).tolist())
    part = tuple(slice(f, None, s) for f, s in zip(first, strides, strict=True))
    return lattice.every(strides, first), np.ascontiguousarray(target.values[part])
