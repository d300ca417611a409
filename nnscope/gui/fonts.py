"""Fonts of the window: the desktop's own at 13 pixels, tabular figures for numbers, monospace for addresses."""

from __future__ import annotations

from functools import lru_cache

from PyQt6.QtGui import QFont, QFontDatabase

from nnscope.core.assets import assets_folder

SIZE = 13  # logical pixels
SMALL = 11
_GENERIC = frozenset(("Sans", "Sans Serif", "DejaVu Sans", ""))  # what Qt reports when no desktop chose a font


def interface(size: int = SIZE) -> QFont:
    """The font of everything: the desktop's, or the one of the canvas where no desktop has a say."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if font.family() in _GENERIC:
        font = QFont(_shipped("Inter-Regular.otf"))
        _shipped("Inter-SemiBold.otf")
    font.setPixelSize(size)
    return font


def tabular(size: int = SIZE) -> QFont:
    """The interface font with figures of equal width."""
    font = interface(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono(size: int = SIZE - 1) -> QFont:
    """For addresses and paths."""
    font = QFont(_shipped("JetBrainsMono-Regular.ttf"))
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFeature(QFont.Tag("calt"), 0)  # no ligatures: an address is read letter by letter
    font.setPixelSize(size)
    return font


@lru_cache(maxsize=8)
def _shipped(file: str) -> str:
    """The family of a font that ships with nnscope; the system's default when it can't be loaded."""
    at = QFontDatabase.addApplicationFont(str(assets_folder() / "fonts" / file))
    families = QFontDatabase.applicationFontFamilies(at) if at >= 0 else []
    return families[0] if families else ""
