"""The heat map: every cell is a value of the tensor, or the stated reduction of the values under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.layout import default_layout
from nnscope.core.picture import Step, TilePicture, level_count
from nnscope.views.probing import probe_element
from nnscope.views.tiling import block_under, build_tiles

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.layout import Layout
    from nnscope.core.picture import Tile
    from nnscope.core.request import BuildPicture, Probe
    from nnscope.core.tensor import TensorInfo
    from nnscope.views.base import BuildContext


class Heatmap:
    """Values as colours, coloured in the shader. Faithful."""

    name = "heatmap"
    title = "Heat map"
    aesthetic = ""
    coloured = False

    def refuses(self, info: TensorInfo) -> str:
        """Every tensor has a heat map."""
        return ""

    def layout(self, info: TensorInfo) -> Layout:
        """Matrices as they are, kernels and channels as a mosaic, vectors near square."""
        return default_layout(info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None: a cell is a value."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for, reduced as the setting ``reduction`` says."""
        reader = context.reader(request.address)
        reduction = str(dict(request.settings).get("reduction", "mean"))
        tiles, share = build_tiles(context, reader, request, reduction)
        return self.pictured(request, reader.info, reduction, tiles, share)

    def pictured(
        self, request: BuildPicture, info: TensorInfo, reduction: str, tiles: tuple[Tile, ...], share: float
    ) -> TilePicture:
        """Tiles as the picture that was asked for; ``share`` of the values under them was looked at."""
        grid = request.layout.grid
        return TilePicture(
            request.address,
            self.name,
            request.layout,
            info.version,
            grid,
            level_count(grid),
            request.level,
            tiles,
            reduction if request.level else "",
            _recipe(info, request, reduction, share),
            share,
        )

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The first element under the cell, exactly, and the statistics of all of them when zoomed out."""
        reader = context.reader(request.address)
        side = 2**request.level
        index = request.layout.index_at(request.row * side, request.col * side)
        block = block_under(context, reader, request) if request.level and index is not None else None
        return probe_element(context, reader, index, block)


def _recipe(info: TensorInfo, request: BuildPicture, reduction: str, share: float) -> tuple[Step, ...]:
    steps = [Step("read", True, info.provenance)]
    if info.dtype.startswith("complex"):
        steps.append(Step("magnitude", True, "|z| of complex values"))
    if share < 1:
        steps.append(Step("sample", True, f"{share:.2%} of the values stand for all"))
    if request.level or reduction == "variance":
        side = 2**request.level
        steps.append(Step(reduction, True, f"of {side}×{side} values each, finite ones only"))
    return tuple(steps)
