"""The colours of a recorded run: one domain for all its steps, so that a colour means the same at each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.scene.resolve import Fixed

if TYPE_CHECKING:
    from nnscope.core.answer import Series
    from nnscope.core.statistics import TensorStats
    from nnscope.scene.state import PaneState

RUN = "run"  # the format of a listing with steps


def fixed_scale(pane: PaneState, scale: TensorStats | None, note: str) -> Fixed:
    """What the colours of a pane follow.

    Parameters
    ----------
    pane : PaneState
        Shows a tensor of a run.
    scale : TensorStats or None
        Of all steps (`over_steps`), where it is known.
    note : str
        What the legend says of the step.
    """
    if pane.limits is not None:
        return Fixed(None, note)
    if pane.each_step:
        return Fixed(None, note, "domain of this step alone")
    return Fixed(None, note) if scale is None else Fixed(scale, note, "domain of all steps")


def over_steps(newest: TensorStats | None, lows: Series | None, highs: Series | None) -> TensorStats | None:
    """The statistics of the newest step with the extremes of all; None when something of it isn't known.

    The histogram no longer fits the extremes and is not for showing.
    """
    ends = extremes(lows, highs)
    if newest is None or ends is None:
        return None
    low, high = min(ends[0], newest.min), max(ends[1], newest.max)
    return replace(newest, min=low, max=high, abs_max=max(abs(low), abs(high)))


def extremes(lows: Series | None, highs: Series | None) -> tuple[float, float] | None:
    """The least and the greatest finite value of series of both; None when there is none."""
    low, high = (np.empty(0) if s is None else s.values[np.isfinite(s.values)] for s in (lows, highs))
    return (float(low.min()), float(high.max())) if len(low) and len(high) else None
