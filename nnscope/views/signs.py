"""Signs: which way each value points, −1, 0 or 1; zoomed out, the positive share of a cell's values less the negative.

Where gradients differ by decades a heat map shows the largest alone; whether their signs are noise, agree along a row
or flip from step to step is seen here. Infinities keep their sign and are marked, NaN is marked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.core.layout import default_layout
from nnscope.core.picture import Step
from nnscope.views.heatmap import Heatmap
from nnscope.views.tiling import build_tiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, Region, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext
    from nnscope.views.setting import Setting


class Signs(Heatmap):
    """See the module docstring. Faithful."""

    name = "signs"
    title = "Signs"
    unit = "sign"
    options: tuple[Setting, ...] = ()

    def refuses(self, info: TensorInfo) -> str:
        """Values without a sign."""
        if info.dtype.startswith("complex"):
            return "Complex values have no sign."
        if info.dtype.startswith(("uint", "bool")):
            return "Values of this dtype have no sign."
        return ""

    def arranged(self, info: TensorInfo, layout: Layout, settings: Settings) -> Layout:
        """As it is."""
        return layout if layout.shape == info.shape else default_layout(info.shape)

    def subject(self, info: TensorInfo, layout: Layout, settings: Settings) -> str:
        """That it is signs."""
        return "signs"

    def scale(self, info: TensorInfo) -> str:
        """Linear."""
        return "linear"

    def domain(self, settings: Settings) -> tuple[float, float] | None:
        """All negative to all positive."""
        return -1.0, 1.0

    def pinned(self, info: TensorInfo, fixed: Mapping[int, int], settings: Settings) -> tuple[dict[int, int], Settings]:
        """Nothing is chosen by settings."""
        return dict(fixed), settings

    def stepped(self, info: TensorInfo, settings: Settings, by: int) -> Settings:
        """There is one picture."""
        return settings

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for: means of signs."""
        reader = context.reader(request.address)
        signs = _Signs(replace(reader.info, address=f"signs of {reader.info.address}", dtype="float32"), reader)
        tiles, share = build_tiles(context, signs, request, "mean")
        picture = self.pictured(request, reader.info, "mean", tiles, share)
        read, *others = picture.recipe
        return replace(picture, recipe=(read, Step("sign", True, "−1, 0 or 1 of each value"), *others))


@dataclass(slots=True)
class _Signs:
    """The signs of a tensor's values (a `TensorReader`)."""

    info: TensorInfo
    values: TensorReader

    def read(self, region: Region) -> np.ndarray:
        """−1, 0 or 1 in ``region``; what is not finite as it is."""
        found = to_float(self.values.read(region))
        return np.where(np.isfinite(found), np.sign(found), found).astype(np.float32)
