"""The icons: small SVG files drawn in one style, coloured by the theme.

A 16-pixel grid, strokes of 1.5 pixels, ``currentColor``. An icon font would cost more at start-up than all of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from nnscope.core.assets import assets_folder

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, Theme

SIZE = 16  # logical pixels
_RATIOS = (1, 2, 3)  # device pixels per logical pixel that are drawn ahead


def icon(name: str, theme: Theme) -> QIcon:
    """The icon in the theme's colours: quiet when idle, accent when checked, faint when disabled."""
    return _icon(name, theme.secondary, theme.accent, theme.line)


def tinted(name: str, colour: Colour) -> QIcon:
    """The icon in one colour, whatever its state."""
    return _icon(name, colour, colour, colour)


def pixmap(name: str, colour: Colour, size: int = SIZE, ratio: float = 1.0) -> QPixmap:
    """The icon in one colour, ``size`` logical pixels wide."""
    side = round(size * ratio)
    drawn = QPixmap(side, side)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    _renderer(name, colour).render(painter, QRectF(0, 0, side, side))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn


@lru_cache(maxsize=256)
def _icon(name: str, idle: Colour, checked: Colour, disabled: Colour) -> QIcon:
    built = QIcon()
    for ratio in _RATIOS:
        built.addPixmap(pixmap(name, idle, ratio=ratio))
        built.addPixmap(pixmap(name, checked, ratio=ratio), QIcon.Mode.Normal, QIcon.State.On)
        built.addPixmap(pixmap(name, idle, ratio=ratio), QIcon.Mode.Selected)  # else Qt tints it
        built.addPixmap(pixmap(name, disabled, ratio=ratio), QIcon.Mode.Disabled)
    return built


@lru_cache(maxsize=256)
def _renderer(name: str, colour: Colour) -> QSvgRenderer:
    text = (assets_folder() / "icons" / f"{name}.svg").read_text(encoding="ascii")
    return QSvgRenderer(QByteArray(text.replace("currentColor", QColor(*colour).name()).encode()))
