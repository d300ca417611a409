"""Frames for the tests, and what their pixels must be by plain float64 arithmetic."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.core.frame import DARK, Camera2D, ColourStyle, Frame, PaneFrame, PlacedTile, Rect, Theme
from nnscope.core.legend import Normalisation
from nnscope.core.picture import TILE, Tile

if TYPE_CHECKING:
    from collections.abc import Iterable

numbers = itertools.count()  # for keys: the id of what is gone may be that of another picture

UNDER, OVER, NAN, POSINF, NEGINF, PADDING = (
    (1, 2, 3),
    (250, 251, 252),
    (255, 0, 255),
    (255, 255, 0),
    (0, 255, 120),
    (60, 64, 72),
)


def style(seed: int = 0) -> ColourStyle:
    """A colour map of 256 different colours."""
    lut = np.full((256, 4), 255, np.uint8)
    lut[:, 0] = np.arange(256)
    lut[:, 1] = np.arange(256)[::-1]
    lut[:, 2] = (np.arange(256) * 7 + seed) % 256
    return ColourStyle("test", lut, UNDER, OVER, NAN, POSINF, NEGINF, PADDING)


def linear(low: float = -1.0, high: float = 1.0) -> Normalisation:
    """A linear normalisation of [low, high]."""
    return Normalisation("linear", "identity", 0.0, 1.0, low, high)


def centred_values(norm: Normalisation, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Random values whose colours are certain: in the middle of one of 256 steps of u, some outside the domain."""
    steps = np.random.default_rng(seed).integers(-20, 277, shape)
    unit = np.vectorize(norm.inverse)
    inside = unit((np.clip(steps, 0, 255) + 0.5) / 256)
    low, high = norm.domain
    outside = np.where(steps < 0, low - (high - low) * 0.1, high + (high - low) * 0.1)
    return np.where((steps >= 0) & (steps < 256), inside, outside).astype(np.float32)


def tiles(
    values: np.ndarray, states: np.ndarray | None = None, level: int = 0, rgba: np.ndarray | None = None, key: Any = ""
) -> tuple[PlacedTile, ...]:
    """All tiles of a level whose cells are ``values`` (of ``rgba``, if that is given)."""
    states = np.zeros(values.shape, np.uint8) if states is None else states
    found = []
    for row in range(-(-values.shape[0] // TILE)):
        for col in range(-(-values.shape[1] // TILE)):
            part = np.s_[row * TILE : (row + 1) * TILE, col * TILE : (col + 1) * TILE]
            numbers = values[part] if rgba is None else np.zeros((0, 0), np.float32)
            tile = Tile(row, col, numbers, states[part], None if rgba is None else rgba[part])
            found.append(PlacedTile((key, level, row, col), level, tile))
    return tuple(found)


def pane(
    grid: tuple[int, int],
    placed: Iterable[PlacedTile],
    camera: Camera2D,
    picture: Rect,
    norm: Normalisation | None = None,
    **more: Any,
) -> PaneFrame:
    """A pane of nothing but a picture."""
    rect = Rect(picture.x - 8, picture.y - 8, picture.w + 16, picture.h + 16)
    given = {"style": style(), **more}
    return PaneFrame(rect, picture, grid, camera, tuple(placed), norm or linear(), **given)


def frame(*panes: PaneFrame, size: tuple[int, int] = (0, 0), theme: Theme = DARK, scale: float = 1.0) -> Frame:
    """A frame that is just large enough for its panes."""
    width = size[0] or max(p.rect.x + p.rect.w for p in panes)
    height = size[1] or max(p.rect.y + p.rect.h for p in panes)
    return Frame(width, height, panes, theme, scale)


def inside(pixels: np.ndarray, shown: PaneFrame) -> np.ndarray:
    """The pixels of a pane's picture, without alpha."""
    p = shown.picture
    part: np.ndarray = pixels[p.y : p.y + p.h, p.x : p.x + p.w, :3]
    return part


def cells_under(shown: PaneFrame) -> tuple[np.ndarray, np.ndarray]:
    """Level-0 row and column under the centre of each pixel of the picture: two index vectors; -1 outside the grid."""
    p, camera = shown.picture, shown.camera
    x = np.floor(camera.x + (np.arange(p.w) + 0.5 - p.w / 2) / camera.zoom).astype(int)
    y = np.floor(camera.y + (np.arange(p.h) + 0.5 - p.h / 2) / camera.zoom).astype(int)
    return (
        np.where((y >= 0) & (y < shown.grid[0]), y, -1),
        np.where((x >= 0) & (x < shown.grid[1]), x, -1),
    )


def colour_of(value: float, state: int, norm: Normalisation, colours: ColourStyle) -> tuple[int, ...]:
    """The definition: state, under, over, or the colour floor(256 u)."""
    if state:
        return (colours.nan, colours.posinf, colours.neginf, colours.padding)[state - 1]
    u = norm.forward(value)
    if u < 0 or u > 1:
        return colours.under if u < 0 else colours.over
    return tuple(int(c) for c in colours.lut[min(int(u * 256), 255), :3])


def expected(shown: PaneFrame, values: np.ndarray, states: np.ndarray, level: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What the picture must look like where there are cells, and the mask of these pixels."""
    assert shown.normalisation is not None
    assert shown.style is not None
    rows, cols = cells_under(shown)
    mask = (rows >= 0)[:, None] & (cols >= 0)[None, :]
    drawn = np.zeros((*mask.shape, 3), np.uint8)
    rows, cols = rows >> level, cols >> level
    for row in set(rows[rows >= 0].tolist()):
        line = np.zeros((len(cols), 3), np.uint8)
        for col in set(cols[cols >= 0].tolist()):
            value, state = float(values[row, col]), int(states[row, col])
            line[cols == col] = colour_of(value, state, shown.normalisation, shown.style)
        drawn[rows == row] = line
    return drawn, mask


def moved(shown: PaneFrame, **camera: float) -> PaneFrame:
    """The pane with another camera."""
    return replace(shown, camera=replace(shown.camera, **camera))
