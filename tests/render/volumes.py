"""Panes with volumes for the tests, and what their rays must find by plain float64 arithmetic."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.compute.space.rays import comb, crossed, interpolated
from nnscope.compute.space.voxels import brick_ranges, reduce_block
from nnscope.core.frame import Frame, PaneFrame, Rect, SpaceFrame
from nnscope.core.layout import volume_layout
from nnscope.core.space import MODES, Camera3D
from nnscope.core.volume import BRICK, VolumePicture
from nnscope.views.volume_pick import Met, along, ray_at
from tests.render import building

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

FRONT = Camera3D(0.0, 0.0, 2.0, None, 0.0)
NOTHING = 7


def picture(x: np.ndarray, level: int = 0, mode: str = "mip") -> VolumePicture:
    """The volume of an array [z, y, x], which may hold values that are no finite number."""
    x = np.asarray(x, np.float32)
    values, states = reduce_block(x, None, 2**level, MODES[mode])
    ranges = brick_ranges(values, states, BRICK)
    return VolumePicture("t", "volume", volume_layout(x.shape), 0, x.shape, level, values, states, *ranges, "max", ())


def pane(shown: VolumePicture, camera: Camera3D = FRONT, size: tuple[int, int] = (96, 80), **how: Any) -> PaneFrame:
    """A pane of nothing but a volume."""
    place = Rect(4, 6, *size)
    space = SpaceFrame(("volume", next(building.numbers)), shown, camera, **how)
    norm = building.linear(*how.pop("limits", (-1.0, 1.0)))
    rect = Rect(0, 0, size[0] + 8, size[1] + 12)
    return PaneFrame(rect, place, normalisation=norm, style=building.style(), space=space)


def drawn(screen: Offscreen, shown: PaneFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of the picture, and the values and states that the rays found."""
    pixels = screen.draw(Frame(shown.rect.w, shown.rect.h, (shown,)))
    with screen.renderer() as renderer:
        found = renderer.spaces.found(0)
    return building.inside(pixels, shown), found[..., 0], found[..., 1].astype(int)


def ray(shown: PaneFrame, x: int, y: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Origin and direction of the ray through the centre of a pixel, and the box, in voxels of the picture's level."""
    assert shown.space is not None
    return ray_at(shown.space, shown.picture, shown.picture.x + x + 0.5, shown.picture.y + y + 0.5)


def met(shown: PaneFrame, x: int, y: int) -> np.ndarray:
    """The values along a ray, as float64; NaN and infinities for what is no finite number."""
    assert shown.space is not None
    volume, way = shown.space.picture, ray(shown, x, y)
    values = volume.values.astype(np.float64)
    if volume.states is not None:
        values = np.select([volume.states == s for s in (1, 2, 3)], [math.nan, math.inf, -math.inf], values)
    if shown.space.interpolation == "linear":
        return interpolated(values, comb(*way, shown.space.step)[0])
    voxels, _ = crossed(*way)
    found: np.ndarray = values[tuple(voxels.T)]
    return found


def met_at(shown: PaneFrame, x: int, y: int) -> Met:
    """The finite values along a ray through the centre of a pixel, with the lengths that belong to them."""
    assert shown.space is not None
    return along(shown.space, ray(shown, x, y))


def extreme(met: np.ndarray, mode: str) -> tuple[float, int]:
    """The value and state that a ray must find."""
    if not len(met):
        return 0.0, NOTHING
    numbers = met[~np.isnan(met)]
    if not len(numbers):
        return 0.0, 1
    finite = numbers[np.isfinite(numbers)]
    best = numbers[np.argmax(_score(numbers, mode))]
    if np.isinf(best) and len(finite) and _score(best, mode) < 0:
        best = finite[np.argmax(_score(finite, mode))]
    if np.isfinite(best):
        return float(best), 0
    return 0.0, 2 if best > 0 else 3


def _score(values: np.ndarray, mode: str) -> np.ndarray:
    return np.abs(values) if mode == "signed" else -values if mode == "minip" else values


def with_quality(shown: PaneFrame, quality: int) -> PaneFrame:
    """The same with one ray for so many pixels a side."""
    assert shown.space is not None
    return replace(shown, space=replace(shown.space, quality=quality))
