"""Attention: every head of every layer side by side, one head large, the mean over heads, or rollout (methods.md §9).

Settings (all may be left out):

- ``show``: ``"heads"``, each a small picture with a gap around it, layers downwards and heads to the right; ``"head"``,
  one of them; ``"mean"``, the mean over heads of each layer; ``"rollout"``, the layers rolled out;
- ``layer``, ``head``: which one is shown of one;
- ``recursion``: ``"none"``, or what is squared again and again, a name of `MODES`; ``squarings``: how often;
- ``symmetrised``: (A + Aᵀ)/2 of what is shown;
- ``order``: of the tokens, ``"sequence"`` or ``"fiedler"``, by which those that attend to each other come together.

The axes of the tensor are (…, head, query, key), with the layer as the first where there are several. Pictures of one
matrix name its tokens, where they are known, and tell what can be said of it in a sentence.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.pyramid.levels import reduce_times, tile_values
from nnscope.compute.statistics.block import block_stats
from nnscope.core.answer import ProbeAnswer
from nnscope.core.layout import Layout, default_layout, mosaic, planes
from nnscope.core.picture import TILE, Step, Tile, TilePicture, level_count
from nnscope.views.attention_options import OPTIONS, options_of
from nnscope.views.attention_panels import Panels
from nnscope.views.probing import probe_element
from nnscope.views.tiling import base_level, kept_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.compute.pyramid.levels import Level
    from nnscope.core.request import BuildPicture, Probe, Scalar, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.views.attention_options import Options
    from nnscope.views.base import BuildContext

GAP = 16  # a gap is this part of a head's side
FEW_KEYS = 64  # up to which colours are linear


class Attention:
    """See the module docstring. Faithful: what is computed is stated, and nothing is exaggerated."""

    name = "attention"
    title = "Attention"
    aesthetic = ""
    coloured = False
    options = OPTIONS

    def refuses(self, info: TensorInfo) -> str:
        """What can't be heads × queries × keys."""
        if info.kind == "attention" and info.ndim >= 3:
            return ""
        fits = 3 <= info.ndim <= 5 and info.kind in ("array", "input", "output") and info.shape[-1] == info.shape[-2]
        return "" if fits else "This is for attention: heads × queries × keys."

    def layout(self, info: TensorInfo) -> Layout:
        """All heads of all layers."""
        return self.arranged(info, planes(info.shape), ()) if info.ndim >= 3 else default_layout(info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """Layers and heads, which the settings choose."""
        if info.ndim < 3:
            return ()
        return tuple(axis for axis in (layer_axis(info), info.ndim - 3) if axis is not None)

    def arranged(self, info: TensorInfo, layout: Layout, settings: Settings) -> Layout:
        """The layout that the settings call for; other axes stay at the index they have in ``layout``."""
        options, head, layer = options_of(settings), info.ndim - 3, layer_axis(info)
        if 0 in info.shape:
            return planes(info.shape)
        at = {layout.tensor_axis(axis): index for axis, index in layout.fixed}
        at[head] = min(options.head, info.shape[head] - 1) if options.show == "head" else 0
        if layer is not None:
            at[layer] = min(options.layer, info.shape[layer] - 1) if options.show == "head" else 0
        return _placed(_plan(info, options), at)

    def subject(self, info: TensorInfo, layout: Layout, settings: Settings) -> str:
        """Which heads, and where the other axes stand."""
        options, names = options_of(settings), info.axes or ("",) * info.ndim
        head, layer = info.ndim - 3, layer_axis(info)
        chosen = (head, layer) if options.show != "head" else ()
        fixed = [(layout.tensor_axis(axis), index) for axis, index in layout.fixed]
        at = [f"{names[a] or f'axis {a}'} {i}" for a, i in fixed if a not in chosen and info.shape[a] > 1]
        layers = 1 if layer is None else info.shape[layer]
        words = {
            "heads": f"{layers * info.shape[head]} heads",
            "head": "" if at else "one head",
            "mean": f"mean over {info.shape[head]} heads",
            "rollout": f"rollout over {layers} layer{'s' * (layers > 1)}",
        }
        return ", ".join(filter(None, (words[options.show], *at)))

    def scale(self, info: TensorInfo) -> str:
        """Linear; logarithmic where shares are spread over many keys and a linear scale would be dark all over."""
        return "linear" if info.shape[-1] <= FEW_KEYS else "log"

    def domain(self, settings: Settings) -> tuple[float, float] | None:
        """All that a share can be, for what is not among the tensor's own values."""
        options = options_of(settings)
        return (0.0, 1.0) if options.show == "rollout" or options.recursion != "none" else None

    def pinned(self, info: TensorInfo, fixed: Mapping[int, int], settings: Settings) -> tuple[dict[int, int], Settings]:
        """A head, or a layer, that an address names is the one that is shown."""
        head, layer = info.ndim - 3, layer_axis(info)
        chosen = {"head": fixed[head]} if head in fixed else {}
        if layer is not None and layer in fixed:
            chosen["layer"] = fixed[layer]
        rest = {axis: index for axis, index in fixed.items() if axis not in (head, layer)}
        shown: dict[str, Scalar] = {"show": "head", **chosen} if chosen else {}
        return rest, tuple(sorted({**shown, **dict(settings)}.items()))

    def stepped(self, info: TensorInfo, settings: Settings, by: int) -> Settings:
        """The next head, after the last the first of the next layer; from other pictures to the one at hand."""
        options, layer, heads = options_of(settings), layer_axis(info), info.shape[info.ndim - 3]
        layers = 1 if layer is None else info.shape[layer]
        at = min(options.layer, layers - 1) * heads + min(options.head, heads - 1)
        at = (at + by * (options.show == "head")) % (layers * heads)
        there: dict[str, Scalar] = {"show": "head", "layer": at // heads, "head": at % heads}
        return tuple(sorted({**dict(settings), **there}.items()))

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for."""
        reader, layout = context.reader(request.address), request.layout
        panels = Panels(context, reader, layout, options_of(request.settings))
        reduction = str(dict(request.settings).get("reduction", "mean"))
        tiles = []
        for at in request.tiles:
            context.check()
            cells, window = _cells(panels, request.level, at)
            values, states = tile_values(cells, reduction, window)
            tiles.append(Tile(*at, np.ascontiguousarray(values), np.ascontiguousarray(states)))
        steps = [Step("read", True, reader.info.provenance), *panels.steps()]
        if request.level:
            side = 2**request.level
            steps.append(Step(reduction, True, f"of {side}×{side} values each, finite ones only"))
        return TilePicture(
            request.address,
            self.name,
            layout,
            reader.info.version,
            layout.grid,
            level_count(layout.grid),
            request.level,
            tuple(tiles),
            reduction if request.level else "",
            tuple(steps),
            notes=panels.notes(),
            labels=panels.labels(),
        )

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The weight from a query to a key, and the statistics of those around it when zoomed out."""
        reader, layout, side = context.reader(request.address), request.layout, 2**request.level
        panels = Panels(context, reader, layout, options_of(request.settings))
        row, col = request.row * side, request.col * side
        index, names = panels.index_at(row, col)
        block = None
        if side > 1 and index is not None:
            spans = (row, min(row + side, layout.grid[0])), (col, min(col + side, layout.grid[1]))
            block = block_stats(*panels.read(*spans))
        if index is None or panels.plain:
            return replace(probe_element(context, reader, index, block), names=names)
        values, _ = panels.read((row, row + 1), (col, col + 1))
        value = float(values[0, 0])
        return ProbeAnswer(request.address, index, value, math.nan, block, reader.info.version, names=names)


def layer_axis(info: TensorInfo) -> int | None:
    """The axis of layers, by its name; the first of four that have no names."""
    if "layer" in info.axes:
        return info.axes.index("layer")
    return 0 if info.ndim == 4 and not any(info.axes) else None


def _plan(info: TensorInfo, options: Options) -> Layout:
    """Rows and columns of what is shown; axes that are left stand at 0."""
    shape, head, layer = info.shape, info.ndim - 3, layer_axis(info)
    query, key = info.ndim - 2, info.ndim - 1
    gap = max(1, min(shape[-2:]) // GAP)
    side_by_side = options.show == "heads" and shape[head] > 1
    stacked = options.show in ("heads", "mean") and layer is not None and shape[layer] > 1
    if side_by_side and stacked and layer is not None:
        fixed = tuple((axis, 0) for axis in range(info.ndim - 2) if axis not in (layer, head))
        return Layout(shape, (layer, query), (head, key), fixed, gap=gap)
    if side_by_side or stacked:
        return replace(mosaic(shape, head if side_by_side else layer or 0), gap=gap)
    return planes(shape)


def _placed(layout: Layout, at: Mapping[int, int]) -> Layout:
    """The layout with its sliders at these indices of axes of the tensor."""
    for axis, _ in layout.fixed:
        own = layout.tensor_axis(axis)
        layout = layout.with_fixed(axis, min(at.get(own, 0), layout.shape[own] - 1))
    return layout


def _cells(panels: Panels, level: int, at: tuple[int, int]) -> tuple[Level, tuple[slice, slice]]:
    """The cells that hold a tile, and where it lies among them."""
    layout = panels.layout
    base = base_level(layout.grid)
    if base and level >= base:
        levels = kept_levels(panels.context, panels.reader, layout, panels.kind, panels.read)
        window = (slice(at[0] * TILE, (at[0] + 1) * TILE), slice(at[1] * TILE, (at[1] + 1) * TILE))
        return levels[level - base], window
    side = TILE << level
    rows, cols = ((i * side, min((i + 1) * side, end)) for i, end in zip(at, layout.grid, strict=True))
    values, padding = panels.read(rows, cols)
    return reduce_times(values, level, padding), (slice(None), slice(None))
