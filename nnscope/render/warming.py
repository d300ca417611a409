"""What the first picture would wait for, done before there is one: libraries, context, shaders and typefaces.

Importing VisPy and Pillow may happen in any thread. The rest belongs to the thread that draws, and comes in steps of a
few hundredths of a second, between which a window can do other things.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.frame import DARK, Camera2D, ColourStyle, Frame, PaneFrame, PlacedTile, Rect
from nnscope.core.legend import Legend, Normalisation
from nnscope.core.picture import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES = (11, 13)  # pixels per em, at a scale of 1
SIDE = 640  # pixels of the frames: room for a legend

_LETTERS = "0123456789 abcdefghijklmnopqrstuvwxyz.,:−×_[]()BFLMNWS"


def load_libraries() -> None:
    """Import what drawing needs, and draw the usual letters."""
    from nnscope.render.glyphs import draw_ahead

    import_module("nnscope.render.renderer")
    draw_ahead(_LETTERS, _SIZES)


def frames() -> Iterator[Frame]:
    """Frames that need a little more each: nothing, words, a legend, values, cells that are no number, colours."""
    yield Frame(SIDE, SIDE, (), DARK)
    place = Rect(8, 8, SIDE - 16, SIDE - 16)
    grey = (128, 128, 128)
    style = ColourStyle("grey", np.full((256, 4), 255, np.uint8), grey, grey, grey, grey, grey, grey)
    pane = PaneFrame(place, place, (8, 8), Camera2D(4, 4, 8.0), style=style, title=_LETTERS, subtitle=_LETTERS)
    yield Frame(SIDE, SIDE, (replace(pane, normalisation=_normalisation("tanh")),), DARK)
    none, nothing = np.zeros((0, 0), np.float32), np.zeros((8, 8), np.uint8)
    zeros, colours = np.zeros((8, 8), np.float32), np.zeros((8, 8, 4), np.uint8)
    values, states = Tile(0, 0, zeros, nothing), Tile(0, 0, zeros, nothing + 1)
    for tile, name in (
        (values, "tanh"),
        (values, "identity"),
        (states, "identity"),
        (Tile(0, 0, none, nothing, colours), "identity"),
    ):
        norm = _normalisation(name)
        placed = PlacedTile(("warming", name, id(tile)), 0, tile)
        legend = Legend(_LETTERS, norm, scientific=True)
        yield Frame(SIDE, SIDE, (replace(pane, tiles=(placed,), normalisation=norm, legend=legend),), DARK)


def _normalisation(curve: str) -> Normalisation:
    return Normalisation(curve, curve, 0.0, 1.0, -1.0, 1.0)
