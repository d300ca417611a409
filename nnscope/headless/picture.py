"""A picture of a tensor, made with no window: composed by the scene, as the window composes it, and drawn offscreen.

The same look and size give the same pixels as the canvas of the window (promise P21).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.compute.colour import colour_style
from nnscope.core.cut import AXES, Cut
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT, Frame, PaneFrame
from nnscope.core.request import GetStats
from nnscope.core.space import FOV, Camera3D, SpaceLook
from nnscope.core.text import plain
from nnscope.headless.layouts import chosen_layout, fixed_layout
from nnscope.headless.look import THEMES, OptionError
from nnscope.scene.compose import Composed, Place, compose
from nnscope.scene.compose_space import compose_space
from nnscope.scene.library import Library, OpenSource, TileStore
from nnscope.scene.orbit import fitted
from nnscope.scene.panes import places
from nnscope.scene.resolve import Resolved, resolve
from nnscope.scene.spacework import space_request
from nnscope.scene.state import PaneState
from nnscope.scene.tilework import keep_tiles, tile_request
from nnscope.views.registry import find_view, spacious

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np

    from nnscope.core.layout import Layout
    from nnscope.core.legend import Legend
    from nnscope.core.picture import Step
    from nnscope.core.request import Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.look import Look
    from nnscope.views.base import View
    from nnscope.views.setting import Setting

_THEMES = dict(zip(THEMES, (DARK, LIGHT), strict=True))
_KEY = "source"  # the one source of a picture's library
_UNBOUNDED = 1 << 62  # bytes: all tiles of one picture are needed at once; its size bounds them


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPicture:
    """A picture with what is written beside it and how it was made. A notebook shows it.

    Attributes
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Row 0 on top.
    legend : Legend
        Normalisation, domain, level, share clipped, counts of NaN and infinities.
    steps : tuple of Step
        From the tensor to the screen, each marked faithful or not.
    address : str
    view : str
    scientific : bool
    """

    rgba: np.ndarray
    legend: Legend
    steps: tuple[Step, ...]
    address: str
    view: str
    scientific: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgba.shape[1], self.rgba.shape[0]

    @property
    def faithful(self) -> bool:
        """Whether every step is."""
        return all(step.faithful for step in self.steps)

    def png(self) -> bytes:
        """The PNG file, with address and steps as text in it."""
        from nnscope.export.image import encode_png, picture_metadata

        return encode_png(self.rgba, picture_metadata((self.address,), self.steps, self.scientific))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as PNG, atomically.

        Raises
        ------
        NnscopeError
            If the file can't be written.
        """
        from nnscope.core.atomic import write_atomically

        write_atomically(path, self.png())

    def __repr__(self) -> str:
        width, height = self.size
        badge = "scientific" if self.scientific else "faithful" if self.faithful else "aesthetic"
        return f"RenderedPicture({plain(self.address)!r}, {self.view}, {width}x{height}, {badge})"

    def _repr_png_(self) -> bytes:
        return self.png()


def take_picture(client: Client, info: TensorInfo, fixed: Mapping[int, int], look: Look) -> RenderedPicture:
    """Draw one tensor.

    Parameters
    ----------
    client : Client
    info : TensorInfo
    fixed : mapping of axis to index
        Axes of the tensor that are shown at one index.
    look : Look

    Raises
    ------
    NnscopeError
        If the view can't show this tensor, its values can't be read, or nothing can be drawn on this machine.
    """
    view = _view(look)
    refusal = info.unreadable or view.refuses(info)
    if refusal:
        raise NnscopeError(refusal, plain(info.address))
    pane = _pane(view, info, fixed, look)
    resolved, composed = settle(client, info, pane, look)
    frame, legend = composed.frame, composed.frame.legend
    if frame.message or legend is None:
        raise NnscopeError(frame.message or "There is nothing to draw.", plain(info.address))
    return RenderedPicture(
        _draw(frame, look), legend, resolved.recipe(composed.picture), info.address, look.view, look.scientific
    )


def settle(client: Client, info: TensorInfo, pane: PaneState, look: Look) -> tuple[Resolved, Composed]:
    """What a pane must show and its frame, with every tile that it lacks asked for and waited for."""
    library = _library(client, info)
    place = places(*look.size, 1, look.scale)[0]
    resolved = _resolved(pane, look, library)
    if not resolved.refusal and 0 not in resolved.layout.volume_shape:
        library.stats[_KEY, info.address] = (info.version, client.ask(GetStats(info.address, look.exact)))
        resolved = _resolved(pane, look, library)
    if resolved.dimensions == 3:
        return resolved, _settled_space(client, resolved, _camera(look, resolved, place), place, library)
    composed = compose(resolved, None, place, library.tiles)
    wanted = [key for key in composed.missing if key.exact == (look.exact or not resolved.large)]
    if wanted and not resolved.refusal:
        keep_tiles(library, wanted, client.ask(tile_request(wanted)))
        composed = compose(resolved, None, place, library.tiles)
    return resolved, composed


def _camera(look: Look, resolved: Resolved, place: Place) -> Camera3D:
    """The camera as asked; without one, where the window looks from at first."""
    fov = 0.0 if look.projection == "orthographic" else FOV
    if look.camera is not None:
        return Camera3D(*look.camera, fov=fov)
    return fitted(Camera3D(fov=fov), resolved.bounds, place.picture)


def _settled_space(client: Client, resolved: Resolved, camera: Camera3D, place: Place, library: Library) -> Composed:
    composed = compose_space(resolved, camera, place, library.spaces)
    if composed.wanted is not None:
        library.spaces.put(composed.wanted, client.ask(space_request(composed.wanted)))
        composed = compose_space(resolved, camera, place, library.spaces)
    return composed


def _library(client: Client, info: TensorInfo) -> Library:
    library = Library()
    library.tiles = TileStore(_UNBOUNDED)
    source = library.sources[_KEY] = OpenSource(_KEY, client.engine)
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
    if look.rows is not None and look.cols is not None:
        layout = chosen_layout(info, look.rows, look.cols, fixed, look.depth or ())
    else:
        layout = fixed_layout(view, info, fixed)
    return PaneState(
        _KEY,
        info.address,
        look.view,
        layout,
        look.reduction,
        look.normalisation,
        look.limits,
        look.colours,
        _settings(view, look),
        space=SpaceLook(look.mode, look.interpolation, look.threshold, look.gain, cut=_cut(view, layout, look)),
    )


def _cut(view: View, layout: Layout, look: Look) -> Cut | None:
    """The slab as asked, if the volume has it."""
    if look.cut is None:
        return None
    axis, index, thickness, reduction = look.cut
    in_space = spacious(view)
    if in_space is None or "cut" not in in_space.looks:
        raise OptionError(f"{view.title} can't be cut.", remedy="Choose the view volume.")
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


def _resolved(pane: PaneState, look: Look, library: Library) -> Resolved:
    resolved = resolve(pane, look.scientific, library, look.theme)
    assert resolved is not None  # the library holds the tensor
    return resolved


def _draw(pane: PaneFrame, look: Look) -> np.ndarray:
    from nnscope.render.offscreen import render_offscreen

    return render_offscreen(Frame(*look.size, (pane,), _THEMES[look.theme], look.scale))
