"""The plane that cuts a volume: moved by hand and by keys, and the heat map that shows what it cuts. Pure.

A plane across an axis shows one plane of the tensor: the heat map of the same tensor with that axis fixed. A slab, or a
plane in any direction, has a flat picture of its own. Where such a picture stands beside the volume, each follows the
other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.space.cutting import direction, outline, placed
from nnscope.compute.space.perspective import eye
from nnscope.core.cut import AXES, Cut
from nnscope.core.layout import Layout
from nnscope.core.space import Camera3D
from nnscope.scene.orbit import turned
from nnscope.views.registry import find_view, grid_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.frame import PaneFrame
    from nnscope.core.request import Settings
    from nnscope.core.volume import Shape3
    from nnscope.scene.state import PaneState, WorkspaceState

GRIP = 9.0  # logical pixels around the handle in which it can be taken
SLAB = {"at": "at", "thickness": "thickness", "through": "reduction"}
LED = {"section": SLAB, "plane": {**SLAB, "azimuth": "azimuth", "elevation": "elevation"}}  # settings, fields of `Cut`
STEEP = 0.25  # device pixels for a voxel along the plane's normal, below which a drag goes by the picture's height


@dataclass(frozen=True, slots=True)
class Handle:
    """Where a plane can be taken: device pixels, and how far one voxel along its normal moves it there."""

    x: float
    y: float
    along: tuple[float, float]


def handle(pane: PaneFrame) -> Handle | None:
    """The handle of a pane's plane, in the middle of what it cuts; None where there is none."""
    space = pane.space
    if space is None or space.plane is None:
        return None
    depth, height, width = space.picture.bounds
    corners = outline(space.plane, space.clip or ((0.0, 0.0, 0.0), (width, height, depth)))
    if not len(corners):
        return None
    middle = corners.mean(0)
    ends = np.stack((middle, middle + np.array(space.plane.normal)))
    pixels, far = eye(space.camera, space.picture.bounds, pane.picture).project(ends)
    if not (far > 0).all():
        return None
    (x, y), way = pixels[0] + (pane.picture.x, pane.picture.y), pixels[1] - pixels[0]
    return Handle(float(x), float(y), (float(way[0]), float(way[1])))


def at_handle(pane: PaneFrame, scale: float, x: float, y: float) -> bool:
    """Whether the handle of a pane's plane is at a screen position."""
    place = handle(pane)
    return place is not None and np.hypot(x - place.x, y - place.y) <= GRIP * scale


def dragged(cut: Cut, pane: PaneFrame, by: tuple[float, float]) -> Cut:
    """The cut after its handle was dragged by device pixels; across an axis ``at`` may stand between two voxels."""
    place, space = handle(pane), pane.space
    if place is None or space is None or space.plane is None:
        return cut
    along, size = np.array(place.along), float(np.hypot(*place.along))
    if size < STEEP:
        along, size = np.array((0.0, -1.0)), 1.0
    voxels = float(along @ np.array(by)) / size**2
    away = float(np.array(space.plane.normal) @ direction(cut))
    return replace(cut, at=cut.at + voxels * away)


def tilted(cut: Cut, shape: Shape3, by: tuple[float, float]) -> Cut:
    """The plane turned about its middle as a drag by logical pixels turns a volume; then it is a free one."""
    free = freed(cut, shape)
    aside = turned(Camera3D(free.azimuth, free.elevation), -by[0], -by[1])
    return placed(replace(free, azimuth=aside.azimuth, elevation=aside.elevation), shape)


def freed(cut: Cut, shape: Shape3) -> Cut:
    """The same plane as one in any direction."""
    if not cut.axis:
        return cut
    azimuth, elevation = {"x": (-90.0, 0.0), "y": (0.0, 90.0), "z": (0.0, 0.0)}[cut.axis]
    middle = shape[2 - AXES.index(cut.axis)] / 2
    at = cut.at + cut.thickness / 2 - middle
    return replace(cut, axis="", at=at, azimuth=azimuth, elevation=elevation)


def facing_camera(cut: Cut, camera: Camera3D, shape: Shape3) -> Cut:
    """A plane in any direction through the middle of the volume that faces a camera."""
    return placed(replace(cut, axis="", at=0.0, azimuth=camera.azimuth, elevation=camera.elevation), shape)


def through_middle(axis: str, shape: Shape3) -> Cut:
    """A plane across an axis in the middle of the volume."""
    return Cut(axis, shape[2 - AXES.index(axis)] // 2)


def section(layout: Layout, cut: Cut) -> Layout | None:
    """The layout of the heat map of what a plane across an axis shows, rows and columns as seen along that axis."""
    if not cut.axis:
        return None
    across, rows, cols = _sides(layout, cut.axis)
    at, fixed = int(cut.at), list(layout.fixed)
    for axis in reversed(across):
        at, index = divmod(at, layout.virtual_shape[axis])
        fixed.append((axis, index))
    return Layout(layout.shape, rows, cols, tuple(sorted(fixed)), layout.split)


def index_along(layout: Layout, flat: Layout, axis: str) -> int:
    """Which plane across an axis of a volume a heat map of that arrangement shows."""
    at, fixed = 0, dict(flat.fixed)
    for inner in _sides(layout, axis)[0]:
        at = at * layout.virtual_shape[inner] + fixed[inner]
    return at


def follow(old: WorkspaceState, new: WorkspaceState, layout_of: Callable[[PaneState], Layout | None]) -> WorkspaceState:
    """The new state with heat maps that showed a volume's cut showing it still, and planes that follow their sliders.

    ``layout_of`` completes the layout of a pane that shows a volume.
    """
    if not new.linked or len(old.panes) != len(new.panes) or old.panes == new.panes:
        return new
    for i, volume in enumerate(old.panes):
        layout = layout_of(volume) if volume.space.cut is not None else None
        if layout is None or volume.space.cut is None:
            continue
        shown = companion(layout, placed(volume.space.cut, layout.volume_shape))
        for j, flat in enumerate(old.panes):
            same = (flat.source, flat.address) == (volume.source, volume.address)
            if i != j and same and (flat.view, flat.layout, flat.settings) == shown:
                new = _following(new, i, j, old, layout_of)
    return new


def _following(
    new: WorkspaceState, i: int, j: int, old: WorkspaceState, layout_of: Callable[[PaneState], Layout | None]
) -> WorkspaceState:
    """Pane ``j`` showed what the plane of pane ``i`` cuts."""
    volume, flat = new.panes[i], new.panes[j]
    layout, cut = layout_of(volume), volume.space.cut
    if layout is None or cut is None or (volume.source, volume.address) != (flat.source, flat.address):
        return new
    if (cut, volume.layout) != (old.panes[i].space.cut, old.panes[i].layout):
        shown = companion(layout, placed(cut, layout.volume_shape))
        before = old.panes[j]
        same = before.layout is not None and _lies_as(before.view, before.layout, before.settings, shown)
        changes = {"camera": None, "pin": None} if not same else {}
        return new.with_pane(j, view=shown[0], layout=shown[1], settings=shown[2], **changes)
    cut = placed(cut, layout.volume_shape)
    if flat.view in LED:
        return _settings_lead(new, i, j, layout, cut)
    known = section(layout, cut)
    if flat.layout is None or known is None or flat.layout == known or flat.view != "heatmap":
        return new
    if (flat.layout.rows, flat.layout.cols) != (known.rows, known.cols):
        return new
    at = index_along(layout, flat.layout, cut.axis)
    across = set(_sides(layout, cut.axis)[0])
    others = tuple((axis, index) for axis, index in flat.layout.fixed if axis not in across)
    moved = replace(layout, fixed=others)
    kept = volume.layout if moved == layout else moved
    return new.with_pane(i, space=replace(volume.space, cut=replace(cut, at=at)), layout=kept)


def _lies_as(view: str, layout: Layout, settings: Settings, shown: tuple[str, Layout, Settings]) -> bool:
    """Whether the cells of two flat pictures are on one grid."""
    sheets = (view == "plane", shown[0] == "plane")
    same = sheets[0] == sheets[1] and (layout.rows, layout.cols) == (shown[1].rows, shown[1].cols)
    return same and grid_of(find_view(view), layout, settings) == grid_of(find_view(shown[0]), *shown[1:])


def _settings_lead(new: WorkspaceState, i: int, j: int, layout: Layout, cut: Cut) -> WorkspaceState:
    """The settings of the flat picture in pane ``j`` were changed: the slab of pane ``i`` is what they say."""
    volume, flat, known = new.panes[i], new.panes[j], companion(layout, cut)
    if (known[0], known[1]) != (flat.view, flat.layout) or flat.settings == known[2]:
        return new
    told = {**dict(known[2]), **dict(flat.settings)}
    fields: dict[str, Any] = {LED[flat.view][name]: value for name, value in told.items() if name in LED[flat.view]}
    moved = placed(replace(cut, **fields), layout.volume_shape)
    shown = companion(layout, moved)
    new = new.with_pane(i, space=replace(volume.space, cut=moved))
    return new.with_pane(j, view=shown[0], layout=shown[1], settings=shown[2])


def companion(layout: Layout, cut: Cut) -> tuple[str, Layout, Settings]:
    """View, layout and settings of the flat picture of what a cut shows.

    The heat map of one plane, the section of a slab of several, or the free plane.
    """
    if not cut.axis:
        free = {name: getattr(cut, field) for name, field in LED["plane"].items()}
        return "plane", layout, tuple(sorted(free.items()))
    flat = section(layout, cut)
    if cut.thickness == 1 and flat is not None:
        return "heatmap", flat, ()
    across, rows, cols = _sides(layout, cut.axis)
    settings = (("at", int(cut.at)), ("thickness", cut.thickness), ("through", cut.reduction))
    return "section", Layout(layout.shape, rows, cols, layout.fixed, layout.split, across), settings


def _sides(layout: Layout, axis: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Axes of the tensor across a plane, and those of its rows and columns."""
    sides = {
        "z": (layout.depth, layout.rows, layout.cols),
        "y": (layout.rows, layout.depth, layout.cols),
        "x": (layout.cols, layout.rows, layout.depth),
    }
    return sides[axis]
