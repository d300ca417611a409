"""From intent and reality to what must be drawn: a pure function, the heart of the scene.

``resolve(pane, scientific, library)`` looks up the tensor, completes everything the user left open (layout,
normalisation, colours) and honours scientific mode by leaving aesthetic steps out. Nobody else tests the mode.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nnscope.compute.colour import colour_style, default_colours
from nnscope.compute.normalise import clipped_share, normalisation
from nnscope.compute.space.cutting import clipped_to, placed
from nnscope.compute.space.transfer import hidden_shares
from nnscope.core.layout import default_layout
from nnscope.core.legend import Legend, Normalisation
from nnscope.core.picture import Step, level_count
from nnscope.core.space import AESTHETIC, SpaceLook
from nnscope.core.volume import VolumePicture
from nnscope.scene.spacework import SpaceKey
from nnscope.sources.difference import KIND as DIFFERENCE
from nnscope.views.registry import arranger, dimensions, find_view, grid_of, is_deep, sheeted, spacious, unit_of

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import Settings
    from nnscope.core.space_picture import Bounds, Drawing, SpacePicture
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.scene.library import Library
    from nnscope.scene.state import PaneState
    from nnscope.views.base import SpaceView, View

SEEN = "domain: all that is seen along the axes"
MEDIAN_SCALED = ("robust", "log", "tanh")  # normalisations whose scale is a median
LARGE = 1 << 25  # elements from which a first look may be a labelled sample


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """What colours follow in place of a tensor's own statistics, so that they mean the same at every step of a run.

    Attributes
    ----------
    stats : TensorStats or None
        None for the tensor's own.
    step, domain : str
        What the legend says of the step, and of where the domain is from; empty for nothing.
    origin : str
        Which of several tensors of one address it is; empty where it is the only one.
    medians : str
        Of what a median among ``stats`` is the median; empty where it is that of all values.
    """

    stats: TensorStats | None
    step: str = ""
    domain: str = ""
    origin: str = ""
    medians: str = "over the steps"


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """What one pane must show, complete.

    Attributes
    ----------
    source : str
    info : TensorInfo
    view : View
    layout : Layout
    settings : Settings
        The view's settings as they go into requests; the reduction is one of them.
    scientific : bool
    version : int
        Newest content version known.
    stats : TensorStats or None
        None until they arrive; a picture can be drawn only with them, unless the view is coloured.
    normalisation : Normalisation or None
    style : ColourStyle or None
    refusal : str
        Why the view can't show this tensor; empty when it can.
    space : SpaceLook
        What a picture of three dimensions makes of the values along a ray, with a mode that is not empty.
    remarks : tuple of str
        What the legend says besides: of steps and domains of a recorded run.
    seen : TensorStats or None
        Of what is drawn, where colours follow that and not the tensor's values.
    origin : str
        See `Legend`.
    """

    source: str
    info: TensorInfo
    view: View
    layout: Layout
    settings: Settings
    scientific: bool
    version: int
    stats: TensorStats | None
    normalisation: Normalisation | None
    style: ColourStyle | None
    refusal: str = ""
    space: SpaceLook = field(default_factory=SpaceLook)
    remarks: tuple[str, ...] = ()
    seen: TensorStats | None = None
    origin: str = ""

    @property
    def dimensions(self) -> int:
        """2 or 3: of the picture."""
        return dimensions(self.view)

    @property
    def space_view(self) -> SpaceView | None:
        """The view, if its pictures have three dimensions."""
        return spacious(self.view)

    @property
    def bounds(self) -> Bounds:
        """The box that a picture of three dimensions fills; for others as if they had one plane."""
        view = self.space_view
        if view is not None:
            return view.bounds(self.layout, self.settings)
        return self.layout.volume_shape if sheeted(self.view) is None else (1, *self.grid)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns at level 0."""
        return grid_of(self.view, self.layout, self.settings)

    @property
    def levels(self) -> int:
        """Number of pyramid levels."""
        return level_count(self.grid)

    @property
    def reduction(self) -> str:
        """What a zoomed-out cell holds."""
        return str(dict(self.settings).get("reduction", "mean"))

    @property
    def large(self) -> bool:
        """Whether a first look may come from a sample."""
        return self.info.size > LARGE

    @property
    def _axes(self) -> int:
        """Along how many axes a cell or voxel is reduced."""
        return 3 if self.layout.depth else 2

    @property
    def _drawing(self) -> Drawing | None:
        """How a picture of three dimensions becomes pixels."""
        view = self.space_view
        return None if view is None else view.drawing(self.settings, self.space)

    @property
    def _unit(self) -> str:
        if self._drawing is not None:
            return self._drawing.unit
        if self.reduction == "variance":
            return unit_of(self.view) or "variance"
        return unit_of(self.view) or ("mean value" if self.info.means else "raw value")

    def recipe(self, picture: TilePicture | SpacePicture | None) -> tuple[Step, ...]:
        """All steps from the tensor to the screen."""
        steps = picture.recipe if picture is not None else ()
        if self.info.kind == DIFFERENCE:
            subtracted = Step("subtract", True, f"{self.info.note}, as {self.info.dtype}")
            steps = (subtracted, *(step for step in steps if step.name != "read"))
        view = self.space_view
        if view is not None:
            steps += (view.drawing(self.settings, _drawn_look(self.space, picture)).step,)
        if self.normalisation is not None:
            lo, hi = self.normalisation.domain
            steps += (Step(self.normalisation.name, self.normalisation.faithful, f"domain {lo:.6g} … {hi:.6g}"),)
        if self.style is not None:
            steps += (Step("colour map", True, self.style.name),)
        return steps

    def legend(self, picture: TilePicture | SpacePicture | None, level: int) -> Legend:
        """What is written beside the picture at ``level``."""
        stats, coloured, side = self.stats, self.seen or self.stats, 2**level
        reduction = picture.reduction if picture is not None and self.dimensions == 3 else self.reduction
        scaled = level > 0 and bool(reduction) and not self.view.coloured
        notes = picture.notes if picture is not None else ()
        if self._drawing is not None:
            notes = (*self._drawing.notes, *notes)
        notes = (*self.remarks, *filter(None, (self.info.note,)), *notes)
        if picture is not None and picture.sampled < 1:
            notes += (f"from a sample: {picture.sampled:.1%} of the values",)
        if stats is not None and stats.sampled < 1:
            notes += (f"domain from {stats.sampled:.1%} of the values",)
        clipped = 0.0
        if coloured is not None and self.normalisation is not None and not unit_of(self.view):
            clipped = clipped_share(coloured, self.normalisation.domain)
        return Legend(
            self.info.address,
            self.normalisation,
            unit=self._unit,
            reduction=self._reduced(f"{reduction} of {'×'.join([str(side)] * self._axes)}" if scaled else ""),
            level=level,
            clipped=clipped,
            nan=stats.nan if stats is not None else 0,
            posinf=stats.posinf if stats is not None else 0,
            neginf=stats.neginf if stats is not None else 0,
            scientific=self.scientific,
            faithful=all(step.faithful for step in self.recipe(picture)),
            notes=notes,
            origin=self.info.note if self.info.kind == DIFFERENCE else self.origin,
            opacity=self._opacity,
        )

    def _reduced(self, reduction: str) -> str:
        """What a cell stands for, with the blocks that are all that was kept of the tensor."""
        kept = f"mean of {self.info.means}×{self.info.means}" if self.info.means else ""
        return " of ".join(filter(None, (reduction, kept)))

    @property
    def _opacity(self) -> tuple[float, ...]:
        """What the colour scale says of translucent pictures."""
        view, look = self.space_view, self.space
        mixed = view is not None and "opacity" in view.looks and look.mode == "translucent"
        return hidden_shares(self.normalisation, look.gain, look.opacity) if mixed and self.normalisation else ()


def _drawn_look(look: SpaceLook, picture: TilePicture | SpacePicture | None) -> SpaceLook:
    """The look as it is drawn: nothing is interpolated in a volume with values that are no finite number."""
    odd = isinstance(picture, VolumePicture) and picture.states is not None
    return replace(look, interpolation="nearest") if odd else look


def resolve(
    pane: PaneState, scientific: bool, library: Library, theme: str = "dark", fixed: Fixed | None = None
) -> Resolved | None:
    """What ``pane`` must show; None when it is empty or its tensor isn't known (yet)."""
    info = library.info(pane.source, pane.address)
    if info is None:
        return None
    view = find_view(pane.view)
    refusal = info.unreadable or view.refuses(info)
    if scientific and view.aesthetic:
        refusal = refusal or f"{view.title} is not shown in scientific mode: {view.aesthetic}"
    layout = pane.layout
    arranging = arranger(view)
    odd = layout is not None and layout.gap and arranging is None
    if layout is None or odd or layout.shape != info.shape or bool(layout.depth) != is_deep(view):
        layout = default_layout(info.shape) if refusal else view.layout(info)
    settings = _settings(pane, view, scientific)
    if not refusal and arranging is not None:
        layout = arranging.arranged(info, layout, settings)
    stats = library.statistics(pane.source, pane.address)
    scale = fixed.stats if fixed is not None and fixed.stats is not None and stats is not None else stats
    seen = None if refusal or stats is None else _seen(pane, view, layout, settings, library)
    norm = style = None
    if not view.coloured and scale is not None and not refusal:
        usual = getattr(view, "normalisation", "tanh") if arranging is None else arranging.scale(info)
        first = "linear" if scientific or info.kind == DIFFERENCE else usual
        own = arranging.domain(settings) if arranging is not None else None
        chosen = replace(pane, normalisation=pane.normalisation or first, limits=pane.limits or own)
        coloured = _centred(seen or scale) if info.kind == DIFFERENCE else seen or scale
        norm = _normalisation(chosen, scientific, coloured, _factor(pane, view, layout))
        style = colour_style(_colours(pane, coloured), theme)
    remarks = [fixed.step, *_domain(fixed, norm)] if fixed is not None else []
    remarks += [SEEN] if seen is not None and pane.limits is None else []
    return Resolved(
        pane.source,
        info,
        view,
        layout,
        settings,
        scientific,
        library.version(pane.source, pane.address),
        stats,
        norm,
        style,
        refusal,
        _look(_within(pane.space, view, layout), scale, scientific),
        tuple(filter(None, remarks)),
        seen,
        "" if fixed is None else fixed.origin,
    )


def _domain(fixed: Fixed, norm: Normalisation | None) -> tuple[str, ...]:
    """What the legend says of where the colours' domain is from; a median of all values of a run isn't known."""
    if norm is None:
        return ()
    medians = fixed.stats is not None and fixed.medians and norm.name in MEDIAN_SCALED
    return (fixed.domain, f"scale: median {fixed.medians}") if medians else (fixed.domain,)


def _seen(pane: PaneState, view: View, layout: Layout, settings: Settings, library: Library) -> TensorStats | None:
    """Statistics of what is drawn, where the picture at hand has its own."""
    in_space = spacious(view)
    if in_space is None:
        return None
    asked = in_space.asked(settings, pane.space, 0)
    key = SpaceKey(pane.source, pane.address, view.name, layout, asked, 0)
    found = library.spaces.get(key) or (library.spaces.like(key) or (None, None))[1]
    stats: TensorStats | None = getattr(found, "seen", None)
    return stats


def _centred(stats: TensorStats) -> TensorStats:
    """The statistics with a range that is centred on zero: no change has the colour in the middle."""
    most = stats.abs_max or 1.0
    return replace(stats, min=-most, max=most, abs_max=most)


def _within(look: SpaceLook, view: View, layout: Layout) -> SpaceLook:
    """The look with its cut and its clip box inside the volume; without them where the view knows none."""
    in_space, shape = spacious(view), layout.volume_shape
    known = in_space.looks if in_space is not None and 0 not in shape else ()
    cut = placed(look.cut, shape) if look.cut is not None and "cut" in known else None
    clip = clipped_to(look.clip, shape) if look.clip is not None and "clip" in known else None
    return replace(look, cut=cut, clip=clip)


def _look(look: SpaceLook, stats: TensorStats | None, scientific: bool) -> SpaceLook:
    """The look with what the data decide, mode and threshold; in scientific mode without aesthetic ones."""
    threshold = look.threshold
    if threshold is None:
        threshold = 0.0
        if stats is not None and stats.finite:
            threshold = min(stats.abs_mean + stats.std, (stats.abs_mean + stats.abs_max) / 2)
    mode = "" if scientific and look.mode in AESTHETIC else look.mode
    shading = look.shading and not scientific
    return replace(look, mode=mode or default_mode(stats), threshold=threshold, shading=shading)


def _factor(pane: PaneState, view: View, layout: Layout) -> float:
    """How much larger than the values what is shown is."""
    in_space = spacious(view)
    return 1.0 if in_space is None else in_space.factor(layout, pane.space)


def default_mode(stats: TensorStats | None) -> str:
    """Signed tensors show the largest magnitude along a ray, others the greatest value."""
    return "signed" if stats is not None and stats.signed else "mip"


def _settings(pane: PaneState, view: View, scientific: bool) -> Settings:
    """The settings that the view knows, without aesthetic ones in scientific mode, and the reduction."""
    known = dict(pane.settings)
    if hasattr(view, "options"):
        known = {option.name: known[option.name] for option in view.options if option.name in known}
        plain = {option.name: option.aesthetic for option in view.options} if scientific else {}
        known = {name: value for name, value in known.items() if value not in plain.get(name, ())}
    return tuple(sorted({**known, "reduction": pane.reduction}.items()))


def _normalisation(pane: PaneState, scientific: bool, stats: TensorStats, factor: float) -> Normalisation:
    """The map of what is shown, which is ``factor`` times as large as the values."""
    if factor != 1:
        limits = pane.limits and (pane.limits[0] / factor, pane.limits[1] / factor)
        of_values = _normalisation(replace(pane, limits=limits), scientific, stats, 1.0)
        return replace(of_values, shift=of_values.shift * factor, scale=of_values.scale * factor)
    if pane.reduction == "variance":  # a variance has its own scale: zero to the tensor's
        top = stats.variance if stats.variance > 0 else 1.0
        return normalisation("linear", stats, pane.limits or (0.0, top))
    chosen = normalisation(pane.normalisation, stats, pane.limits)
    if scientific and not chosen.faithful:
        return normalisation("linear", stats, pane.limits)
    return chosen


def _colours(pane: PaneState, stats: TensorStats) -> str:
    if pane.colours:
        return pane.colours
    return default_colours(signed=stats.signed and pane.reduction != "variance")
