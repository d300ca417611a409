"""The volume: a tensor of three axes or more as voxels, each a value or the stated reduction of the values under it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.compute.space.cutting import parts_told
from nnscope.compute.space.detail import level_for
from nnscope.compute.space.transfer import mean_side
from nnscope.compute.space.voxels import REDUCTIONS, brick_ranges
from nnscope.compute.statistics.block import block_stats
from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import Step
from nnscope.core.space import AESTHETIC, MODES, RAYS
from nnscope.core.space_picture import Drawing, Picked, finest_told
from nnscope.core.volume import BRICK, VOXELS, VolumePicture, least_level, volume_level_shape, volume_levels
from nnscope.views.cells import read_voxels
from nnscope.views.probing import probe_element
from nnscope.views.volume_pick import voxel_under
from nnscope.views.volume_read import from_finer, read_level, spans_under, stands_for, voxel_shown
from nnscope.views.volume_tints import OPTIONS, idle, mapping, tinted

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, Probe, ProbeSpace, Settings
    from nnscope.core.space import Camera3D, SpaceLook
    from nnscope.core.tensor import TensorInfo
    from nnscope.core.volume import Shape3
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext


class Volume:
    """Values as a volume, coloured in the shader. Faithful."""

    name = "volume"
    title = "Volume"
    aesthetic = ""
    coloured = False
    dimensions = 3
    deep = True
    looks = ("mode", "interpolation", "threshold", "gain", "opacity", "cut", "clip")
    options = OPTIONS

    def refuses(self, info: TensorInfo) -> str:
        """Only what has fewer than three axes."""
        return "" if info.ndim >= 3 else "A volume needs a tensor of three axes or more."

    def layout(self, info: TensorInfo) -> Layout:
        """The last three axes; filters of a convolution as blocks side by side."""
        return volume_layout(info.shape) if info.ndim >= 3 else planes((1,) * (2 - info.ndim) + info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None: a voxel is a value."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """A volume has no tiles."""
        raise NnscopeError("A volume has no tiles of two dimensions.", request.address)

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """A volume has no cells."""
        raise NnscopeError("A volume has no cells of two dimensions.", request.address)

    def bounds(self, layout: Layout, settings: Settings) -> Shape3:
        """A voxel is the unit cube."""
        return layout.volume_shape

    def sides(self, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Depth, rows and columns."""
        return layout.depth, layout.rows, layout.cols

    def level(self, layout: Layout, settings: Settings, camera: Camera3D, picture: Rect) -> int:
        """The finest level of which every voxel covers the centre of a pixel, and which is not too large."""
        shape = layout.volume_shape
        return level_for(camera, shape, picture, range(least_level(shape), volume_levels(shape)))

    def asked(self, settings: Settings, look: SpaceLook, level: int) -> Settings:
        """With the reduction that the mode calls for; level 0 is the same whatever the mode."""
        reduction = MODES[look.mode] if level else "max"
        return tuple(sorted({**dict(mapping(settings, look)), "reduction": reduction}.items()))

    def idle(self, look: SpaceLook, scientific: bool) -> str:
        """Why the options have no effect; empty when they have one."""
        return idle(look, scientific)

    def factor(self, layout: Layout, look: SpaceLook) -> float:
        """Sums along a ray are of about so many values as lie along a side."""
        return mean_side(layout.volume_shape) if look.mode == "additive" else 1.0

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """What rays find."""
        rays = f"{RAYS[look.mode]} {look.threshold:.4g}" if look.mode == "surface" else RAYS[look.mode]
        parts = parts_told(look.cut, look.clip)
        step = Step(look.mode, look.mode not in AESTHETIC, "; ".join((f"{rays}, {look.interpolation}", *parts)))
        if look.cut is not None and look.mode == "additive":
            parts = (*parts, "colours of the cut: value × mean side")
        return Drawing(step, "sum of raw values" if look.mode == "additive" else "raw value", (rays, *parts))

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """The voxel that made what is seen."""
        voxel = voxel_under(pane, x, y)
        if voxel is None or pane.space is None:
            return None
        level = pane.space.picture.level
        depth, row, col = (i << level for i in voxel)
        return Picked((row, col, depth), level)

    def build_space(self, context: BuildContext, request: BuildSpace) -> VolumePicture:
        """The level asked for, kept while there is room for it."""
        reader = context.reader(request.address)
        key = _key(reader, request, _reduction(request), request.level)
        plain: VolumePicture = context.memo(key, lambda: _build(context, reader, request), lambda p: p.nbytes)
        return tinted(plain, request.settings)

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """The element that the voxel shows, exactly, and the statistics of all under it when zoomed out."""
        reader = context.reader(request.address)
        if not request.level:
            return probe_element(context, reader, request.layout.index_at(*request.place))
        spans = spans_under(request.layout, request.place, request.level)
        values, padding = read_voxels(reader, request.layout, spans)
        shown = voxel_shown(values, padding, _reduction(request))
        depth, row, col = (first + i for (first, _), i in zip(spans, shown, strict=True))
        return probe_element(context, reader, request.layout.index_at(row, col, depth), block_stats(values, padding))


def _build(context: BuildContext, reader: TensorReader, request: BuildSpace) -> VolumePicture:
    layout, level, reduction = request.layout, request.level, _reduction(request)
    shape = volume_level_shape(layout.volume_shape, level)
    if not 0 <= level < volume_levels(layout.volume_shape) or math.prod(shape) > VOXELS:
        raise NnscopeError(f"Level {level} of this volume can't be shown.", request.address, "Choose another one.")
    finer = _finer(context, reader, request)
    made = (
        read_level(context, reader, layout, level, reduction)
        if finer is None
        else from_finer(context, finer, level, reduction)
    )
    values, states = made
    return VolumePicture(
        request.address,
        request.view,
        layout,
        reader.info.version,
        layout.volume_shape,
        level,
        values,
        states,
        *brick_ranges(values, states, BRICK),
        reduction if level else "",
        _recipe(reader.info, level, reduction),
        notes=finest_told(level) if level == least_level(layout.volume_shape) else (),
    )


def _key(reader: TensorReader, request: BuildSpace, reduction: str, level: int) -> tuple[object, ...]:
    return ("volume", request.address, reader.info.version, request.layout, reduction, level)


def _finer(context: BuildContext, reader: TensorReader, request: BuildSpace) -> VolumePicture | None:
    """The nearest finer level at hand from which the level asked for can be made."""
    reduction = _reduction(request)
    for level in range(request.level - 1, -1, -1):
        found: VolumePicture | None = context.peek(_key(reader, request, reduction if level else "max", level))
        if found is not None and stands_for(found, reader.info.dtype, reduction):
            return found
    return None


def _reduction(request: BuildSpace | ProbeSpace) -> str:
    chosen = str(dict(request.settings).get("reduction", "max"))
    if chosen not in REDUCTIONS:
        choices = ", ".join(REDUCTIONS)
        raise NnscopeError(f"There is no reduction {chosen!r} of volumes.", remedy=f"There are: {choices}.")
    return chosen


def _recipe(info: TensorInfo, level: int, reduction: str) -> tuple[Step, ...]:
    steps = [Step("read", True, info.provenance)]
    if info.dtype.startswith("complex"):
        steps.append(Step("magnitude", True, "|z| of complex values"))
    if level:
        side = 2**level
        steps.append(Step(reduction, True, f"of {side}×{side}×{side} values each, finite ones only"))
    return tuple(steps)
