"""The colours of a recorded run: one domain for all its steps, so that a colour means the same at each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.scene.resolve import Fixed

if TYPE_CHECKING:
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
        Of all steps (`compute.statistics.pooled`), where it is known.
    note : str
        What the legend says of the step.
    """
    if pane.limits is not None:
        return Fixed(None, note)
    if pane.each_step:
        return Fixed(None, note, "domain of this step alone")
    return Fixed(None, note) if scale is None else Fixed(scale, note, "domain of all steps")
