"""Draws frames into a framebuffer of its own, which can be read back and shown in a window.

The framebuffer is an RGBA8 texture whose row 0 is the top row of the picture. What is drawn depends on the frame alone,
not on what the window's framebuffer is like, so a window and an offscreen picture have the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo
from vispy.gloo.context import get_current_canvas

from nnscope.core.errors import NnscopeError
from nnscope.render.furniture import furniture
from nnscope.render.glyphs import Glyphs
from nnscope.render.pixels import opaque, read_pixels
from nnscope.render.quads import QuadBuffer
from nnscope.render.tiles import TileLayer
from nnscope.shaders import load

if TYPE_CHECKING:
    from nnscope.core.frame import Frame
    from nnscope.render.overlay import Overlay


class Renderer:
    """All GL objects of one context. That context must be current in every call."""

    def __init__(self) -> None:
        self._limit = int(gloo.gl.glGetParameter(gloo.gl.GL_MAX_TEXTURE_SIZE))
        self.tiles = TileLayer(self._limit)
        self._glyphs = Glyphs()
        self._coverage = gloo.Texture2D(self._glyphs.coverage, format="luminance")
        self._coverage_version = 0
        self._furniture = gloo.Program(load("overlay.vert"), load("overlay.frag"))
        self._quads = QuadBuffer()
        self._present = gloo.Program(load("present.vert"), load("present.frag"))
        self._present["a_corner"] = gloo.VertexBuffer(np.array(((0, 0), (1, 0), (0, 1), (1, 1)), np.float32))
        self._picture: Any = gloo.Texture2D((1, 1, 4), format="rgba", internalformat="rgba8")
        self._target: Any = gloo.FrameBuffer(color=self._picture)

    def draw(self, frame: Frame) -> None:
        """Draw a frame.

        Raises
        ------
        NnscopeError
            If it is larger than the driver allows.
        """
        self._resize(frame)
        with self._target:
            gloo.set_viewport(0, 0, frame.width, frame.height)
            gloo.set_state(blend=False, depth_test=False, scissor_test=False)
            gloo.clear(color=opaque(frame.theme.ground), depth=False)
            self.tiles.draw(frame)
            gloo.flush()  # drivers begin with the tiles while the furniture is built
            self._draw_furniture(frame)

    def present(self, width: int, height: int) -> None:
        """Show what was drawn last in the window's framebuffer of that size."""
        gloo.set_viewport(0, 0, width, height)
        gloo.set_state(blend=False, depth_test=False, scissor_test=False)
        self._present["u_picture"] = self._picture
        self._present.draw("triangle_strip")

    def read(self) -> np.ndarray:
        """The pixels drawn last: uint8, shape (height, width, 4), opaque, row 0 on top."""
        height, width = self._picture.shape[:2]
        with self._target:
            return read_pixels(width, height)

    def close(self) -> None:
        """Free every GL object."""
        self.tiles.delete()
        for thing in (self._quads, self._target, self._picture, self._present, self._furniture, self._coverage):
            thing.delete()
        get_current_canvas().context.flush_commands()

    def _resize(self, frame: Frame) -> None:
        if not (0 < frame.width <= self._limit and 0 < frame.height <= self._limit):
            raise NnscopeError(
                f"A picture of {frame.width} × {frame.height} pixels can't be drawn here.",
                remedy=f"Choose at least 1 and at most {self._limit} pixels a side.",
            )
        shape = (frame.height, frame.width, 4)
        if self._picture.shape != shape:
            self._picture.resize(shape)

    def _draw_furniture(self, frame: Frame) -> None:
        self._glyphs.start_frame()
        overlay: Overlay = furniture(frame, self._glyphs)
        if self._glyphs.version != self._coverage_version:
            self._coverage_version = self._glyphs.version
            self._coverage.set_data(self._glyphs.coverage)
        gloo.set_state(blend=True, depth_test=False, scissor_test=False, blend_equation="func_add")
        gloo.set_blend_func("src_alpha", "one_minus_src_alpha", "one", "one")
        self._furniture["u_glyphs"] = self._coverage
        self._furniture["u_atlas"] = float(len(self._glyphs.coverage))
        self._furniture["u_size"] = (frame.width, frame.height)
        self._quads.draw(self._furniture, overlay.vertices())
