"""How wide text on the canvas is: what the layout of a pane and the drawing of its text both go by."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

from nnscope.core.assets import assets_folder

MISSING = "□"
_UNITS = 1024  # size at which widths are measured
_NOT_A_CHARACTER = "\uffff"
_KEPT = 8192  # texts whose width is kept


class Face(Enum):
    """The typefaces of the canvas: words, emphasised words, and addresses."""

    TEXT = "Inter-Regular.otf"
    STRONG = "Inter-SemiBold.otf"
    MONO = "JetBrainsMono-Regular.ttf"


class Typeface:
    """A typeface at any size, and how wide it is. `typeface` has the one of each face."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self._path = str(assets_folder() / "fonts" / face.value)
        self._advances: dict[str, float] = {}
        self._shown: dict[str, str] = {}
        self._sizes: dict[int, Any] = {}

    def advance(self, character: str) -> float:
        """Width of a character in em."""
        width = self._advances.get(character)
        if width is None:
            width = self._advances[character] = self.at(_UNITS).getlength(self.known(character)) / _UNITS
        return width

    def known(self, character: str) -> str:
        """The character, or □ for one that controls, or that the font draws as it draws what it lacks."""
        if character == "\u00a0":  # a space that doesn't break lines; Python doesn't count it as printable
            return " "
        if not character.isprintable():
            return MISSING
        if character.isascii():
            return character
        shown = self._shown.get(character)
        if shown is None:
            font = self.at(64)
            lacking = bytes(font.getmask(character)) == bytes(font.getmask(_NOT_A_CHARACTER))
            shown = self._shown[character] = MISSING if lacking else character
        return shown

    def at(self, size: int) -> Any:
        """Pillow's font at ``size`` pixels per em."""
        if size not in self._sizes:
            from PIL import ImageFont  # the first text of a process pays for it, not the first import

            self._sizes[size] = ImageFont.truetype(self._path, size, layout_engine=ImageFont.Layout.BASIC)
        return self._sizes[size]


@lru_cache
def typeface(face: Face) -> Typeface:
    """The typeface of a face."""
    return Typeface(face)


@lru_cache(_KEPT)
def text_width(text: str, face: Face = Face.TEXT) -> float:
    """Advance of a line of text in em."""
    known = typeface(face)
    return sum(map(known.advance, text))
