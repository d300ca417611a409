"""The textures of volumes: values, states where there are any, and what bricks can hold; the least recently used go."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.core.errors import NnscopeError
from nnscope.core.picture import State
from nnscope.core.volume import BRICK, VolumePicture, fold

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.frame import SpaceFrame
    from nnscope.core.volume import Fold

BUDGET = 768 << 20  # bytes of textures that no frame needs at present
EXTREMES = ("mip", "minip", "signed")  # modes in which a brick that can't surpass what was found is skipped
WORTH_SKIPPING = 0.4  # of the bricks
_F32_MAX = float(np.finfo(np.float32).max)


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
    fold : Fold or None
    """

    def __init__(self, picture: VolumePicture, limit: int) -> None:
        self._picture = picture
        shape = picture.values.shape
        self.fold = _fold(picture, limit) if max(shape) > limit else None
        self.values: Any = self._upload(picture.values, "r32f")
        self.states: Any = None if picture.states is None else self._upload(picture.states, "r8")
        self._scores: dict[str, Any] = {}
        self._skips: dict[str, bool] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the large textures."""
        return self._picture.nbytes

    def scores(self, mode: str) -> Any:
        """A texture of the highest score in each brick; see ``shaders/volume/extreme.frag``."""
        if mode not in self._scores:
            scores = brick_scores(self._picture, mode)
            self._scores[mode] = gloo.Texture3D(scores, format="red", internalformat="r32f", interpolation="nearest")
        return self._scores[mode]

    def skips(self, mode: str) -> bool:
        """Whether looking at bricks first saves more than it costs; noise has its extremes everywhere."""
        if mode not in self._skips:
            self._skips[mode] = skipped_share(self._picture, mode) > WORTH_SKIPPING
        return self._skips[mode]

    def apply(self, program: Any, linear: bool) -> None:
        """Set the uniforms of ``voxels.glsl``."""
        self.values.interpolation = "linear" if linear else "nearest"
        program["u_values"] = self.values
        if self.states is not None:
            program["u_states"] = self.states
        program["u_texel"] = tuple(1.0 / side for side in reversed(self.values.shape[:3]))
        if self.fold is not None:
            program["u_folded"] = _unit(self.fold.axis)
            program["u_stacked"] = _unit(self.fold.along)
            step = self._picture.values.shape[self.fold.along] + 2
            program["u_pieces"] = (self.fold.length, step, self.fold.pieces - 1)

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for texture in (self.values, self.states, *self._scores.values()):
            if texture is not None:
                texture.delete()

    def _upload(self, voxels: np.ndarray, internal: str) -> Any:
        made = {"format": "red", "internalformat": internal, "interpolation": "nearest", "wrapping": "clamp_to_edge"}
        if self.fold is None:
            return gloo.Texture3D(np.ascontiguousarray(voxels)[..., None], **made)
        texture = gloo.Texture3D((*self.fold.shape, 1), **made)
        for piece in range(self.fold.pieces):
            part, corner = folded_piece(voxels, self.fold, piece)
            texture.set_data(part[..., None], offset=corner)
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


def brick_scores(picture: VolumePicture, mode: str) -> np.ndarray:
    """The highest score in each brick: float32, shape [z, y, x] of bricks. One with odd values is never skipped."""
    low, high = picture.low, picture.high
    scores = {"mip": high, "minip": -low, "signed": np.maximum(high, -low)}[mode]
    scores = np.clip(scores, -_F32_MAX, _F32_MAX)
    if picture.states is not None:
        odd = (picture.states != State.FINITE) & (picture.states != State.PADDING)
        scores = np.where(_any_in_brick(odd, low.shape), np.float32(_F32_MAX), scores)
    return np.ascontiguousarray(scores[..., None], np.float32)


def skipped_share(picture: VolumePicture, mode: str) -> float:
    """Share of the bricks that can't surpass what rays along the depth find: one ray for a few bricks."""
    stride = BRICK + 1  # falls on all places within bricks
    columns = picture.values[:, ::stride, ::stride]
    score = np.abs(columns) if mode == "signed" else -columns if mode == "minip" else columns
    best = score.max(0)
    scores = brick_scores(picture, mode)[..., 0]
    rows, cols = (np.arange(0, side, stride) // BRICK for side in picture.values.shape[1:])
    return float((scores[:, rows[:, None], cols] <= best).mean())


def _any_in_brick(marked: np.ndarray, bricks: tuple[int, ...]) -> np.ndarray:
    for axis in range(3):
        marked = np.logical_or.reduceat(marked, range(0, marked.shape[axis], BRICK), axis=axis)
    return marked


def folded_piece(voxels: np.ndarray, how: Fold, piece: int) -> tuple[np.ndarray, tuple[int, int, int]]:
    """A piece of a volume with what is around it, and its first texel [z, y, x]."""
    first = piece * how.length
    size = voxels.shape
    cut = np.clip(np.arange(first - 1, first + how.length + 1), 0, size[how.axis] - 1)
    stacked = np.clip(np.arange(-1, size[how.along] + 1), 0, size[how.along] - 1)
    part = voxels.take(cut, axis=how.axis).take(stacked, axis=how.along)
    corner = [0, 0, 0]
    corner[how.along] = piece * len(stacked)
    return np.ascontiguousarray(part), (corner[0], corner[1], corner[2])


def _fold(picture: VolumePicture, limit: int) -> Fold:
    found = fold(picture.values.shape, limit)
    if found is None:
        raise NnscopeError(f"This volume does not fit into textures of {limit} a side.", picture.address)
    return found


def _unit(axis: int) -> tuple[float, ...]:
    """The unit vector (x, y, z) along an axis of [z, y, x]."""
    return tuple(float(2 - axis == i) for i in range(3))
