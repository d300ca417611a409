"""The visual of splats: drawn into an image by compiled code, which is handed over as one texture.

Where OpenGL is software this takes half the time of point sprites blended into a float32 target, for 10⁵ Gaussians of 8
pixels (row ``splat-draw``), and sums and maxima are exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vispy import gloo

from nnscope.arrays.buffers import Buffers
from nnscope.core.splats import SplatPicture
from nnscope.fields.splatting import splat_image
from nnscope.render.rays import WHOLE, Programs, apply_rays

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np

    from nnscope.core.frame import PaneFrame, SpaceFrame
    from nnscope.render.palettes import Palettes


class SplatVisual:
    """Draws splats; see `nnscope.render.spaces.SpaceVisual`."""

    depth = False

    def __init__(self, palettes: Palettes) -> None:
        self._programs = Programs()
        self._texture: Any = None
        self._buffers = Buffers()

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
        image = splat_image(shown, space.camera, pane.picture, space.quality, self._buffers)
        boxed = not shown.how.outlines
        program = self._programs.get("march.vert", "splats.frag", STATES=0, CUT=0, BOX=boxed)
        apply_rays(program, space, pane.picture)
        program["u_image"] = self._handed_over(image)
        program["u_size"] = tuple(map(float, image.shape[::-1]))
        program["u_offset"] = shown.offset
        program["a_corner"] = WHOLE
        program.draw("triangle_strip")

    def trim(self, needed: set[Hashable]) -> None:
        """Nothing is kept for keys."""

    def delete(self) -> None:
        """Free everything; the context must be current."""
        self._programs.delete()
        if self._texture is not None:
            self._texture.delete()

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
