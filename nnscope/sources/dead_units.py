"""Dead units over the steps of a run: units of a ReLU-like output that say nothing any more.

A unit of an output is dead at a step if every value of it, over all samples and positions, is exactly zero at that step
and at the `SPAN` − 1 kept steps before it. Only outputs without a negative value count as ReLU-like, and only steps at
which the output was kept whole: blocks of means mix units. The units lie along the axis that is called channel or
feature; where axes have no names, along the second of four or more, as images have them, else along the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.store.runs.reader import Series
from nnscope.store.runs.record import RAW

if TYPE_CHECKING:
    from nnscope.core.tensor import TensorInfo
    from nnscope.store.runs.ranks import Run

NAME = "dead"  # of the series
SPAN = 5  # kept steps at which a dead unit was silent
NAMED = ("channel", "feature", "out")
MOST = 32 << 20  # bytes of frames that are looked through


def dead_units(run: Run, address: str) -> Series:
    """How many units are dead, at the steps at which that can be told; empty for what is no such output."""
    kept, info = run.kept(address), run.tensors().get(address)
    steps = np.unique(kept.steps[kept.values == 0])
    lows = run.series(address, "min").values
    nothing = Series(np.empty(0, np.int64), np.empty(0))
    if info is None or info.kind != "output" or info.ndim < 2 or len(steps) < SPAN:
        return nothing
    if len(steps) * info.nbytes > MOST or not len(lows) or np.nanmin(lows) != 0:
        return nothing
    found = [_silent(run, address, int(step)) for step in steps]
    if any(silent is None for silent in found) or len({len(silent) for silent in found if silent is not None}) != 1:
        return nothing
    spans = np.lib.stride_tricks.sliding_window_view(np.array(found, bool), SPAN, axis=0)
    return Series(steps[SPAN - 1 :], spans.all(axis=-1).sum(axis=1).astype(np.float64))


def _silent(run: Run, address: str, step: int) -> np.ndarray | None:
    """For each unit whether all of it is zero at a step; None when it was not kept whole."""
    found = run.frame(address, step)
    if found is None or found[2].form != RAW:
        return None
    values, axis = np.asarray(found[2].arrays["values"]), unit_axis(found[1])
    others = tuple(at for at in range(values.ndim) if at != axis)
    return np.asarray((values == 0).all(axis=others))


def unit_axis(info: TensorInfo) -> int:
    """The axis along which units lie."""
    named = next((info.axes.index(name) for name in NAMED if name in info.axes), None)
    return named if named is not None else 1 if info.ndim >= 4 else info.ndim - 1
