"""The visual of voxels on a grid: a walk along each ray to the first cube that is shown.

Textures of a picture that no frame needs any more are taken over by the next of the same shape, and only what differs
is uploaded: a tensor that changes in places, or tolerances that move, cost what they change.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.compute.space.voxels import block_maxima
from nnscope.core.errors import NnscopeError
from nnscope.core.volume import fold
from nnscope.core.voxels import VoxelPicture
from nnscope.render.rays import WHOLE, Programs, apply_rays
from nnscope.render.slabs import apply_begin, constants
from nnscope.render.voxels import apply_fold, folded_nbytes, upload_folded

if TYPE_CHECKING:
    from collections.abc import Hashable

    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.core.volume import Fold
    from nnscope.render.palettes import Palettes

BUDGET = 512 << 20  # bytes of textures that no frame needs at present
WORTH_SKIPPING = 0.02  # of the bricks
COURT = 4  # bricks a side of what is skipped at once; see ``cubes.frag``
_LIMIT = 0x8073  # GL_MAX_3D_TEXTURE_SIZE


class CubeTextures:
    """The textures of one picture.

    Parameters
    ----------
    picture : VoxelPicture
    limit : int
        The driver's largest side of a texture of three dimensions.

    Attributes
    ----------
    fold : Fold or None
    uploaded : int
        Cells uploaded so far.
    """

    def __init__(self, picture: VoxelPicture, limit: int) -> None:
        shape = picture.values.shape
        self.fold = _fold(picture, limit) if max(shape) > limit else None
        self.uploaded = 0
        self._picture = picture
        self._values = self._made("r32f")
        self._nodes = self._made("r8")
        self._states = None if picture.states is None else self._made("r8")
        self._peaks: Any = gloo.Texture3D(picture.peaks[..., None], **_format("r32f"))
        self._courts: Any = gloo.Texture3D(_courts(picture), **_format("r32f"))
        self._upload((slice(None),) * 3)

    @property
    def nbytes(self) -> int:
        """Bytes of the textures."""
        return folded_nbytes(self._picture.nbytes, self._picture.values.size, self.fold)

    def takes(self, picture: VoxelPicture) -> bool:
        """Whether a picture would fit into these textures."""
        old = self._picture
        same = (old.values.shape, old.states is None) == (picture.values.shape, picture.states is None)
        return same and self.fold is None

    def update(self, picture: VoxelPicture) -> None:
        """Hold another picture from now on: upload the smallest box that holds all that differs."""
        old, self._picture = self._picture, picture
        box = changed(old, picture)
        if box is not None:
            self._upload(box)
            self._peaks.set_data(picture.peaks[..., None])
            self._courts.set_data(_courts(picture))

    def skips(self, threshold: float) -> bool:
        """Whether looking at bricks first saves more than it costs: some must hold nothing that is shown."""
        return bool((self._picture.peaks < threshold).mean() > WORTH_SKIPPING)

    def apply(self, program: Any, shaded: bool, bricks: bool) -> None:
        """Set the uniforms of ``voxels.glsl`` and of ``cubes.frag``."""
        program["u_values"] = self._values
        if bricks:
            program["u_peaks"] = self._peaks
            program["u_courts"] = self._courts
            program["u_bricks"] = tuple(float(side) for side in reversed(self._picture.peaks.shape))
        if self._states is not None:
            program["u_states"] = self._states
        if shaded:
            program["u_nodes"] = self._nodes
        program["u_texel"] = tuple(1.0 / side for side in reversed(self._values.shape[:3]))
        if self.fold is not None:
            apply_fold(program, self.fold)

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for texture in (self._values, self._nodes, self._states, self._peaks, self._courts):
            if texture is not None:
                texture.delete()

    def _made(self, internal: str) -> Any:
        shape = self._picture.values.shape if self.fold is None else self.fold.shape
        return gloo.Texture3D((*shape, 1), **_format(internal))

    def _upload(self, box: tuple[slice, slice, slice]) -> None:
        picture = self._picture
        pairs = [(self._values, picture.values), (self._nodes, picture.nodes - np.uint8(picture.level))]
        if self._states is not None and picture.states is not None:
            pairs.append((self._states, picture.states))
        for texture, cells in pairs:
            if self.fold is None:
                part = np.ascontiguousarray(cells[box])[..., None]
                texture.set_data(part, offset=tuple(side.start or 0 for side in box))
            else:
                upload_folded(texture, cells, self.fold)
        self.uploaded += picture.values[box].size


class CubeVisual:
    """Draws voxels on a grid; see `nnscope.render.spaces.SpaceVisual`."""

    depth = False

    def __init__(self, palettes: Palettes) -> None:
        self._programs = Programs()
        self._limit = int(gloo.gl.glGetParameter(_LIMIT))
        self._kept: OrderedDict[Hashable, CubeTextures] = OrderedDict()
        self._needed: set[Hashable] = set()

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """Which cubes are shown, and how."""
        return (space.threshold, space.shaded, space.clip, space.plane)

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """Cubes are opaque."""
        return False

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Send the rays of a pane."""
        picture = space.picture
        assert isinstance(picture, VoxelPicture)
        textures = self.textures(space.key, picture)
        states, folded = picture.states is not None, textures.fold is not None
        bricks = textures.skips(space.threshold)
        made = {"STATES": states, "FOLD": folded, "SHADED": space.shaded, "BRICKS": bricks, **constants(space.plane)}
        program = self._programs.get("march.vert", "cubes.frag", **made)
        textures.apply(program, space.shaded, bricks)
        apply_rays(program, space, pane.picture)
        if space.plane is not None:
            apply_begin(program, space, space.plane)
        program["u_threshold"] = space.threshold
        program["a_corner"] = WHOLE
        program.draw("triangle_strip")

    def textures(self, key: Hashable, picture: VoxelPicture) -> CubeTextures:
        """The textures of a picture: those it has, those of one that fits and is not needed, or new ones."""
        found = self._kept.get(key)
        if found is None:
            spare = next((k for k, kept in self._kept.items() if k not in self._needed and kept.takes(picture)), None)
            if spare is None:
                found = CubeTextures(picture, self._limit)
            else:
                found = self._kept.pop(spare)
                found.update(picture)
            self._kept[key] = found
        self._kept.move_to_end(key)
        self._needed.add(key)
        return found

    def trim(self, needed: set[Hashable]) -> None:
        """Let pictures go that are not needed, the least recently used first, until the rest fits the budget."""
        self._needed = needed & self._kept.keys()
        for key in [key for key in self._kept if key not in needed]:
            if sum(kept.nbytes for kept in self._kept.values()) <= BUDGET:
                return
            self._kept.pop(key).delete()

    def delete(self) -> None:
        """Free everything; the context must be current."""
        for kept in self._kept.values():
            kept.delete()
        self._kept.clear()
        self._programs.delete()


def changed(old: VoxelPicture, new: VoxelPicture) -> tuple[slice, slice, slice] | None:
    """The smallest box of cells that holds all in which two pictures of one shape differ; None for no difference."""
    pairs = [(old.values, new.values), (old.nodes, new.nodes)]
    if old.states is not None and new.states is not None:
        pairs.append((old.states, new.states))
    boxes = [box for a, b in pairs if (box := _differing(a, b)) is not None]
    if not boxes:
        return None
    ends = np.array([[(side.start, side.stop) for side in box] for box in boxes])
    z, y, x = (slice(int(low), int(high)) for low, high in zip(ends[:, :, 0].min(0), ends[:, :, 1].max(0), strict=True))
    return z, y, x


def _differing(a: np.ndarray, b: np.ndarray) -> tuple[slice, slice, slice] | None:
    planes = np.flatnonzero([not np.array_equal(p, q) for p, q in zip(a, b, strict=True)])
    if not len(planes):
        return None
    depth = slice(int(planes[0]), int(planes[-1]) + 1)
    apart = np.logical_or.reduce(a[depth] != b[depth], axis=0)
    rows, cols = np.flatnonzero(apart.any(1)), np.flatnonzero(apart.any(0))
    return depth, slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _courts(picture: VoxelPicture) -> np.ndarray:
    """The largest of the peaks in each court of bricks: float32, shape [z, y, x, 1] of courts."""
    return block_maxima(picture.peaks, COURT)[..., None]


def _format(internal: str) -> dict[str, str]:
    return {"format": "red", "internalformat": internal, "interpolation": "nearest", "wrapping": "clamp_to_edge"}


def _fold(picture: VoxelPicture, limit: int) -> Fold:
    found = fold(picture.values.shape, limit)
    if found is None:
        raise NnscopeError(f"These voxels do not fit into textures of {limit} a side.", picture.address)
    return found
