"""The surface that is drawn on: which way up it is, filling rectangles of it, reading its pixels."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from vispy import gloo
from vispy.gloo.gl import gl2

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.frame import Colour, Rect

Order = Literal["rgba", "bgra"]

_ORDERS = {"rgba": 0x1908, "bgra": 0x80E1}
_UNSIGNED_BYTE, _PACK_ROW_LENGTH = 0x1401, 0x0D02


@dataclass(frozen=True, slots=True)
class Surface:
    """The current framebuffer.

    Attributes
    ----------
    width, height : int
    top_first : bool
        Whether its row 0 is the top row of the picture. So it is in a framebuffer of our own, which is then read
        without turning it over; in a window row 0 is the lowest.
    damage : Rect
        The part that is drawn anew; the rest of the framebuffer stays.
    """

    width: int
    height: int
    top_first: bool
    damage: Rect

    def apply(self, program: Any) -> None:
        """Set the uniforms of ``surface.glsl``."""
        program["u_size"] = (self.width, self.height)
        program["u_upside"] = 1.0 if self.top_first else -1.0

    def damaged(self, place: Rect) -> bool:
        """Whether some pixel of a rectangle is drawn anew."""
        part = place.intersection(self.damage)
        return part.w > 0 and part.h > 0

    def start(self, ground: Colour) -> None:
        """Confine drawing to the damage until `finish`, and clear that."""
        gloo.set_viewport(0, 0, self.width, self.height)
        gloo.set_state(blend=False, depth_test=False, scissor_test=True)
        self.fill(self.damage, ground)

    def fill(self, place: Rect, colour: Colour) -> None:
        """Fill the damaged part of a rectangle with a colour."""
        part = place.intersection(self.damage)
        if part.w and part.h:
            self._confine(part)
            gloo.clear(color=_opaque(colour), depth=False)
            self._confine(self.damage)

    def finish(self) -> None:
        """Drawing is no longer confined."""
        gloo.set_state(scissor_test=False)

    def _confine(self, place: Rect) -> None:
        gloo.set_scissor(place.x, self._lowest(place), place.w, place.h)

    def _lowest(self, place: Rect) -> int:
        return place.y if self.top_first else self.height - place.y - place.h


def _opaque(colour: Colour) -> tuple[float, ...]:
    """The colour as VisPy takes it."""
    return (*(channel / 255 for channel in colour), 1.0)


def read_pixels(place: Rect, pixels: np.ndarray, order: Order) -> None:
    """Read a rectangle of the current framebuffer into the same rectangle of ``pixels``, row 0 first.

    VisPy's own function zeroes, copies and flips, which takes five times as long as the reading.

    Parameters
    ----------
    place : Rect
    pixels : ndarray of uint8, shape (height, width, 4), C-contiguous
        As large as the framebuffer; only ``place`` is written.
    order : {"rgba", "bgra"}
        Of the channels.
    """
    gloo.finish()
    read = gl2._lib["glReadPixels"]  # a new function object, so that VisPy's keeps its signature
    read.restype = None
    read.argtypes = (ctypes.c_int,) * 4 + (ctypes.c_uint,) * 2 + (ctypes.c_void_p,)
    start = pixels.ctypes.data + place.y * pixels.strides[0] + place.x * pixels.strides[1]
    gl2.glPixelStorei(_PACK_ROW_LENGTH, pixels.shape[1])
    read(place.x, place.y, place.w, place.h, _ORDERS[order], _UNSIGNED_BYTE, start)
    gl2.glPixelStorei(_PACK_ROW_LENGTH, 0)
