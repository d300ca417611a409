"""Gradient flow: the norms of all layers' gradients over the steps of a run, layers downwards, time to the right.

Colours are decades from the median norm of the run (`nnscope.sources.gradient_flow`). What is less than a thousandth
of the median *vanishes*, and what is more than a thousand times as large *explodes*: both have the colours of values
outside the scale, so that they are seen at once, and the legend counts them. A gradient of zeros, and one that is no
finite number, have the colours of −∞ and +∞.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.layout import planes
from nnscope.core.picture import Step
from nnscope.sources.gradient_flow import KIND, GradientFlow
from nnscope.views.heatmap import Heatmap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, Probe, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.views.base import BuildContext
    from nnscope.views.setting import Setting

DECADES = 3.0  # from the median, beyond which a gradient vanishes or explodes


class GradientFlowView(Heatmap):
    """See the module docstring. Faithful."""

    name = "gradient-flow"
    title = "Gradient flow"
    unit = "decades"
    options: tuple[Setting, ...] = ()

    def refuses(self, info: TensorInfo) -> str:
        """Everything but the gradient flow of a run."""
        return "" if info.kind == KIND else "This is for the gradient flow of a recorded run."

    def layout(self, info: TensorInfo) -> Layout:
        """Layers downwards, steps to the right."""
        return planes(info.shape)

    def arranged(self, info: TensorInfo, layout: Layout, settings: Settings) -> Layout:
        """Always the same."""
        return planes(info.shape)

    def subject(self, info: TensorInfo, layout: Layout, settings: Settings) -> str:
        """How many layers there are."""
        return f"{info.shape[0]} layers"

    def scale(self, info: TensorInfo) -> str:
        """Linear, of logarithms."""
        return "linear"

    def domain(self, settings: Settings) -> tuple[float, float] | None:
        """What neither vanishes nor explodes."""
        return -DECADES, DECADES

    def pinned(self, info: TensorInfo, fixed: Mapping[int, int], settings: Settings) -> tuple[dict[int, int], Settings]:
        """Nothing is chosen by settings."""
        return dict(fixed), settings

    def stepped(self, info: TensorInfo, settings: Settings, by: int) -> Settings:
        """There is one picture."""
        return settings

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for, with the names of layers and steps, and what is remarkable in words."""
        flow, picture = _flow(context, request.address), super().build(context, request)
        recipe = (Step("log10", True, f"of gradient norms over their median {flow.median:.4g}"), *picture.recipe[1:])
        return replace(picture, recipe=recipe, notes=_notes(flow), labels=(flow.info.labels[0], flow.info.labels[1]))

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The norm itself with its layer and step, and the decades from the median."""
        flow, answer = _flow(context, request.address), super().probe(context, request)
        if answer.index is None:
            return answer
        layer = flow.info.labels[0][answer.index[0]]
        norm, step = flow.norms[answer.index], flow.steps[answer.index]
        return replace(answer, names=(f"{layer}: norm {float(norm)!r}", str(step)))


def _flow(context: BuildContext, address: str) -> GradientFlow:
    reader = context.reader(address)
    assert isinstance(reader, GradientFlow)  # nothing else is of this kind
    return reader


def _notes(flow: GradientFlow) -> tuple[str, ...]:
    """What the numbers are, and how many gradients vanish or explode."""
    vanish = int(np.count_nonzero(flow.values < -DECADES))
    explode = int(np.count_nonzero(flow.values > DECADES))
    factor = f"{10**DECADES:.0f}"
    return (
        f"decades from the median norm {flow.median:.4g}",
        f"vanishing (< 1/{factor}): {vanish or 'none'}",
        f"exploding (> {factor}×): {explode or 'none'}",
    )
