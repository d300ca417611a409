"""Splats: a Gaussian field drawn by its Gaussians, each a projected ellipse (methods.md §13).

Settings (all may be left out):

- ``mode``: a name of `nnscope.core.splats.MODES`; by default what the field was fitted as, the sum in the plane and
  the largest in space;
- ``colour``: a name of `nnscope.core.splats.COLOURS`;
- ``outlines``: ellipses at 1σ and nothing else;
- ``cutoff``: where Gaussians end, in standard deviations;
- ``paths``: of a field over training (``field@STEP``), lines along which its centres came there.

Colours follow what is drawn (`nnscope.fields.seen`), and a field of the plane is first seen as a heat map is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import pencil
from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import Step
from nnscope.core.space import Camera3D
from nnscope.core.space_picture import Drawing, Picked
from nnscope.core.splats import AUTO, COLOURS, CUTOFF, FLAT, MODES, SplatPicture, Splatting
from nnscope.fields.source import KIND, FieldReader
from nnscope.views.probing import probe_element
from nnscope.views.setting import Setting, chosen
from nnscope.views.splat_shares import shares_under, told

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, Probe, ProbeSpace, Settings
    from nnscope.core.space import SpaceLook
    from nnscope.core.space_picture import Bounds
    from nnscope.core.tensor import TensorInfo
    from nnscope.fields.parameters import Gaussians
    from nnscope.views.base import BuildContext

MODE = Setting("mode", AUTO, choices=(AUTO, *MODES), title="Along rays", aesthetic=("alpha",))
COLOUR = Setting("colour", "density", choices=tuple(COLOURS), title="Colour")
OUTLINES = Setting("outlines", False, title="Ellipses at 1σ")
CUT = Setting("cutoff", CUTOFF, 1.0, 8.0, title="Cut-off in σ")
PATHS = Setting("paths", True, title="Paths over training")


class Splats:
    """See the module docstring. Faithful, but for mode alpha: every Gaussian counts, within the stated cut-off."""

    name = "splats"
    title = "Splats"
    aesthetic = ""
    coloured = False
    normalisation = "linear"
    dimensions = 3
    deep = True
    looks = ()
    options = (MODE, COLOUR, OUTLINES, CUT, PATHS)

    def refuses(self, info: TensorInfo) -> str:
        """All but Gaussian fields."""
        return (
            "" if info.kind == KIND else "Splats need a Gaussian field: the tensor `field` of a file of `nnscope fit`."
        )

    def layout(self, info: TensorInfo) -> Layout:
        """The box of the tensor that the field describes."""
        return volume_layout(info.shape) if info.ndim == 3 else planes(info.shape)

    def home(self, layout: Layout) -> Camera3D:
        """Aslant in space; the plane from the front, as a heat map lies."""
        return Camera3D() if layout.depth else Camera3D(0.0, 0.0, fov=0.0)

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """None."""
        return ()

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """Splats have no tiles."""
        raise NnscopeError("Splats have no tiles of two dimensions.", request.address)

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """Splats have no cells."""
        raise NnscopeError("Splats have no cells of two dimensions.", request.address)

    def bounds(self, layout: Layout, settings: Settings) -> Bounds:
        """A cell is the unit cube."""
        return layout.volume_shape

    def sides(self, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Depth, rows and columns."""
        return layout.depth, layout.rows, layout.cols

    def level(self, layout: Layout, settings: Settings, camera: Camera3D, picture: Rect) -> int:
        """All Gaussians are drawn."""
        return 0

    def asked(self, settings: Settings, look: SpaceLook, level: int) -> Settings:
        """The view's own settings."""
        known = {option.name for option in self.options}
        return tuple(sorted((name, value) for name, value in settings if name in known))

    def factor(self, layout: Layout, look: SpaceLook) -> float:
        """Colours are of what is drawn."""
        return 1.0

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """The error of the cut-off; what Gaussians give is told by the picture."""
        given = chosen(self.options, settings)
        if given["outlines"]:
            return Drawing(Step("outlines", True, "ellipses at 1σ"), _UNITS[str(given["colour"])])
        cutoff = float(given["cutoff"] or 0.0)
        share = f"Gaussians end at {cutoff:g}σ: error ≤ {100 * np.exp(-0.5 * cutoff**2):.2g} % of each one's peak"
        return Drawing(Step("splats", True, share), _UNITS[str(given["colour"])], notes=(share,))

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """The strongest Gaussian there: what is known of it, and the cell of its centre; in the plane that there."""
        found = shares_under(pane, x, y)
        if found is None:
            return None
        shown, shares = found
        strongest = int(np.abs(shares).argmax())
        place = _cell(shown, shown.means[strongest]) if shown.layout.depth else _under(pane, shown, x, y)
        return None if place is None else Picked(place, 0, told(shown, strongest, shares))

    def build_space(self, context: BuildContext, request: BuildSpace) -> SplatPicture:
        """All Gaussians."""
        reader = context.reader(request.address)
        if not isinstance(reader, FieldReader):
            raise NnscopeError("This tensor is no Gaussian field.", request.address)
        key = ("splats", request.address, reader.info.version, request.layout, request.settings)
        picture: SplatPicture = context.memo(key, lambda: _build(reader, request), lambda p: p.nbytes)
        return picture

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """The field's value at that cell."""
        return probe_element(context, context.reader(request.address), request.layout.index_at(*request.place))


_UNITS = {"density": "raw value", "amplitude": "amplitude", "error": "mean error"}


def _cell(shown: SplatPicture, at: np.ndarray) -> tuple[int, ...]:
    depth, rows, cols = shown.layout.volume_shape
    x, y, z = np.clip(np.floor(at), 0, (cols - 1, rows - 1, depth - 1)).astype(int).tolist()
    return (y, x, z) if shown.layout.depth else (y, x)


def _under(pane: PaneFrame, shown: SplatPicture, x: float, y: float) -> tuple[int, ...] | None:
    """The cell of the plane at a screen position."""
    space, picture = pane.space, pane.picture
    assert space is not None
    origin, towards = pencil(space.camera, shown.bounds, picture).ray(x - picture.x, y - picture.y)
    if towards[2] == 0:
        return None
    at = origin + (0.5 - origin[2]) / towards[2] * towards
    _, rows, cols = shown.layout.volume_shape
    return _cell(shown, at) if 0 <= at[0] < cols and 0 <= at[1] < rows else None


def _how(settings: Settings, reader: FieldReader) -> Splatting:
    given = chosen(Splats.options, settings)
    mode = str(given["mode"])
    if mode == AUTO:
        mode = "sum" if reader.gaussians.dimensions == 2 else "max"
    return Splatting(mode, str(given["colour"]), bool(given["outlines"]), float(given["cutoff"] or 0.0))


def _build(reader: FieldReader, request: BuildSpace) -> SplatPicture:
    from nnscope.fields.seen import stats_of_seen

    field, how = reader.gaussians, _how(request.settings, reader)
    if how.colour == "error" and reader.errors is None:
        raise NnscopeError("This field doesn't tell of its errors.", request.address, "Fit it to values, and anew.")
    means, factors = _in_space(field)
    known = {**MODES, **(FLAT if field.dimensions == 2 else {})}
    found = known[how.mode] if how.colour == "density" else COLOURS[how.colour]
    steps = [Step("field", True, f"{len(field)} Gaussians, {field.covariance} covariance")]
    steps += [] if how.outlines else [Step(how.mode, how.mode != "alpha" or how.colour != "density", found)]
    picture = SplatPicture(
        request.address,
        request.view,
        request.layout,
        reader.info.version,
        means,
        factors,
        field.scale * field.weights,
        np.asarray(field.names, np.int64),
        0.0 if how.colour == "error" else field.offset,
        how,
        tuple(steps),
        notes=(*(() if how.outlines else (found,)), f"{len(field):,} Gaussians"),
        errors=reader.errors,
    )
    trails = _trails(reader) if dict(request.settings).get(PATHS.name, PATHS.default) else None
    told = () if trails is None else (f"paths of the centres over {trails.shape[1]} steps of training",)
    return replace(picture, seen=stats_of_seen(picture), trails=trails, notes=(*picture.notes, *told))


def _trails(reader: FieldReader) -> np.ndarray | None:
    """Where the centres were, (n, t, 3); those of the plane at z = ½."""
    if reader.trails is None or len(reader.trails) < 2:
        return None
    over = np.moveaxis(reader.trails, 0, 1).astype(np.float64)
    flat = np.full((*over.shape[:2], 3 - over.shape[2]), 0.5)
    return np.ascontiguousarray(np.concatenate((over, flat), 2))


def _in_space(field: Gaussians) -> tuple[np.ndarray, np.ndarray]:
    """Means (n, 3) and L (n, 6); those of the plane at z = ½, without extent there."""
    n, d = len(field), field.dimensions
    means, lower = np.full((n, 3), 0.5), np.zeros((n, 3, 3))
    means[:, :d], lower[:, :d, :d] = field.means, field.factors
    rows, columns = np.tril_indices(3)
    return means, np.ascontiguousarray(lower[:, rows, columns])
