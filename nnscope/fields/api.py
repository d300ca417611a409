"""One way into fitting: a tensor's values, or what is seen of a volume from many sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from nnscope.fields.fitting import FitResult, fit_field
from nnscope.fields.view_fitting import ViewFitResult, fit_views

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.fields.checkpoint import Checkpoint
    from nnscope.fields.parameters import Gaussians
    from nnscope.fields.record import Step
    from nnscope.fields.settings import FitSettings, ViewSettings


def _unwatched(step: Step) -> None:
    """Nobody looks."""


@overload
def fit(
    values: Any,
    settings: FitSettings | None = None,
    *,
    watch: Callable[[Step], None] = ...,
    start: Gaussians | Checkpoint | None = None,
) -> FitResult: ...


@overload
def fit(
    values: Any,
    settings: FitSettings | None = None,
    *,
    views: ViewSettings,
    watch: Callable[[Step], None] = ...,
    start: Gaussians | Checkpoint | None = None,
) -> ViewFitResult: ...


def fit(
    values: Any,
    settings: FitSettings | None = None,
    *,
    views: ViewSettings | None = None,
    watch: Callable[[Step], None] = _unwatched,
    start: Gaussians | Checkpoint | None = None,
) -> FitResult | ViewFitResult:
    """Fit Gaussians to a tensor, or to maximum projections of a volume.

    Parameters
    ----------
    values : ndarray or nnscope.tensor.Tensor, of two or three axes
        All finite.
    settings : FitSettings
    views : ViewSettings or None
        With it the field is fitted to projections of the volume, and views held out are judged.
    watch : callable
        Called with each step; may raise `Cancelled`, which ends the fit with the best field so far.
    start : Gaussians or Checkpoint or None
        See `nnscope.fields.fitting.fit_field`.

    Returns
    -------
    FitResult or ViewFitResult
        ``field`` and ``checkpoint`` (for `save_field`), ``psnr``, ``steps``; ``psnr_heldout`` and ``gap`` with views.

    Raises
    ------
    NnscopeError
        If the values or the settings make no sense.

    Examples
    --------
    >>> found = fit(volume, FitSettings(gaussians=500))  # doctest: +SKIP
    >>> save_field("volume.field.safetensors", found.checkpoint)  # doctest: +SKIP
    """
    held = np.asarray(values)
    if views is None:
        return fit_field(held, settings, watch, start)
    return fit_views(held, settings, views, watch, start)
