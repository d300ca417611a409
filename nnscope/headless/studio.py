"""Composes pictures with no window, one after another: what the scene needs is asked for and waited for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.compute.colour import colour_style
from nnscope.core.cut import AXES, Cut
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT, Frame
from nnscope.core.request import GetStats
from nnscope.core.space import FOV, Camera3D, SpaceLook
from nnscope.core.statistics import TensorStats
from nnscope.core.text import plain
from nnscope.headless.layouts import chosen_layout, fixed_layout
from nnscope.headless.look import THEMES, OptionError
from nnscope.scene.compose import Composed, compose
from nnscope.scene.compose_space import compose_space
from nnscope.scene.library import Library, OpenSource, TileStore
from nnscope.scene.orbit import fitted
from nnscope.scene.panes import places
from nnscope.scene.resolve import Fixed, Resolved, resolve
from nnscope.scene.run_scale import RUN, fixed_scale
from nnscope.scene.shared_scale import shared_scale
from nnscope.scene.spacework import space_request
from nnscope.scene.state import PaneState
from nnscope.scene.tilework import keep_tiles, tile_request
from nnscope.sources.difference import KIND as DIFFERENCE
from nnscope.views.registry import arranger, find_view, home, spacious

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.layout import Layout
    from nnscope.core.legend import Legend
    from nnscope.core.picture import Step
    from nnscope.core.request import Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.look import Look
    from nnscope.scene.compose import Place
    from nnscope.scene.shared_scale import Scales
    from nnscope.views.base import View
    from nnscope.views.setting import Setting

_THEMES = dict(zip(THEMES, (DARK, LIGHT), strict=True))
_UNBOUNDED = 1 << 62  # bytes: all tiles of one picture are needed at once; its size bounds them


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture that is ready to be drawn.

    Attributes
    ----------
    frame : Frame
    legend : Legend
    steps : tuple of Step
        From the tensor to the screen.
    """

    frame: Frame
    legend: Legend
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What a tensor shares with another beside it: the statistics of both; and which of them it is, for its legend."""

    scales: Scales
    origin: str


class Studio:
    """Composes pictures of the tensors of one client, all with one look. The parts of the last tensor are kept.

    Parameters
    ----------
    client : Client
    look : Look
    place : Place, optional
        Where on the canvas; all of it by default.
    key : str
        Of the one source in the library: another for each studio whose pictures are drawn together.

    Raises
    ------
    OptionError
        If there is no such view or colour map.
    """

    def __init__(self, client: Client, look: Look, place: Place | None = None, key: str = "source") -> None:
        self._client = client
        self._key = key
        self._look = look
        self._view = _view(look)
        self._place = place or places(*look.size, 1, look.scale)[0]
        self._library = Library()
        self._info: TensorInfo | None = None  # what the library holds
        self._scales: dict[str, TensorStats | None] = {}
        self._shared: Shared | None = None

    def scale(self, info: TensorInfo) -> TensorStats | None:
        """What the colours of a tensor follow: its statistics, in a recorded run those of all steps."""
        found: TensorStats | None = None
        if self._client.listing.format == RUN:
            found = self._over_steps(self._moment(info.address)[0])
        return found or self._client.ask(GetStats(info.address, self._look.exact))

    def still(
        self, info: TensorInfo, fixed: Mapping[int, int], turn: float = 0.0, shared: Shared | None = None
    ) -> Still:
        """The picture of a tensor.

        Parameters
        ----------
        info : TensorInfo
        fixed : mapping of axis to index
            Axes of the tensor that are shown at one index.
        turn : float
            Degrees by which the camera of a picture in space goes around it to the right.
        shared : Shared, optional
            The tensor beside it, with which it shares its colours.

        Raises
        ------
        NnscopeError
            If the view can't show this tensor, or its values can't be read.
        """
        refusal = info.unreadable or self._view.refuses(info)
        if refusal:
            raise NnscopeError(refusal, plain(info.address))
        if self._info is not info:
            self._info, self._library = info, _library(self._client, info, self._key)
        self._shared = shared
        resolved, composed = self._settle(replace(_pane(self._view, info, fixed, self._look), source=self._key), turn)
        pane, legend = composed.frame, composed.frame.legend
        if pane.message or legend is None:
            raise NnscopeError(pane.message or "There is nothing to draw.", plain(info.address))
        frame = Frame(*self._look.size, (pane,), _THEMES[self._look.theme], self._look.scale)
        return Still(frame, legend, resolved.recipe(composed.picture))

    def _settle(self, pane: PaneState, turn: float) -> tuple[Resolved, Composed]:
        """What a pane must show, and its frame, with every part that it lacks asked for and waited for."""
        library, client, look = self._library, self._client, self._look
        resolved = self._resolved(pane)
        if not resolved.refusal and 0 not in resolved.layout.volume_shape:
            if library.statistics(self._key, pane.address) is None:
                answer = client.ask(GetStats(pane.address, look.exact))
                library.stats[self._key, pane.address] = (resolved.info.version, answer)
            resolved = self._resolved(pane, self._fixed(pane))
        if resolved.dimensions == 3:
            camera = self._camera(resolved, turn)
            composed = self._settled_space(resolved, camera)
            if composed.picture is None:
                return resolved, composed
            resolved = self._resolved(pane, self._fixed(pane))  # colours may follow what is drawn
            return resolved, compose_space(resolved, camera, self._place, library.spaces)
        return resolved, self._settled_tiles(resolved)

    def _settled_tiles(self, resolved: Resolved) -> Composed:
        library = self._library
        composed = compose(resolved, None, self._place, library.tiles)
        for _ in range(2):  # names of rows, which come with the tiles, may leave room for a coarser level
            wanted = [key for key in composed.missing if key.exact == (self._look.exact or not resolved.large)]
            if not wanted or resolved.refusal:
                break
            keep_tiles(library, wanted, self._client.ask(tile_request(wanted)))
            composed = compose(resolved, None, self._place, library.tiles)
        return composed

    def _settled_space(self, resolved: Resolved, camera: Camera3D) -> Composed:
        spaces = self._library.spaces
        composed = compose_space(resolved, camera, self._place, spaces)
        if composed.wanted is not None:
            spaces.put(composed.wanted, self._client.ask(space_request(composed.wanted)))
            composed = compose_space(resolved, camera, self._place, spaces)
        return composed

    def _resolved(self, pane: PaneState, fixed: Fixed | None = None) -> Resolved:
        resolved = resolve(pane, self._look.scientific, self._library, self._look.theme, fixed)
        assert resolved is not None  # the library holds the tensor
        return resolved

    def _fixed(self, pane: PaneState) -> Fixed | None:
        """What colours follow: in a recorded run, the values of all steps; but a difference has its own."""
        if self._shared is not None:
            return shared_scale(pane, self._shared.scales, "", self._shared.origin)
        info = self._library.info(self._key, pane.address)
        if self._client.listing.format != RUN or (info is not None and info.kind == DIFFERENCE):
            return None
        name, step = self._moment(pane.address)
        if name not in self._scales:
            self._scales[name] = self._over_steps(name)
        return fixed_scale(pane, self._scales[name], f"step {step}" if step else "")

    def _moment(self, address: str) -> tuple[str, str]:
        """Name and step of a tensor of a run; no step where it is as it was last kept."""
        name, at, step = address.rpartition("@")
        return (address, "") if self._client.info(address) is not None or not at else (name, step)

    def _over_steps(self, name: str) -> TensorStats | None:
        """The statistics of all steps."""
        try:
            found = self._client.ask(GetStats(name, all_steps=True))
        except NnscopeError:  # nothing of it was recorded
            return None
        return found if isinstance(found, TensorStats) else None

    def _camera(self, resolved: Resolved, turn: float) -> Camera3D:
        """The camera as asked; without one, where the window looks from at first."""
        look = self._look
        first = home(resolved.view, resolved.layout)
        fov = 0.0 if look.projection == "orthographic" or not (first.fov or look.camera) else FOV
        if look.camera is not None:
            camera = Camera3D(*look.camera, fov=fov)
        else:
            camera = fitted(replace(first, fov=fov), resolved.bounds, self._place.picture)
        return replace(camera, azimuth=camera.azimuth + turn)


def _library(client: Client, info: TensorInfo, key: str) -> Library:
    library = Library()
    library.tiles = TileStore(_UNBOUNDED)
    source = library.sources[key] = OpenSource(key, client.engine)
    source.accept(replace(client.listing, tensors=(info,)))
    return library


def _view(look: Look) -> View:
    """The view of that name; this and the colour map are known to their registries only."""
    try:
        if look.colours:
            colour_style(look.colours, look.theme)
        return find_view(look.view)
    except NnscopeError as error:
        raise OptionError(error.what, error.where, error.remedy) from None


def _pane(view: View, info: TensorInfo, fixed: Mapping[int, int], look: Look) -> PaneState:
    settings, arranging = _settings(view, look), arranger(view)
    if arranging is not None:
        fixed, settings = arranging.pinned(info, fixed, settings)
    if look.rows is not None and look.cols is not None:
        layout = chosen_layout(info, look.rows, look.cols, fixed, look.depth or ())
    else:
        layout = fixed_layout(view, info, fixed)
    return PaneState(
        "",
        info.address,
        look.view,
        layout,
        look.reduction,
        look.normalisation,
        look.limits,
        look.colours,
        settings,
        space=SpaceLook(look.mode, look.interpolation, look.threshold, look.gain, cut=_cut(view, layout, look)),
    )


def _cut(view: View, layout: Layout, look: Look) -> Cut | None:
    """The slab as asked, if the volume has it."""
    if look.cut is None:
        return None
    axis, index, thickness, reduction = look.cut
    in_space = spacious(view)
    if in_space is None or "cut" not in in_space.looks:
        raise OptionError(f"{view.title} can't be cut.", remedy="Choose the view volume or voxels.")
    size = layout.volume_shape[2 - AXES.index(axis)]
    if index + thickness > size:
        raise OptionError(
            f"The slab from {axis} = {index} to {index + thickness - 1} is not in this volume.",
            remedy=f"There, {axis} goes from 0 to {size - 1}.",
        )
    return Cut(axis, index, thickness, reduction)


def _settings(view: View, look: Look) -> Settings:
    """The view's own settings, checked."""
    options: dict[str, Setting] = {option.name: option for option in getattr(view, "options", ())}
    for name, value in look.settings:
        if name not in options:
            known = f"They are: {', '.join(options)}." if options else "It has none."
            raise OptionError(f"The view {view.name} has no setting {name!r}.", remedy=known)
        try:
            options[name].checked(value)
        except NnscopeError as error:
            raise OptionError(error.what, error.where, error.remedy) from None
    return look.settings
