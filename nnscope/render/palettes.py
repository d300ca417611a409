"""The palettes of the panes, one row of a texture each; a row is uploaded only when its colours are new."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from vispy import gloo

from nnscope.render.colour import PALETTE, mapping, palette

if TYPE_CHECKING:
    from nnscope.core.frame import ColourStyle
    from nnscope.core.legend import Normalisation

ROWS = 16


class Palettes:
    """Rows by content.

    Attributes
    ----------
    texture : gloo.Texture2D
    uploads : int
        Rows uploaded so far.
    """

    def __init__(self) -> None:
        blank = np.zeros((ROWS, PALETTE, 4), np.uint8)
        self.texture: Any = gloo.Texture2D(blank, format="rgba", internalformat="rgba8")
        self.uploads = 0
        self._rows: OrderedDict[bytes, int] = OrderedDict()  # least recently used first

    def row(self, style: ColourStyle) -> float:
        """Texture coordinate of the row that holds ``style``."""
        colours = palette(style)
        content = colours.tobytes()
        if content in self._rows:
            self._rows.move_to_end(content)
        else:
            self._upload(content, colours)
        return (self._rows[content] + 0.5) / ROWS

    def apply(self, program: Any, norm: Normalisation, style: ColourStyle) -> None:
        """Set the uniforms of ``scale.glsl``."""
        to = mapping(norm)
        program["u_scale"] = to.scale
        program["u_limits"] = to.limits
        if to.curve:
            program["u_range"] = to.range
        program["u_row"] = self.row(style)
        program["u_palettes"] = self.texture

    def delete(self) -> None:
        """Free the texture; the context must be current."""
        self.texture.delete()

    def _upload(self, content: bytes, colours: np.ndarray) -> None:
        full = len(self._rows) == ROWS
        row = self._rows.popitem(last=False)[1] if full else len(self._rows)
        self._rows[content] = row
        self.texture.set_data(colours[None], offset=(row, 0))
        self.uploads += 1
