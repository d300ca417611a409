"""What is made of a map, or of a volume, as a whole: automata, blending, subpixel texels (methods.md §5, §7, §12).

A tensor of more axes than a method takes is matricised: its first axis × all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.views.analyses.base import Found, Method, Work, matrices
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from nnscope.core.request import Scalar


def _map(values: np.ndarray) -> np.ndarray:
    """A matrix: the last axes of a tensor of more than two go into the columns."""
    return values.reshape(len(values), -1)


def _evolve(work: Work) -> Found:
    from nnscope.compute.automaton import CellState, MooreRule, evolve

    settings = work.settings
    rule = MooreRule(
        alpha=settings["alpha"],
        boundary=settings["boundary"],
        function=settings["function"],
        outside=settings["outside"],
    )
    values = work.values()
    start = CellState(values if values.ndim == 3 else _map(values))
    end = evolve(start, rule, int(settings["steps"]), work.progress)
    odd = int(np.count_nonzero(~np.isfinite(end.mean)))
    return Found({"state": np.nan_to_num(end.mean, nan=0.0, posinf=0.0, neginf=0.0)}, {"nonfinite": odd})


def _blend(work: Work) -> Found:
    from nnscope.compute.blending import blend

    mixed = blend(_map(work.values()), work.settings["share"], int(work.settings["rounds"]))
    odd = int(np.count_nonzero(~np.isfinite(mixed)))
    return Found({"map": np.nan_to_num(mixed, nan=0.0, posinf=0.0, neginf=0.0)}, {"nonfinite": odd})


def _subpixels(work: Work) -> Found:
    from nnscope.compute.subpixel import CHANNELS, encode

    found = encode(_map(work.values()), int(work.settings["n"]))
    arrays = {"texels": found.texels, "offset": found.offset, "scale": found.scale, "valid": found.valid}
    facts: dict[str, Scalar] = {"channels": ", ".join(CHANNELS)}
    return Found(arrays, facts)


def _gradient(work: Work) -> Found:
    from nnscope.compute.colour import hsv_gradient

    values = _map(work.values())
    odd = ~np.isfinite(values)
    count = int(np.count_nonzero(odd))
    colours = hsv_gradient(np.where(odd, np.float32(0), values) if count else values)
    return Found({"colours": colours}, {"nonfinite": count})


METHODS = (
    Method(
        "automaton",
        "Cellular automaton",
        matrices,
        _evolve,
        (
            Setting("steps", 1, 0, 100_000),
            Setting("alpha", 0.5, 0, 1),
            Setting("boundary", "wrap", choices=("wrap", "reflect", "fixed")),
            Setting("function", "identity", choices=("identity", "relu", "tanh")),
            Setting("outside", 0.0, -1e30, 1e30),
        ),
    ),
    Method(
        "blending",
        "Blended with coarser versions of itself",
        matrices,
        _blend,
        (Setting("share", 0.5, 0, 1), Setting("rounds", 1, 0, 30)),
    ),
    Method("gradient-colours", "Direction of the gradient as hue, its size as saturation", matrices, _gradient),
    Method("subpixels", "Blocks as texels of local statistics", matrices, _subpixels, (Setting("n", 2, 2, 3),)),
)
