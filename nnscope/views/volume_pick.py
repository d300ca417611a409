"""Which voxel of a volume made what is seen at a pixel, found by a walk along its ray. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.space import cutting
from nnscope.compute.space.perspective import pencil
from nnscope.compute.space.rays import comb, crossed, interpolated
from nnscope.compute.space.transfer import colour_places, extinctions, shares
from nnscope.core.picture import State
from nnscope.core.volume import VolumePicture

if TYPE_CHECKING:
    from nnscope.core.cut import Box, CutPlane
    from nnscope.core.frame import PaneFrame, Rect, SpaceFrame
    from nnscope.core.volume import Shape3

Ray = tuple[np.ndarray, np.ndarray, np.ndarray]


def voxel_under(pane: PaneFrame, x: float, y: float) -> Shape3 | None:
    """[z, y, x] in voxels of the level that is drawn; None where nothing is seen.

    In pictures of extremes and surfaces it is the voxel whose value is shown; in the others, to which many add, the one
    that adds most.

    Parameters
    ----------
    pane : PaneFrame
        With a volume and its normalisation.
    x, y : float
        Screen position in device pixels; the centre of a pixel is at its index + ½.
    """
    space = pane.space
    assert space is not None
    if space.plane is not None:
        origin, towards = pencil(space.camera, space.picture.bounds, pane.picture).ray(
            x - pane.picture.x, y - pane.picture.y
        )
        point = cutting.met(space.plane, origin, towards, shown_box(space))
        if point is not None:
            return _on_cut(space, space.plane, point)
        if cutting.hidden(space.plane, origin, towards, shown_box(space)):
            return None
    met = along(space, ray_at(space, pane.picture, x, y))
    held = met.states != State.PADDING
    weights = np.where(held, _weights(pane, space, met), -np.inf)
    if not len(weights) or weights.max() == -np.inf:
        return None
    z, row, col = met.voxels[int(np.argmax(weights))].tolist()
    return z, row, col


def ray_at(space: SpaceFrame, picture: Rect, x: float, y: float) -> Ray:
    """Origin, direction and box of the ray at a screen position, in voxels of the level."""
    bounds, side = space.picture.bounds, 2.0**space.picture.level
    origin, towards = pencil(space.camera, bounds, picture).ray(x - picture.x, y - picture.y)
    return origin / side, towards / side, np.array(shown_box(space)) / side


def shown_box(space: SpaceFrame) -> Box:
    """The corners of what is shown, in voxels of level 0."""
    depth, height, width = space.picture.bounds
    return space.clip or ((0.0, 0.0, 0.0), (width, height, depth))


def _on_cut(space: SpaceFrame, plane: CutPlane, point: np.ndarray) -> Shape3 | None:
    """The voxel of the level that a place of the cut shows: of a slab the one with that value, the first of a mean."""
    volume = space.picture
    assert isinstance(volume, VolumePicture)
    voxels = cutting.column(plane, point, volume.shape) >> volume.level
    if not len(voxels):
        return None
    places = tuple(voxels.T)
    states = np.zeros(len(voxels), np.uint8) if volume.states is None else volume.states[places]
    met = Met(voxels, volume.values[places].astype(np.float64), states, np.ones(len(voxels)))
    at = through_slab(plane, met, states != State.PADDING)
    if at is None:
        return None
    z, row, col = voxels[at].tolist()
    return z, row, col


def through_slab(plane: CutPlane, met: Met, held: np.ndarray) -> int | None:
    """Which place through a slab is shown, of those that are held: the one with that value, the first of a mean."""
    mode = {"max": "mip", "extremes": "signed"}.get(plane.reduction)
    scores = np.zeros(len(held)) if mode is None else _scores(mode, met)
    scores = np.where(held, scores, -np.inf)
    return int(np.argmax(scores)) if len(held) and scores.max() > -np.inf else None


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """What a ray meets, in order.

    Attributes
    ----------
    voxels : ndarray of int64, shape (n, 3)
        [z, y, x] of each.
    values : ndarray of float64
        0 where the state is not FINITE.
    states : ndarray of uint8
    lengths : ndarray of float64
        Of the ray that belongs to each, in voxels of the level.
    """

    voxels: np.ndarray
    values: np.ndarray
    states: np.ndarray
    lengths: np.ndarray


def along(space: SpaceFrame, ray: Ray) -> Met:
    """What a ray meets."""
    volume = space.picture
    assert isinstance(volume, VolumePicture)
    if space.interpolation == "linear" and volume.states is None:
        positions, length = comb(*ray, space.step)
        last = np.array(volume.values.shape) - 1
        voxels = np.clip(np.floor(positions[:, ::-1]).astype(np.int64), 0, last)
        none = np.zeros(len(voxels), np.uint8)
        return Met(voxels, interpolated(volume.values, positions), none, np.full(len(voxels), length))
    voxels, bounds = crossed(*ray)
    places = tuple(voxels.T)
    states = np.zeros(len(voxels), np.uint8) if volume.states is None else volume.states[places]
    lengths = np.diff(bounds) * float(np.linalg.norm(ray[1]))
    return Met(voxels, volume.values[places].astype(np.float64), states, lengths)


def _weights(pane: PaneFrame, space: SpaceFrame, met: Met) -> np.ndarray:
    """How much each place is what is seen; −∞ for none of it."""
    odd = met.states != State.FINITE
    match space.mode:
        case "mip" | "minip" | "signed":
            return _scores(space.mode, met)
        case "surface":
            reaches = ~odd & (np.abs(met.values) >= space.threshold)
            return np.where(reaches, -np.arange(len(reaches)), -np.inf)
        case "translucent":
            assert pane.normalisation is not None
            shape = space.picture.layout.volume_shape
            found = extinctions(pane.normalisation, space.gain, shape, space.opacity)
            absorbs = np.where(odd, 0, found[colour_places(pane.normalisation, met.values)])
            volume = space.picture
            if isinstance(volume, VolumePicture) and volume.weights is not None:
                absorbs = absorbs * volume.weights[met.voxels[:, 0]]
            weights = shares(absorbs, met.lengths * 2.0**space.picture.level)
            return np.where(weights > 0, weights, -np.inf)
        case _:
            return np.where(odd, -1.0, np.abs(met.values) * met.lengths)


def _scores(mode: str, met: Met) -> np.ndarray:
    """NaN stands for a ray with nothing else."""
    values = np.select([met.states == State.POSINF, met.states == State.NEGINF], [np.inf, -np.inf], met.values)
    scores = np.abs(values) if mode == "signed" else -values if mode == "minip" else values
    most, least = np.finfo(np.float64).max, np.finfo(np.float64).min
    return np.where(met.states == State.NAN, least, np.clip(scores, least / 2, most))
