"""From what a pane with a volume must show to its `PaneFrame`, and the level of the volume that is missing. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space.perspective import eye
from nnscope.core.frame import SpaceFrame
from nnscope.core.space import MODES, Camera3D
from nnscope.scene.compose import Composed, begun
from nnscope.scene.orbit import fitted, level_for
from nnscope.scene.ticks import axis_ticks
from nnscope.scene.volumes import VolumeKey

if TYPE_CHECKING:
    from nnscope.core.frame import AxisTicks
    from nnscope.core.request import Settings
    from nnscope.core.volume import Shape3, VolumePicture
    from nnscope.scene.compose import Place
    from nnscope.scene.resolve import Resolved
    from nnscope.scene.volumes import VolumeStore

STEP = 0.5  # voxels between samples


def compose_space(
    resolved: Resolved, orbit: Camera3D | None, place: Place, volumes: VolumeStore, quality: int = 1
) -> Composed:
    """The frame of a pane from the volumes at hand.

    Parameters
    ----------
    resolved : Resolved
    orbit : Camera3D or None
        None looks at the whole volume.
    place : Place
    volumes : VolumeStore
    quality : int
        Device pixels a side for which one ray is sent.
    """
    base = begun(resolved, place)
    if base.message:
        return Composed(base)
    shape = resolved.layout.volume_shape
    camera = orbit if orbit is not None else fitted(Camera3D(), shape, place.picture)
    key = volume_key(resolved, level_for(camera, shape, place.picture))
    picture = at_hand(key, volumes)
    stale = picture is None or picture.level != key.level or picture.version < resolved.version
    wanted = key if stale and resolved.stats is not None else None
    if picture is None or resolved.style is None:
        return Composed(replace(base, message="Reading …"), wanted=wanted, level=key.level, orbit=camera)
    held = replace(key, level=picture.level)
    frame = replace(
        base,
        normalisation=resolved.normalisation,
        style=resolved.style,
        legend=resolved.legend(picture, picture.level),
        space=SpaceFrame(
            (held, picture.version),
            picture,
            camera,
            resolved.space.mode,
            resolved.space.interpolation,
            step=STEP if quality == 1 else 2 * STEP,
            quality=quality,
            threshold=resolved.space.threshold or 0.0,
            gain=resolved.space.gain,
            axes=_ticks(resolved, camera, place),
        ),
    )
    return Composed(frame, picture=picture, level=picture.level, wanted=wanted, orbit=camera)


def volume_key(resolved: Resolved, level: int) -> VolumeKey:
    """The volume of a level; the finest is the same whatever the mode."""
    info, settings = resolved.info, volume_settings(resolved, level)
    return VolumeKey(resolved.source, info.address, resolved.view.name, resolved.layout, settings, level)


def volume_settings(resolved: Resolved, level: int) -> Settings:
    """The view's settings for requests, with the reduction that the mode calls for."""
    reduction = MODES[resolved.space.mode] if level else "max"
    return tuple(sorted({**dict(resolved.settings), "reduction": reduction}.items()))


def at_hand(key: VolumeKey, volumes: VolumeStore) -> VolumePicture | None:
    """The volume itself, else the nearest level of it that is there."""
    others = sorted(range(16), key=lambda level: (abs(level - key.level), -level))
    return next((found for level in others if (found := volumes.get(replace(key, level=level)))), None)


def _ticks(resolved: Resolved, camera: Camera3D, place: Place) -> tuple[AxisTicks, AxisTicks, AxisTicks]:
    layout, shape = resolved.layout, resolved.layout.volume_shape
    zooms = _zooms(camera, shape, place)
    depth, rows, cols = (
        axis_ticks(layout, axes, resolved.info.axes, (0, size), zoom)
        for axes, size, zoom in zip((layout.depth, layout.rows, layout.cols), shape, zooms, strict=True)
    )
    return depth, rows, cols


def _zooms(camera: Camera3D, shape: Shape3, place: Place) -> list[float]:
    """Logical pixels per voxel along depth, rows and columns, about the middle of the volume."""
    seen = eye(camera, shape, place.picture)
    middle = np.array(shape[::-1]) / 2
    ends = middle + np.concatenate([np.diag(middle), -np.diag(middle)])
    pixels, depth = seen.project(ends)
    if not (depth > 0).all():
        return [1.0, 1.0, 1.0]
    along = np.linalg.norm(pixels[:3] - pixels[3:], axis=1) / np.array(shape[::-1])
    return [float(zoom) / place.scale for zoom in along[::-1]]
