"""Fitting a field to maximum projections of a volume from many sides (methods.md §13).

The pictures to match are true projections of the volume from the very cameras in use. Some views are held out: their
pictures are never fitted, and what the field shows there says whether it is the volume that was learnt or its pictures.
Such a field's pictures are maxima over its Gaussians, not sums.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from nnscope.core.errors import Cancelled, NnscopeError
from nnscope.fields.adaptive import adapt
from nnscope.fields.checkpoint import Checkpoint, noted_number
from nnscope.fields.fitting import DECAY, adam_rates, first_field, mean_sigma, told
from nnscope.fields.module import GaussianField
from nnscope.fields.optimiser import Adam
from nnscope.fields.projection import Maxima, picture_of
from nnscope.fields.record import psnr
from nnscope.fields.settings import FitSettings, ViewSettings
from nnscope.fields.target import target_of
from nnscope.fields.views import Pinhole, pinhole, project_maxima, ring_cameras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnscope.fields.parameters import Gaussians
    from nnscope.fields.record import Step
    from nnscope.fields.target import Target

_ADAPTING = 2 / 3  # share of a fit in which Gaussians are added
_JUDGED = 50  # steps between looks at all views


@dataclass(frozen=True, slots=True, eq=False)
class ViewFitResult:
    """A field fitted to projections.

    Attributes
    ----------
    field : Gaussians
        The best that was met, by training views.
    psnr, psnr_heldout : float
        dB over all pixels of the training views and of those held out, against max − min of the volume.
    steps : tuple of Step
    seconds : float
    ended : {"steps", "cancelled"}
    last : Checkpoint
        The parameters after the last step with the optimiser's moments.
    """

    field: Gaussians
    psnr: float
    psnr_heldout: float
    steps: tuple[Step, ...]
    seconds: float
    ended: str
    last: Checkpoint

    @property
    def gap(self) -> float:
        """dB that views held out are worse than those fitted."""
        return self.psnr - self.psnr_heldout

    @property
    def checkpoint(self) -> Checkpoint:
        """The best field, with what is worth knowing of its fit."""
        notes = {"psnr": repr(self.psnr), "psnr_heldout": repr(self.psnr_heldout), "rendering": "mip"}
        return Checkpoint(self.field, notes={**self.last.notes, **notes})


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera and what it sees of the volume, normalised."""

    camera: Pinhole
    picture: np.ndarray


def fit_views(
    values: np.ndarray,
    settings: FitSettings | None = None,
    views: ViewSettings | None = None,
    watch: Callable[[Step], None] = lambda step: None,
    start: Gaussians | Checkpoint | None = None,
) -> ViewFitResult:
    """Fit Gaussians to maximum projections of a volume.

    Parameters
    ----------
    values : ndarray of three axes [z, y, x]
        Finite and not negative, or with sigmoid amplitudes asked for: maxima are of densities.
    settings : FitSettings
        ``batch``, ``patience`` and ``densify`` have no meaning here.
    views : ViewSettings
    watch : callable
        Called with each step; may raise `Cancelled`, which ends the fit with the best field so far.
    start : Gaussians or Checkpoint or None
        As in `nnscope.fields.fitting.fit_field`.

    Raises
    ------
    NnscopeError
        If the values or the settings make no sense.
    """
    settings, views = settings or FitSettings(), views or ViewSettings()
    target = target_of(values, settings.gaussians, settings.amplitude or "sigmoid")
    if target.values.ndim != 3:
        raise NnscopeError("Views are of a volume.", f"shape {target.values.shape}", "Choose three axes.")
    training, held = _views_of(target, views)
    fit = _ViewFit(first_field(target, settings, start), settings, views, training)
    if isinstance(start, Checkpoint) and start.moments:
        fit.resume(start)
    return fit.run(watch, held, target.peak)


def _views_of(target: Target, settings: ViewSettings) -> tuple[list[View], list[View]]:
    """Those to fit, and those held out: evenly spread among all."""
    depth, rows, cols = target.values.shape
    size = (settings.size, settings.size)
    found = [
        View(pinhole(camera, (depth, rows, cols), size), project_maxima(target.values, camera, size))
        for camera in ring_cameras(settings.views, settings.elevations)
    ]
    out = {round((i + 0.5) * settings.views / settings.held_out - 0.5) for i in range(settings.held_out)}
    return [v for i, v in enumerate(found) if i not in out], [v for i, v in enumerate(found) if i in out]


@dataclass
class _ViewFit:
    """A fit under way."""

    first: Gaussians
    settings: FitSettings
    views: ViewSettings
    training: Sequence[View]
    steps: list[Step] = field(default_factory=list)
    least: float = math.inf
    number: int = 0
    heldout: float | None = None

    def __post_init__(self) -> None:
        self.module = GaussianField(self.first)
        self.best = self.first
        self.unit = mean_sigma(self.first)
        self.adam = Adam(self.module, adam_rates(self.settings, self.first, self.unit))
        self.push = np.zeros((self.module.count, 3))
        self.lengths = np.zeros(self.module.count)

    def resume(self, held: Checkpoint) -> None:
        """Go on where a checkpoint was made."""
        self.number = int(noted_number(held.notes, "step"))
        self.unit = noted_number(held.notes, "unit", self.unit)
        self.adam.rates = adam_rates(self.settings, held.field, self.unit)
        self.adam.resume(held.moments, self.number)

    def run(self, watch: Callable[[Step], None], held: Sequence[View], peak: float) -> ViewFitResult:
        begun, ended = time.perf_counter(), "steps"
        try:
            while self.number < self.settings.steps:
                if self.number % _JUDGED == 0:
                    self._judge()
                    self.heldout = psnr(self._error(self.module.frozen(), held), peak)
                self._step(self.number, peak, watch)
                self.number += 1
        except Cancelled:
            ended = "cancelled"
        seconds = time.perf_counter() - begun
        self._judge()
        last = Checkpoint(self.module.frozen(), self.adam.moments(), self._notes())
        quality = [psnr(self._error(self.best, part), peak) for part in (self.training, held)]
        return ViewFitResult(self.best, quality[0], quality[1], tuple(self.steps), seconds, ended, last)

    def _notes(self) -> dict[str, str]:
        words = {"step": self.number, "seed": self.settings.seed, "views": self.views.views, "unit": self.unit}
        return {key: repr(value) for key, value in words.items()}

    def _step(self, number: int, peak: float, watch: Callable[[Step], None]) -> None:
        drawn = np.random.default_rng((self.settings.seed, number)).choice(
            len(self.training), min(self.views.per_step, len(self.training)), replace=False
        )
        losses = [self._loss(self.training[i]) for i in drawn]
        loss = torch.stack(losses).mean()
        loss.backward()
        step = told(self.module, (number, self.settings.steps), float(loss.detach()), peak)
        step = replace(step, heldout=self.heldout)
        self.steps.append(step)
        watch(step)
        gradient = self.module.means.grad.numpy()
        self.push += gradient
        self.lengths += np.linalg.norm(gradient, axis=1)
        self.adam.step(DECAY ** (number / max(1, self.settings.steps)))
        every = self.settings.adapt_every
        if every and (number + 1) % every == 0 and number < _ADAPTING * self.settings.steps:
            self._adapt()

    def _loss(self, view: View) -> torch.Tensor:
        how = Maxima(view.camera.size, self.views.beta, self.settings.cutoff)
        return self.module.picture_error(view.camera, view.picture, how)

    def _adapt(self) -> None:
        change = adapt(self.module.frozen(), self.lengths, self.push, self.settings.gaussians)
        self.module.set_parameters(change.field.means, change.field.chol, change.field.amplitudes)
        self.adam.select(change.sources, change.fresh)
        self.push = np.zeros((self.module.count, 3))
        self.lengths = np.zeros(self.module.count)

    def _judge(self) -> None:
        """Keep the parameters if no others showed the training views better."""
        now = self.module.frozen()
        error = self._error(now, self.training)
        if error < self.least:
            self.least, self.best = error, replace(now)

    def _error(self, gaussians: Gaussians, views: Sequence[View]) -> float:
        """Mean squared error of hard maxima over all pixels of views."""
        parameters, errors = (gaussians.means, gaussians.factors, gaussians.weights), []
        for view in views:
            shown = picture_of(*parameters, view.camera, Maxima(view.camera.size, cutoff=self.settings.cutoff))
            errors.append(float(np.square(shown.values - view.picture).mean()))
        return float(np.mean(errors))
