"""The textures of volumes: values, states where there are any, and what bricks can hold; the least recently used go."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.transfer import extinctions
from nnscope.core.errors import NnscopeError
from nnscope.core.volume import BRICK, VolumePicture, fold
from nnscope.render.bricks import EXTREMES, cleared, extreme_bricks, misty_bricks, summed_bricks, surface_bricks
from nnscope.render.prepass import Hull, worth_drawing

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.core.legend import Normalisation
    from nnscope.core.volume import Fold
    from nnscope.render.bricks import Bricks

BUDGET = 768 << 20  # bytes of textures that no frame needs at present
LARGE = 256 << 20  # bytes of values from which half floats are worth a look
SLAB = 16 << 20  # bytes that are uploaded at once
WORTH_LOOKING = 0.4  # share of bricks that extremes must pass over; a first glance along the rays comes with it
WORTH_PASSING = 0.1  # likewise for the other modes


class BrickTextures:
    """The bricks of a volume for one mode.

    Parameters
    ----------
    bricks : Bricks
    box : (float, float, float)
        Size (x, y, z) of the volume in voxels of the level.

    Attributes
    ----------
    floor : float
        See `Bricks`.
    hull : Hull or None
        What is drawn to see where rays meet bricks that hold anything; None when that is nearly everywhere.
    """

    def __init__(self, bricks: Bricks, box: tuple[float, ...]) -> None:
        made = {"format": "red", "internalformat": "r32f", "interpolation": "nearest", "wrapping": "clamp_to_edge"}
        self._scores: Any = gloo.Texture3D(bricks.scores[..., None], **made)
        self._share = tuple(1.0 / side for side in reversed(bricks.scores.shape))
        self.floor = bricks.floor
        self.hull = Hull(bricks, box) if worth_drawing(bricks) else None

    def apply(self, program: Any) -> None:
        """Set the uniforms of ``bricks.glsl``."""
        program["u_scores"] = self._scores
        program["u_bricks"] = self._share

    def delete(self) -> None:
        """Free them; the context must be current."""
        self._scores.delete()
        if self.hull is not None:
            self.hull.delete()


class VoxelTextures:
    """The textures of one volume.

    Parameters
    ----------
    picture : VolumePicture
    limit : int
        The driver's largest side of a texture of three dimensions.

    Attributes
    ----------
    values : gloo.Texture3D
    states : gloo.Texture3D or None
    tints, weights : gloo.Texture3D or None
        See `VolumePicture`.
    fold : Fold or None
    """

    def __init__(self, picture: VolumePicture, limit: int) -> None:
        self._picture = picture
        shape = picture.values.shape
        self.fold = _fold(picture, limit) if max(shape) > limit else None
        self._half = is_half(picture.values)
        self.values: Any = self._upload(picture.values, "r16f" if self._half else "r32f")
        self.states: Any = None if picture.states is None else self._upload(picture.states, "r8")
        self.tints, self.weights = _tints(picture), _weights(picture)
        self._bricks: dict[str, tuple[tuple[object, ...], BrickTextures | None]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the large textures."""
        values = self._picture.values
        plain = self._picture.nbytes - (values.nbytes // 2 if self._half else 0)
        return folded_nbytes(plain, values.size, self.fold)

    def bricks(self, pane: PaneFrame, space: SpaceFrame) -> BrickTextures | None:
        """What the mode of a pane knows of its bricks; None where looking at them first would cost more than it saves.

        Noise has its extremes everywhere.
        """
        tuning = mode_tuning(pane, space)
        if space.mode not in self._bricks or self._bricks[space.mode][0] != tuning:
            _, old = self._bricks.pop(space.mode, (None, None))
            if old is not None:
                old.delete()
            self._bricks[space.mode] = (tuning, self._look_at_bricks(pane, space))
        return self._bricks[space.mode][1]

    def _look_at_bricks(self, pane: PaneFrame, space: SpaceFrame) -> BrickTextures | None:
        picture = self._picture
        bricks = _bricks_of(picture, pane, space)
        if space.mode in EXTREMES:
            worth = passed_share(picture, space.mode, bricks) > WORTH_LOOKING
        else:
            worth = float(bricks.occupied.mean()) < 1.0 - WORTH_PASSING
        side = 2.0**picture.level
        return BrickTextures(bricks, tuple(size / side for size in reversed(picture.shape))) if worth else None

    def apply(self, program: Any, linear: bool) -> None:
        """Set the uniforms of ``voxels.glsl``."""
        self.values.interpolation = "linear" if linear else "nearest"
        program["u_values"] = self.values
        if self.states is not None:
            program["u_states"] = self.states
        program["u_texel"] = tuple(1.0 / side for side in reversed(self.values.shape[:3]))
        if self.fold is not None:
            apply_fold(program, self.fold)

    def delete(self) -> None:
        """Free everything; the context must be current."""
        own = (self.values, self.states, self.tints, self.weights)
        for thing in (*own, *(bricks for _, bricks in self._bricks.values())):
            if thing is not None:
                thing.delete()

    def _upload(self, voxels: np.ndarray, internal: str) -> Any:
        made = {"format": "red", "internalformat": internal, "interpolation": "nearest", "wrapping": "clamp_to_edge"}
        if self.fold is None:
            texture = gloo.Texture3D((*voxels.shape, 1), **made)
            for first in _slabs(voxels):
                texture.set_data(np.ascontiguousarray(voxels[first])[..., None], offset=(first.start, 0, 0))
                gloo.flush()  # else all of them wait in memory
            return texture
        texture = gloo.Texture3D((*self.fold.shape, 1), **made)
        upload_folded(texture, voxels, self.fold)
        return texture


class VolumeTextures:
    """The volumes at hand, by key.

    Parameters
    ----------
    limit : int
        The driver's largest side of a texture of three dimensions.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, VoxelTextures] = OrderedDict()
        self.uploads = 0

    def get(self, space: SpaceFrame) -> VoxelTextures:
        """The textures of a frame's volume, uploaded if they are not there."""
        found = self._kept.get(space.key)
        if found is None:
            assert isinstance(space.picture, VolumePicture)
            found = self._kept[space.key] = VoxelTextures(space.picture, self._limit)
            self.uploads += 1
        self._kept.move_to_end(space.key)
        return found

    def trim(self, needed: set[Hashable]) -> None:
        """Let volumes go that are not needed, the least recently used first, until the rest fits the budget."""
        for key in [key for key in self._kept if key not in needed]:
            if sum(volume.nbytes for volume in self._kept.values()) <= BUDGET:
                return
            self._kept.pop(key).delete()

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for volume in self._kept.values():
            volume.delete()
        self._kept.clear()


def mist(picture: VolumePicture, normalisation: Normalisation, space: SpaceFrame) -> np.ndarray:
    """Extinctions of a translucent picture, with 0 where rays may pass over bricks."""
    return cleared(extinctions(normalisation, space.gain, picture.shape, space.opacity), picture.shape)


def mode_tuning(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
    """What else the bricks of a mode depend on."""
    if space.mode == "surface":
        return (space.threshold,)
    return (space.gain, space.opacity, pane.normalisation) if space.mode == "translucent" else ()


def _bricks_of(picture: VolumePicture, pane: PaneFrame, space: SpaceFrame) -> Bricks:
    if space.mode in EXTREMES:
        return extreme_bricks(picture, space.mode)
    if space.mode == "surface":
        return surface_bricks(picture, space.threshold)
    if space.mode == "translucent":
        assert pane.normalisation is not None
        return misty_bricks(picture, pane.normalisation, mist(picture, pane.normalisation, space))
    return summed_bricks(picture)


def is_half(values: np.ndarray) -> bool:
    """Whether a large volume holds nothing that 16 bits do not hold exactly; a small one stays as it is."""
    with np.errstate(over="ignore"):
        return values.nbytes >= LARGE and all(
            np.array_equal(values[part].astype(np.float16), values[part]) for part in _slabs(values)
        )


def _slabs(voxels: np.ndarray) -> list[slice]:
    """Depths in parts of about `SLAB` bytes."""
    depths = max(1, SLAB * len(voxels) // max(1, voxels.nbytes))
    return [slice(first, first + depths) for first in range(0, len(voxels), depths)]


def passed_share(picture: VolumePicture, mode: str, bricks: Bricks) -> float:
    """Share of the bricks that can't surpass what rays along the depth find: one ray for a few bricks."""
    stride = BRICK + 1  # falls on all places within bricks
    columns = picture.values[:, ::stride, ::stride]
    score = np.abs(columns) if mode == "signed" else -columns if mode == "minip" else columns
    rows, cols = (np.arange(0, side, stride) // BRICK for side in picture.values.shape[1:])
    return float((bricks.scores[:, rows[:, None], cols] <= score.max(0)).mean())


def upload_folded(texture: Any, voxels: np.ndarray, how: Fold) -> None:
    """Upload a volume piece by piece, each with what is around it."""
    for piece in np.ndindex(how.pieces):
        spans = (
            np.clip(np.arange(at * length - 1, (at + 1) * length + 1), 0, side - 1)
            for at, length, side in zip(piece, how.lengths, voxels.shape, strict=True)
        )
        corner = [0, 0, 0]
        corner[how.along] = int(np.dot(piece, how.steps))
        texture.set_data(np.ascontiguousarray(voxels[np.ix_(*spans)])[..., None], offset=tuple(corner))
        gloo.flush()  # else all of them wait in memory


def apply_fold(program: Any, how: Fold) -> None:
    """Set the uniforms of ``voxels.glsl`` that say where a voxel lies; they go by x, y, z."""
    program["u_lengths"] = how.lengths[::-1]
    program["u_last"] = tuple(count - 1 for count in reversed(how.pieces))
    program["u_steps"] = how.steps[::-1]
    program["u_stacked"] = tuple(float(2 - how.along == i) for i in range(3))


def folded_nbytes(nbytes: int, voxels: int, how: Fold | None) -> int:
    """About the bytes that so many bytes of voxels take in a texture, which may be folded."""
    return nbytes if how is None else nbytes * math.prod(how.shape) // voxels


def _fold(picture: VolumePicture, limit: int) -> Fold:
    found = fold(picture.values.shape, limit)
    if found is None:
        raise NnscopeError(f"This volume does not fit into textures of {limit} a side.", picture.address)
    return found


def _tints(picture: VolumePicture) -> Any:
    if picture.tints is None:
        return None
    made = {"format": "rgb", "internalformat": "rgb8", "interpolation": "nearest", "wrapping": "clamp_to_edge"}
    return gloo.Texture3D(np.ascontiguousarray(picture.tints), **made)


def _weights(picture: VolumePicture) -> Any:
    if picture.weights is None:
        return None
    made = {"format": "red", "internalformat": "r32f", "interpolation": "nearest", "wrapping": "clamp_to_edge"}
    return gloo.Texture3D(np.ascontiguousarray(picture.weights[:, None, None, None]), **made)
