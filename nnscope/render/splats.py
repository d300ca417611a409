"""The visual of splats: drawn by compiled code into an image that is handed over as one texture, or blended by a GPU.

Where OpenGL is software the first takes a quarter of the time of point sprites blended into a float32 target, for 10⁵
Gaussians of 8 pixels (row ``splat-draw``), and sums and maxima are exact to float32. A GPU blends quads
(`nnscope.render.blended_splats`). The name of the driver decides, or the environment's ``NNSCOPE_SPLATS``: ``compiled``
or ``blended``. What is neither a sum nor a largest value is always drawn by compiled code: layers from front to back,
outlines, paths, and colours of the strongest Gaussian.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vispy import gloo

from nnscope.arrays.buffers import Buffers
from nnscope.core.splats import SplatPicture
from nnscope.fields.splatting import projected, splat_image
from nnscope.render.blended_splats import BlendedSplats
from nnscope.render.driver import is_software, renderer_name
from nnscope.render.rays import WHOLE, Programs, apply_rays

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np

    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.render.palettes import Palettes

ENVIRONMENT = "NNSCOPE_SPLATS"
BLENDED, COMPILED = "blended", "compiled"


class SplatVisual:
    """Draws splats; see `nnscope.render.spaces.SpaceVisual`."""

    depth = False

    def __init__(self, palettes: Palettes) -> None:
        self._programs = Programs()
        self._texture: Any = None
        self._buffers = Buffers()
        self._blended = BlendedSplats(self._programs) if _by_blending() else None

    @staticmethod
    def identity(pane: PaneFrame, space: SpaceFrame) -> tuple[object, ...]:
        """Nothing more: what is drawn belongs to the picture."""
        return ()

    @staticmethod
    def mixed(space: SpaceFrame) -> bool:
        """What is found are values."""
        return False

    def send(self, pane: PaneFrame, space: SpaceFrame) -> None:
        """Draw the splats of a pane."""
        shown = space.picture
        assert isinstance(shown, SplatPicture)
        texture, signs = self._drawn(shown, pane, space)
        boxed = not shown.how.outlines
        program = self._programs.get("march.vert", "splats.frag", STATES=0, CUT=0, BOX=boxed, SIGNS=signs)
        apply_rays(program, space, pane.picture)
        program["u_image"] = texture
        program["u_size"] = tuple(map(float, texture.shape[1::-1]))
        program["u_offset"] = shown.offset
        program["a_corner"] = WHOLE
        program.draw("triangle_strip")

    def trim(self, needed: set[Hashable]) -> None:
        """Nothing is kept for keys."""

    def delete(self) -> None:
        """Free everything; the context must be current."""
        self._programs.delete()
        for thing in (self._texture, self._blended):
            if thing is not None:
                thing.delete()

    def _drawn(self, shown: SplatPicture, pane: PaneFrame, space: SpaceFrame) -> tuple[Any, bool]:
        """What Gaussians give each texel, and whether magnitudes of both signs are beside one another there."""
        how, picture, quality = shown.how, pane.picture, space.quality
        summed = how.mode != "alpha" and how.colour == "density" and not how.outlines and shown.trails is None
        if self._blended is None or not summed:
            return self._handed_over(splat_image(shown, space.camera, picture, quality, self._buffers)), False
        splats = projected(shown, space.camera, picture, quality, how.mode, self._buffers)
        size = -(-picture.w // quality), -(-picture.h // quality)
        return self._blended.draw(splats, size, how.mode, how.cutoff), how.mode == "max"

    def _handed_over(self, image: np.ndarray) -> Any:
        """The texture of an image, as large as it."""
        if self._texture is None or self._texture.shape[:2] != image.shape:
            if self._texture is not None:
                self._texture.delete()
            self._texture = gloo.Texture2D(
                (*image.shape, 1), format="red", internalformat="r32f", interpolation="nearest"
            )
        self._texture.set_data(image[..., None])
        return self._texture


def _by_blending() -> bool:
    """Whether quads are blended here."""
    asked = os.environ.get(ENVIRONMENT, "")
    return asked == BLENDED if asked in (BLENDED, COMPILED) else not is_software(renderer_name())
