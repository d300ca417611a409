"""Voxels as opaque cubes: the leaves of the octree over a tensor of three axes or more (methods.md §6).

Blocks of voxels that differ by no more than a tolerance are one cube, so a volume becomes as many cubes as it has
detail. Which of them are seen is a threshold of magnitude (`SpaceLook.threshold`), which asks for nothing new. The tree
is built once for a tensor and kept, and so is what was cut out of it: other tolerances cost the cut alone, another
level not even that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.octree.cut import Cut, cut
from nnscope.compute.octree.dense import DenseOctree, dense_octree
from nnscope.compute.octree.grid import is_leaf, node_count, node_grid, node_list
from nnscope.compute.octree.nodes import Tolerance
from nnscope.compute.space.cutting import parts_told
from nnscope.compute.space.detail import level_for
from nnscope.compute.space.voxels import brick_peaks, reduce_block
from nnscope.compute.statistics.block import block_stats
from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import State, Step
from nnscope.core.space_picture import Drawing, finest_told
from nnscope.core.volume import least_level, volume_levels
from nnscope.core.voxels import BRICK, CutFacts, LeafPicture, VoxelPicture
from nnscope.views.cells import read_voxels
from nnscope.views.probing import probe_element
from nnscope.views.setting import Setting, chosen
from nnscope.views.volume_read import read_level, spans_under, voxel_shown
from nnscope.views.voxel_pick import leaf_under

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, Probe, ProbeSpace, Settings
    from nnscope.core.space import Camera3D, SpaceLook
    from nnscope.core.space_picture import Picked
    from nnscope.core.tensor import TensorInfo
    from nnscope.core.volume import Shape3
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

VOXELS = 1 << 26  # of a tree: its arrays take 7 bytes for each, and a picture of all 5 more
FEW = 4096  # cubes that are drawn one by one; more are walked through on their grid
REDUCTION = "extremes"  # of what is finer than the tree or than the level that is shown


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """All blocks over a tensor.

    Attributes
    ----------
    octree : DenseOctree
        Its voxels are cells of level ``base``.
    states : ndarray of uint8, or None
        `State` of those cells, if some is no finite number; the octree has NaN there.
    base : int
    """

    octree: DenseOctree
    states: np.ndarray | None
    base: int

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        arrays = (self.octree.values, *self.octree.levels, *self.octree.odd)
        return sum(int(a.nbytes) for a in arrays) + (0 if self.states is None else self.states.nbytes)


class Voxels:
    """Leaves of the octree as cubes, coloured in the shader. Faithful within the tolerances, which are stated.

    The settings: ``epsilon``, the largest max − min of a leaf in the tensor's unit; ``tau``, its largest variance;
    ``density``, how much more faint blocks may differ. Of the look: ``threshold``, ``shading``, ``cut`` and ``clip``.
    """

    name = "voxels"
    title = "Voxels"
    aesthetic = ""
    coloured = False
    dimensions = 3
    deep = True
    looks = ("threshold", "shading", "cut", "clip")
    options = (
        Setting("epsilon", 0.0, 0.0, title="Tolerance ε"),
        Setting("tau", math.inf, 0.0, title="Variance τ"),
        Setting("density", 0.0, 0.0, 1e6, title="Density gain"),
    )

    def refuses(self, info: TensorInfo) -> str:
        """Only what has fewer than three axes."""
        return "" if info.ndim >= 3 else "Voxels need a tensor of three axes or more."

    def layout(self, info: TensorInfo) -> Layout:
        """As a volume."""
        return volume_layout(info.shape) if info.ndim >= 3 else planes((1,) * (2 - info.ndim) + info.shape)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """Voxels have no tiles."""
        raise NnscopeError("Voxels have no tiles of two dimensions.", request.address)

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """Voxels have no cells."""
        raise NnscopeError("Voxels have no cells of two dimensions.", request.address)

    def bounds(self, layout: Layout, settings: Settings) -> Shape3:
        """A voxel is the unit cube."""
        return layout.volume_shape

    def sides(self, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Depth, rows and columns."""
        return layout.depth, layout.rows, layout.cols

    def level(self, layout: Layout, settings: Settings, camera: Camera3D, picture: Rect) -> int:
        """The finest level of which every cube covers the centre of a pixel, and of which there are not too many."""
        shape = layout.volume_shape
        return level_for(camera, shape, picture, range(least_level(shape, VOXELS), volume_levels(shape)))

    def asked(self, settings: Settings, look: SpaceLook, level: int) -> Settings:
        """The tolerances, which are those of every level."""
        return tuple(sorted(chosen(self.options, settings).items()))

    def factor(self, layout: Layout, look: SpaceLook) -> float:
        """Values are what is shown."""
        return 1.0

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """Which cubes are seen."""
        which = f"cubes of magnitudes from {look.threshold:.4g} on" if look.threshold else "all cubes"
        lit = ", lit by the way they face" if look.shading else ""
        parts = parts_told(look.cut, look.clip)
        step = Step("cubes", not look.shading, "; ".join((f"{which}, opaque{lit}", *parts)))
        return Drawing(step, notes=(which, *parts))

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """The first cube that is met."""
        return leaf_under(pane, x, y)

    def build_space(self, context: BuildContext, request: BuildSpace) -> VoxelPicture | LeafPicture:
        """The nodes of the level asked for and the leaves above."""
        reader = context.reader(request.address)
        tree = tree_of(context, reader, request.layout)
        if not tree.base <= request.level < volume_levels(request.layout.volume_shape):
            raise NnscopeError(f"Level {request.level} of these voxels can't be shown.", request.address)
        found = _cut_of(context, reader, tree, request)
        level = request.level - tree.base
        if node_count(found, level) <= FEW:
            return _few(reader, request, tree, found)
        return _many(reader, request, tree, found)

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """The element pointed at, and the statistics of all in its cube.

        Of a node that is shown in place of what it divides into, the element of largest magnitude, which it shows.
        """
        reader, layout = context.reader(request.address), request.layout
        if not request.level:
            return probe_element(context, reader, layout.index_at(*request.place))
        spans = spans_under(layout, request.place, request.level)
        values, padding = read_voxels(reader, layout, spans)
        place = request.place
        if not self._is_leaf(context, reader, request):
            shown = voxel_shown(values, padding, REDUCTION)
            depth, row, col = (first + i for (first, _), i in zip(spans, shown, strict=True))
            place = (row, col, depth)
        return probe_element(context, reader, layout.index_at(*place), block_stats(values, padding))

    def _is_leaf(self, context: BuildContext, reader: TensorReader, request: ProbeSpace) -> bool:
        tree = tree_of(context, reader, request.layout)
        row, col, depth = (i >> request.level for i in request.place)
        found = _cut_of(context, reader, tree, request)
        return request.level > tree.base and is_leaf(found, request.level - tree.base, (depth, row, col))


def tree_of(context: BuildContext, reader: TensorReader, layout: Layout) -> Tree:
    """All blocks over a tensor in a layout, built once."""
    info = reader.info

    def told(done: int, total: int) -> None:
        context.progress(done, total, "Building the octree")

    def build() -> Tree:
        base = least_level(layout.volume_shape, VOXELS)
        values, states = read_level(context, reader, layout, base, REDUCTION)
        if states is not None:
            values = np.where(states == State.FINITE, values, np.float32(np.nan))
        return Tree(dense_octree(values, told), states, base)

    key = ("octree of voxels", info.address, info.version, layout)
    tree: Tree = context.memo(key, build, lambda tree: tree.nbytes)
    return tree


def _cut_of(context: BuildContext, reader: TensorReader, tree: Tree, request: BuildSpace | ProbeSpace) -> Cut:
    info, values = reader.info, chosen(Voxels.options, request.settings)
    tolerance = Tolerance(*(float(values[name] or 0.0) for name in ("epsilon", "tau", "density")))

    def nbytes(found: Cut) -> int:
        return sum(a.nbytes for a in (*found.codes, *found.masks)) + 1024

    key = ("cut of voxels", info.address, info.version, request.layout, tolerance)
    found: Cut = context.memo(key, lambda: cut(tree.octree, tolerance), nbytes)
    return found


def _many(reader: TensorReader, request: BuildSpace, tree: Tree, found: Cut) -> VoxelPicture:
    values, nodes = node_grid(found, request.level - tree.base)
    states = _states(tree, request.level)
    if states is not None:
        values[states != State.FINITE] = 0
    shape, facts = request.layout.volume_shape, _facts(found)
    return VoxelPicture(
        request.address,
        request.view,
        request.layout,
        reader.info.version,
        shape,
        request.level,
        values,
        states,
        nodes + np.uint8(tree.base),
        brick_peaks(values, states, BRICK),
        facts,
        REDUCTION if request.level else "",
        _recipe(reader.info, tree, found),
        notes=(*_notes(facts, shape), *(finest_told(tree.base) if request.level == tree.base else ())),
    )


def _few(reader: TensorReader, request: BuildSpace, tree: Tree, found: Cut) -> LeafPicture:
    listed = node_list(found, request.level - tree.base)
    states, levels = _states(tree, request.level), listed.level + np.uint8(tree.base)
    origin = listed.place << levels[:, None].astype(np.int32)
    state = np.zeros(len(levels), np.uint8) if states is None else states[tuple((origin >> request.level).T)]
    state[levels > request.level] = State.FINITE  # a leaf of several voxels has nothing else in it
    held = state != State.PADDING
    shape, facts = request.layout.volume_shape, _facts(found)
    return LeafPicture(
        request.address,
        request.view,
        request.layout,
        reader.info.version,
        shape,
        request.level,
        np.ascontiguousarray(origin[held]),
        levels[held],
        np.where(state == State.FINITE, listed.value, np.float32(0))[held],
        state[held],
        facts,
        REDUCTION if request.level else "",
        _recipe(reader.info, tree, found),
        notes=(*_notes(facts, shape), *(finest_told(tree.base) if request.level == tree.base else ())),
    )


def _states(tree: Tree, level: int) -> np.ndarray | None:
    """`State` of the cells of a level."""
    if tree.states is None or level == tree.base:
        return tree.states
    strange = [np.where(tree.states == s, x, 0) for s, x in ((State.POSINF, np.inf), (State.NEGINF, -np.inf))]
    values = np.where(tree.states == State.NAN, np.nan, sum(strange)).astype(np.float32)
    return reduce_block(values, tree.states == State.PADDING, 1 << (level - tree.base), REDUCTION)[1]


def _facts(found: Cut) -> CutFacts:
    return CutFacts(found.leaf_count, float(found.compression), float(found.max_error))


def _notes(facts: CutFacts, shape: Shape3) -> tuple[str, ...]:
    """The statistics of the cut, for the legend."""
    times = facts.compression if facts.compression >= 1 else 1 / facts.compression
    size = f"{times:,.0f}" if times >= 100 else f"{times:.3g}"
    error = f"error up to {facts.max_error:.3g}" if facts.max_error else "no error"
    leaves = f"{facts.leaf_count:,} leaves of {math.prod(shape):,} voxels"
    return (leaves, f"{size} × {'smaller' if facts.compression >= 1 else 'larger'}, {error}")


def _recipe(info: TensorInfo, tree: Tree, found: Cut) -> tuple[Step, ...]:
    steps = [Step("read", True, f"{info.dtype} as stored")]
    if info.dtype.startswith("complex"):
        steps.append(Step("magnitude", True, "|z| of complex values"))
    if tree.base:
        side = 2**tree.base
        steps.append(Step(REDUCTION, True, f"of {side}×{side}×{side} values each, finite ones only"))
    limits = found.tolerance
    detail = f"leaves of max − min up to {limits.epsilon:.4g}"
    if math.isfinite(limits.tau):
        detail += f", variance up to {limits.tau:.4g}"
    if limits.density:
        detail += f", faint ones more by a gain of {limits.density:.4g}"
    steps.append(Step("octree", True, f"{detail}; each shows its mean, at most {found.max_error:.4g} off"))
    return tuple(steps)
