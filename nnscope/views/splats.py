"""Splats: a Gaussian field drawn by its Gaussians, each a projected ellipse (methods.md §13).

Settings (all may be left out):

- ``mode``: a name of `nnscope.core.splats.MODES`;
- ``colour``: a name of `nnscope.core.splats.COLOURS`;
- ``outlines``: ellipses at 1σ and nothing else;
- ``cutoff``: where Gaussians end, in standard deviations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes, volume_layout
from nnscope.core.picture import Step
from nnscope.core.space_picture import Drawing, Picked
from nnscope.core.splats import COLOURS, CUTOFF, MODES, SplatPicture, Splatting
from nnscope.fields.source import KIND, FieldReader
from nnscope.fields.splatting import projected, shares_at
from nnscope.views.probing import probe_element
from nnscope.views.setting import Setting, chosen

if TYPE_CHECKING:
    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, Probe, ProbeSpace, Settings
    from nnscope.core.space import Camera3D, SpaceLook
    from nnscope.core.space_picture import Bounds
    from nnscope.core.tensor import TensorInfo
    from nnscope.fields.parameters import Gaussians
    from nnscope.views.base import BuildContext

MODE = Setting("mode", "max", choices=tuple(MODES), title="Along rays")
COLOUR = Setting("colour", "density", choices=tuple(COLOURS), title="Colour")
OUTLINES = Setting("outlines", False, title="Ellipses at 1σ")
CUT = Setting("cutoff", CUTOFF, 1.0, 8.0, title="Cut-off in σ")


class Splats:
    """See the module docstring. Faithful: every Gaussian counts, within the stated cut-off."""

    name = "splats"
    title = "Splats"
    aesthetic = ""
    coloured = False
    dimensions = 3
    deep = True
    looks = ()
    options = (MODE, COLOUR, OUTLINES, CUT)

    def refuses(self, info: TensorInfo) -> str:
        """All but Gaussian fields."""
        return (
            "" if info.kind == KIND else "Splats need a Gaussian field: the tensor `field` of a file of `nnscope fit`."
        )

    def layout(self, info: TensorInfo) -> Layout:
        """The box of the tensor that the field describes."""
        return volume_layout(info.shape) if info.ndim == 3 else planes(info.shape)

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
        """Colours are of values."""
        return 1.0

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """What Gaussians give, and the error of the cut-off."""
        how = _how(settings)
        if how.outlines:
            return Drawing(Step("outlines", True, "ellipses at 1σ in the colours of amplitudes"))
        found = MODES[how.mode] if how.colour == "density" else COLOURS[how.colour]
        share = (
            f"Gaussians end at {how.cutoff:g}σ: error ≤ {100 * np.exp(-0.5 * how.cutoff**2):.2g} % of each one's peak"
        )
        return Drawing(Step("splats", True, f"{found}; {share}"), notes=(found, share))

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """The strongest Gaussian there: the cell of its centre, and what is known of it."""
        space = pane.space
        assert space is not None
        shown = space.picture
        assert isinstance(shown, SplatPicture)
        seen = projected(shown, space.camera, pane.picture, mode=shown.how.mode)
        shares = shares_at(seen, x - pane.picture.x, y - pane.picture.y, shown.how.cutoff)
        if not np.abs(shares).max(initial=0.0) > 0:
            return None
        strongest = int(np.abs(shares).argmax())
        return Picked(_cell(shown, strongest), 0, told(shown, strongest, shares))

    def build_space(self, context: BuildContext, request: BuildSpace) -> SplatPicture:
        """All Gaussians."""
        reader = context.reader(request.address)
        if not isinstance(reader, FieldReader):
            raise NnscopeError("This tensor is no Gaussian field.", request.address)
        key = ("splats", request.address, reader.info.version, request.layout, request.settings)
        picture: SplatPicture = context.memo(key, lambda: _build(reader, request), lambda p: p.nbytes)
        return picture

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """The field's value at the cell of the Gaussian's centre."""
        return probe_element(context, context.reader(request.address), request.layout.index_at(*request.place))


def told(shown: SplatPicture, at: int, shares: np.ndarray) -> str:
    """A Gaussian in words: its name, centre, axes, orientation and amplitude, and its share of what is seen."""
    flat = 3 if shown.layout.depth else 2
    axes, directions = _axes(shown.factors[at], flat)
    centre = ", ".join(f"{part:.2f}" for part in shown.means[at, :flat])
    lengths = " × ".join(f"{length:.3g}" for length in axes)
    along = ", ".join(f"{part:.2f}" for part in directions[0])
    share = abs(shares[at]) / np.abs(shares).sum()
    return (
        f"Gaussian {shown.names[at]}: centre ({centre})  σ {lengths} along ({along})  "
        f"amplitude {shown.weights[at]:.4g}  gives {share:.1%} of what is here"
    )


def _axes(factor: np.ndarray, flat: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations along the principal axes, the longest first, and unit vectors along these."""
    lower = np.zeros((3, 3))
    lower[np.tril_indices(3)] = factor
    left, lengths, _ = np.linalg.svd(lower[:flat, :flat])
    directions = left.T * np.where(left.T[:, :1] < 0, -1.0, 1.0)
    return lengths, directions + 0.0


def _cell(shown: SplatPicture, at: int) -> tuple[int, ...]:
    depth, rows, cols = shown.layout.volume_shape
    x, y, z = np.clip(np.floor(shown.means[at]), 0, (cols - 1, rows - 1, depth - 1)).astype(int).tolist()
    return (y, x, z) if shown.layout.depth else (y, x)


def _how(settings: Settings) -> Splatting:
    given = chosen(Splats.options, settings)
    return Splatting(str(given["mode"]), str(given["colour"]), bool(given["outlines"]), float(given["cutoff"] or 0.0))


def _build(reader: FieldReader, request: BuildSpace) -> SplatPicture:
    field = reader.gaussians
    means, factors = _in_space(field)
    steps = (Step("field", True, f"{len(field)} Gaussians, {field.covariance} covariance"),)
    return SplatPicture(
        request.address,
        request.view,
        request.layout,
        reader.info.version,
        means,
        factors,
        field.scale * field.weights,
        np.asarray(field.names, np.int64),
        field.offset,
        _how(request.settings),
        steps,
        notes=(f"{len(field):,} Gaussians",),
    )


def _in_space(field: Gaussians) -> tuple[np.ndarray, np.ndarray]:
    """Means (n, 3) and L (n, 6); those of the plane at z = ½, without extent there."""
    n, d = len(field), field.dimensions
    means, lower = np.full((n, 3), 0.5), np.zeros((n, 3, 3))
    means[:, :d], lower[:, :d, :d] = field.means, field.factors
    rows, columns = np.tril_indices(3)
    return means, np.ascontiguousarray(lower[:, rows, columns])
