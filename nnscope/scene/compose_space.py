"""From what a pane of three dimensions must show to its `PaneFrame`, and the picture that is missing for it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.cutting import facing
from nnscope.compute.space.perspective import eye
from nnscope.core.frame import SpaceFrame
from nnscope.core.landscape import LandscapePicture
from nnscope.scene.compose import Composed, begun
from nnscope.scene.ground_axes import over_ground
from nnscope.scene.orbit import fitted
from nnscope.scene.spacework import SpaceKey
from nnscope.scene.ticks import axis_ticks
from nnscope.views.registry import home

if TYPE_CHECKING:
    from nnscope.core.cut import CutPlane
    from nnscope.core.frame import AxisTicks
    from nnscope.core.space import Camera3D
    from nnscope.core.space_picture import Bounds, SpacePicture
    from nnscope.scene.compose import Place
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.spacework import SpaceStore
    from nnscope.views.base import SpaceView

STEP = 0.5  # voxels between samples


def compose_space(
    resolved: Resolved, orbit: Camera3D | None, place: Place, spaces: SpaceStore, quality: int = 1
) -> Composed:
    """The frame of a pane from the pictures at hand.

    Parameters
    ----------
    resolved : Resolved
        With a view of three dimensions.
    orbit : Camera3D or None
        None looks at the whole picture.
    place : Place
    spaces : SpaceStore
    quality : int
        Device pixels a side for which one ray is sent.
    """
    base, view = begun(resolved, place), resolved.space_view
    assert view is not None
    if base.message:
        return Composed(base)
    camera = orbit if orbit is not None else fitted(home(view, resolved.layout), resolved.bounds, place.picture)
    key = space_key(resolved, view.level(resolved.layout, resolved.settings, camera, place.picture))
    found = at_hand(key, spaces)
    stale = found is None or found[0] != key or found[1].version < resolved.version
    wanted = key if stale and resolved.stats is not None else None
    if found is None or found[1].bounds != resolved.bounds or resolved.style is None:
        return Composed(replace(base, message="Reading …"), wanted=wanted, level=key.level, orbit=camera)
    held, picture = found
    frame = replace(
        base,
        normalisation=resolved.normalisation,
        style=resolved.style,
        legend=resolved.legend(picture, picture.level),
        space=replace(
            _space(resolved, camera, picture, (held, quality)),
            plane=_plane(resolved, view, camera, place),
            axes=_ticks(resolved, camera, place, picture),
        ),
    )
    return Composed(frame, picture=picture, level=picture.level, wanted=wanted, orbit=camera)


def _space(resolved: Resolved, camera: Camera3D, picture: SpacePicture, held: tuple[SpaceKey, int]) -> SpaceFrame:
    """The picture as it is looked at; ``held`` is its key, and the quality."""
    key, quality = held
    return SpaceFrame(
        (key, picture.version),
        picture,
        camera,
        resolved.space.mode,
        resolved.space.interpolation,
        step=STEP if quality == 1 else 2 * STEP,
        quality=quality,
        threshold=resolved.space.threshold or 0.0,
        gain=resolved.space.gain,
        opacity=resolved.space.opacity,
        shaded=resolved.space.shading,
        clip=resolved.space.clip,
    )


def _plane(resolved: Resolved, view: SpaceView, camera: Camera3D, place: Place) -> CutPlane | None:
    """The cut as it is seen from the camera."""
    if resolved.space.cut is None:
        return None
    plane = facing(resolved.space.cut, camera, resolved.layout.volume_shape, place.picture)
    return replace(plane, factor=view.factor(resolved.layout, resolved.space))


def space_key(resolved: Resolved, level: int) -> SpaceKey:
    """The picture of a level."""
    info, view = resolved.info, resolved.space_view
    assert view is not None
    settings = view.asked(resolved.settings, resolved.space, level)
    return SpaceKey(resolved.source, info.address, view.name, resolved.layout, settings, level)


def at_hand(key: SpaceKey, spaces: SpaceStore) -> tuple[SpaceKey, SpacePicture] | None:
    """The picture itself, else the nearest level of it that is there, else the last one with other settings."""
    others = sorted(range(16), key=lambda level: (abs(level - key.level), -level))
    for level in others:
        near = replace(key, level=level)
        found = spaces.get(near)
        if found is not None:
            return near, found
    return spaces.like(key)


def _ticks(
    resolved: Resolved, camera: Camera3D, place: Place, picture: SpacePicture
) -> tuple[AxisTicks, AxisTicks, AxisTicks]:
    layout, view = resolved.layout, resolved.space_view
    assert view is not None
    zooms = _zooms(camera, resolved.bounds, place)
    depth, rows, cols = (
        axis_ticks(layout, axes, resolved.info.axes, (0, int(size)), zoom)
        for axes, size, zoom in zip(view.sides(layout), resolved.bounds, zooms, strict=True)
    )
    if isinstance(picture, LandscapePicture):
        return over_ground((depth, rows, cols), picture, zooms[1])
    return depth, rows, cols


def _zooms(camera: Camera3D, bounds: Bounds, place: Place) -> list[float]:
    """Logical pixels per voxel along depth, height and width, about the middle of the box."""
    seen = eye(camera, bounds, place.picture)
    middle = np.array(bounds[::-1]) / 2
    ends = middle + np.concatenate([np.diag(middle), -np.diag(middle)])
    pixels, depth = seen.project(ends)
    if not (depth > 0).all():
        return [1.0, 1.0, 1.0]
    along = np.linalg.norm(pixels[:3] - pixels[3:], axis=1) / np.array(bounds[::-1])
    return [float(zoom) / place.scale for zoom in along[::-1]]
