"""The icons: small SVG files drawn in one style, coloured by the theme.

A 16-pixel grid, strokes of 1.5 pixels, ``currentColor``. An icon is drawn when it is first seen, at the resolution of
the screen it is seen on. An icon font would cost more at start-up than all of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from nnscope.core.assets import assets_folder

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, Theme

SIZE = 16  # logical pixels


def icon(name: str, theme: Theme) -> QIcon:
    """The icon in the theme's colours: quiet when idle, accent when checked, faint when disabled."""
    return _icon(name, theme.secondary, theme.accent, theme.line)


def tinted(name: str, colour: Colour) -> QIcon:
    """The icon in one colour, whatever its state."""
    return _icon(name, colour, colour, colour)


@lru_cache(maxsize=64)
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


class PaintedEngine(QIconEngine):
    """An icon whose pixmaps are what it paints, on nothing."""

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """What Qt asks for where it does not let the engine paint."""
        drawn = QPixmap(size)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return drawn


class _Engine(PaintedEngine):
    """Draws a name in the colour of a state."""

    def __init__(self, name: str, idle: Colour, checked: Colour, disabled: Colour) -> None:
        super().__init__()
        self._name = name
        self._colours = (idle, checked, disabled)

    def paint(self, painter: QPainter | None, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        idle, checked, disabled = self._colours
        colour = disabled if mode == QIcon.Mode.Disabled else checked if state == QIcon.State.On else idle
        _renderer(self._name, colour).render(painter, QRectF(rect))

    def clone(self) -> QIconEngine:
        return _Engine(self._name, *self._colours)


@lru_cache(maxsize=256)
def _icon(name: str, idle: Colour, checked: Colour, disabled: Colour) -> QIcon:
    return QIcon(_Engine(name, idle, checked, disabled))


@lru_cache(maxsize=256)
def _renderer(name: str, colour: Colour) -> QSvgRenderer:
    text = (assets_folder() / "icons" / f"{name}.svg").read_text(encoding="ascii")
    return QSvgRenderer(QByteArray(text.replace("currentColor", QColor(*colour).name()).encode()))
