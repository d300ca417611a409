"""Draws frames, into a framebuffer of its own to be read, or straight into a window.

What is drawn depends on the frame alone: a window and an offscreen picture have the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo
from vispy.gloo.context import get_current_canvas

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Rect
from nnscope.render.damage import Drawn, damage
from nnscope.render.driver import renderer_name
from nnscope.render.furniture import furniture, what_shows
from nnscope.render.glyphs import Glyphs
from nnscope.render.pixels import Surface, read_pixels
from nnscope.render.quads import QuadBuffer
from nnscope.render.spaces import SpaceLayer
from nnscope.render.tiles import TileLayer
from nnscope.shaders import load

if TYPE_CHECKING:
    from nnscope.core.frame import Frame
    from nnscope.render.pixels import Order


class Renderer:
    """All GL objects of one context. That context must be current in every call.

    Attributes
    ----------
    driver : str
        What OpenGL runs on.
    """

    def __init__(self) -> None:
        self.driver = renderer_name()
        self._limit = int(gloo.gl.glGetParameter(gloo.gl.GL_MAX_TEXTURE_SIZE))
        self.tiles = TileLayer(self._limit)
        self.spaces = SpaceLayer()
        self._glyphs = Glyphs()
        self._coverage = gloo.Texture2D(self._glyphs.coverage, format="luminance")
        self._coverage_version = 0
        self._furniture = gloo.Program(load("overlay.vert"), load("overlay.frag"))
        self._quads = QuadBuffer()
        self._seen: tuple[object, ...] | None = None  # what the furniture in `_quads` was built from
        self._picture: Any = gloo.Texture2D((1, 1, 4), format="rgba", internalformat="rgba8")
        self._target: Any = gloo.FrameBuffer(color=self._picture)
        self._held: Drawn | None = None  # what `_target` holds
        self._shown: Drawn | None = None  # what the window holds

    def draw(self, frame: Frame) -> Rect:
        """Draw a frame into the framebuffer that `read` reads; where that may have changed it.

        Raises
        ------
        NnscopeError
            If it is larger than the driver allows.
        """
        self._resize(frame)
        before, self._held = self._held, None  # a failure leaves something unknown there
        self.spaces.march(frame)
        with self._target:
            self._held, changed = self._draw(frame, before, top_first=True)
        return changed

    def paint(self, frame: Frame, kept: bool = False) -> None:
        """Draw a frame into the framebuffer of the window, which must have its size.

        Parameters
        ----------
        frame : Frame
        kept : bool
            Whether that framebuffer still holds what was painted there last.
        """
        before, self._shown = self._shown if kept else None, None
        self.spaces.march(frame)
        self._shown, _ = self._draw(frame, before, top_first=False)
        get_current_canvas().context.flush_commands()

    def read(self) -> np.ndarray:
        """The pixels that `draw` drew last: uint8, shape (height, width, 4), opaque, row 0 on top."""
        height, width = self._picture.shape[:2]
        pixels = np.empty((height, width, 4), np.uint8)
        self.read_into(pixels, Rect(0, 0, width, height), "rgba")
        return pixels

    def read_into(self, pixels: np.ndarray, place: Rect, order: Order) -> None:
        """Copy a rectangle of what `draw` drew last into the same rectangle of ``pixels``, of the same size."""
        with self._target:
            read_pixels(place, pixels, order)

    def close(self) -> None:
        """Free every GL object."""
        self.tiles.delete()
        self.spaces.delete()
        for thing in (self._quads, self._target, self._picture, self._furniture, self._coverage):
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
            self._held = None

    def _draw(self, frame: Frame, before: Drawn | None, top_first: bool) -> tuple[Drawn, Rect]:
        """Draw what is not ``before`` in the framebuffer already; what it holds then, and where it changed."""
        drawn = Drawn.of(frame)
        surface = Surface(frame.width, frame.height, top_first, damage(before, drawn))
        if surface.damage.w and surface.damage.h:
            surface.start(frame.theme.ground)
            self.tiles.draw(frame, surface)
            self.spaces.draw(frame, surface)
            gloo.flush()  # drivers begin with the tiles while the furniture is built
            self._draw_furniture(frame, surface)
            surface.finish()
        return drawn, surface.damage

    def _draw_furniture(self, frame: Frame, surface: Surface) -> None:
        seen = what_shows(frame)
        if seen is None or seen != self._seen:
            self._build_furniture(frame)
            self._seen = seen
        gloo.set_state(blend=True, depth_test=False, blend_equation="func_add")
        gloo.set_blend_func("src_alpha", "one_minus_src_alpha", "one", "one")
        self._furniture["u_glyphs"] = self._coverage
        self._furniture["u_atlas"] = float(len(self._glyphs.coverage))
        surface.apply(self._furniture)
        self._quads.draw(self._furniture)

    def _build_furniture(self, frame: Frame) -> None:
        self._glyphs.start_frame()
        self._quads.fill(furniture(frame, self._glyphs).vertices())
        if self._glyphs.version != self._coverage_version:
            self._coverage_version = self._glyphs.version
            self._coverage.set_data(self._glyphs.coverage)
