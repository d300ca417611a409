"""Filling rectangles of the current framebuffer with a colour, and reading its pixels."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np
from vispy import gloo
from vispy.gloo.gl import gl2

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, Rect

_RGBA, _UNSIGNED_BYTE = 0x1908, 0x1401


def opaque(colour: Colour) -> tuple[float, ...]:
    """The colour as VisPy takes it."""
    return (*(channel / 255 for channel in colour), 1.0)


def fill(place: Rect, colour: Colour) -> None:
    """Fill a rectangle; row 0 of the framebuffer is the top."""
    if place.w > 0 and place.h > 0:
        gloo.set_state(scissor_test=True)
        gloo.set_scissor(place.x, place.y, place.w, place.h)
        gloo.clear(color=opaque(colour), depth=False)
        gloo.set_state(scissor_test=False)


def read_pixels(width: int, height: int) -> np.ndarray:
    """Read the current framebuffer from its row 0 on: uint8, shape (height, width, 4).

    VisPy's own function zeroes, copies and flips, which takes five times as long as the reading.
    """
    gloo.finish()
    pixels = np.empty((height, width, 4), np.uint8)
    read = gl2._lib["glReadPixels"]  # a new function object, so that VisPy's keeps its signature
    read.restype = None
    read.argtypes = (ctypes.c_int,) * 4 + (ctypes.c_uint,) * 2 + (ctypes.c_void_p,)
    read(0, 0, width, height, _RGBA, _UNSIGNED_BYTE, pixels.ctypes.data)
    return pixels
