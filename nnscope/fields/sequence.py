"""A field for each step of training, each warm-started from the one before, so that Gaussians keep their names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.fields.fitting import fit_field
from nnscope.fields.parameters import Gaussians, weight_amplitudes
from nnscope.fields.path import FieldPath
from nnscope.fields.settings import FitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nnscope.fields.checkpoint import Checkpoint
    from nnscope.fields.fitting import FitResult


def fit_sequence(
    tensors: Iterable[np.ndarray],
    settings: FitSettings | None = None,
    following: int = 100,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[FitResult]:
    """Fit one tensor after another; the first in full, each next from the field before it.

    No Gaussian is added or removed after the first fit: row i of every field, and its name in ``ids``, is the same
    Gaussian at another time.

    Parameters
    ----------
    tensors : iterable of ndarray
        The same tensor at successive steps: all of one shape. Each is asked for when its turn comes.
    settings : FitSettings
        Of the first fit.
    following : int
        Steps of each next fit.
    progress : callable
        Called as ``progress(done, total)`` before each tensor, with the total unknown: 0; may raise `Cancelled`.

    Yields
    ------
    FitResult

    Raises
    ------
    NnscopeError
        If a tensor can't be fitted or has another shape.
    """
    settings = settings or FitSettings()
    follow = replace(settings, steps=following, adapt_every=0)
    last: Gaussians | None = None
    for number, values in enumerate(tensors):
        progress(number, 0)
        if last is None:
            found = fit_field(values, settings)
            named = replace(found.field, ids=np.arange(len(found.field)))
            follow = replace(follow, amplitude=named.amplitude)
        else:
            found = fit_field(values, follow, start=_carried(last, values))
            named = found.field
        last = named
        yield replace(found, field=named)


def fit_over_training(
    tensors: Iterable[np.ndarray],
    steps: Sequence[int],
    settings: FitSettings | None = None,
    following: int = 100,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Checkpoint:
    """Fit a tensor at steps of its training, as `fit_sequence` does, into one checkpoint that holds all of them.

    Parameters
    ----------
    tensors : iterable of ndarray
        One for each of the steps.
    steps : sequence of int
        Rising.
    settings, following, progress
        As in `fit_sequence`.

    Returns
    -------
    Checkpoint
        The field of the last step, with ``path``. Opened as a file it lists each step's as ``field@STEP``.

    Raises
    ------
    NnscopeError
        If there is no tensor, the steps don't rise, or a tensor can't be fitted or has another shape.
    """
    found = list(fit_sequence(tensors, settings, following, lambda done, _: progress(done, len(steps))))
    if not found:
        raise NnscopeError("There is no step to fit a field to.")
    worst = min(result.psnr for result in found)
    path, last = FieldPath.of(steps, [result.field for result in found]), found[-1].checkpoint
    return replace(last, notes={**last.notes, "psnr_worst": repr(worst)}, path=path)


def _carried(field: Gaussians, values: np.ndarray) -> Gaussians:
    """The field before, for the scale of the next tensor: what it says in the tensor's own unit stays as it was."""
    if tuple(values.shape)[-field.dimensions :] != field.shape:
        raise NnscopeError("Tensors of a sequence have one shape.", f"{tuple(values.shape)} after {field.shape}")
    if field.amplitude == "sigmoid":
        scale = float(np.ptp(values)) or 1.0
    else:
        scale = float(np.abs(values).max(initial=0.0)) or 1.0
    weights = field.weights * (field.scale / scale if np.isfinite(scale) else 1.0)
    amplitudes = weight_amplitudes(weights, field.amplitude).astype(field.amplitudes.dtype)
    return replace(field, amplitudes=amplitudes)
