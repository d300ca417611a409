"""The colours of two tensors beside each other: one domain for both, so that a colour means the same in each."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.statistics.pooled import pooled
from nnscope.core.statistics import TensorStats
from nnscope.scene.resolve import Fixed

if TYPE_CHECKING:
    from nnscope.scene.state import PaneState

    Scales = tuple[TensorStats | None, TensorStats | None]

_NUMBERS = tuple(field.name for field in fields(TensorStats) if field.name != "histogram")


def together(one: TensorStats, other: TensorStats) -> TensorStats:
    """The statistics of two tensors as of one that has the values of both (`compute.statistics.pooled`)."""
    return pooled({name: np.array([getattr(one, name), getattr(other, name)], np.float64) for name in _NUMBERS})


def shared_scale(pane: PaneState, scales: Scales, step: str, origin: str) -> Fixed:
    """What the colours of a pane follow that shows one of two tensors.

    Parameters
    ----------
    pane : PaneState
    scales : (TensorStats or None, TensorStats or None)
        Of the two, where they are known.
    step, origin : str
        What the legend says of the step, and of which of the two it is.
    """
    one, other = scales
    if pane.limits is not None or one is None or other is None:
        return Fixed(None, step, origin=origin)
    return Fixed(together(one, other), step, "domain of both", origin, "of both")
