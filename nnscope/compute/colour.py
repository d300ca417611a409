"""Colour maps and the colours of what is no number (methods.md §11).

The maps are named ones of the cmap library and a diverging default of our own, kept as a table in
``assets/colour_maps.json`` (made and documented by ``packaging/make_colour_maps.py``; a test compares it with cmap):
importing cmap would cost a third of a second at start-up. Value u in [0, 1] takes entry min(255, ⌊256·u⌋).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from nnscope.compute.parts import slices
from nnscope.core.assets import assets_folder
from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT, Colour, ColourStyle

_BAND = 1 << 14  # values coloured at a time
DIVERGING, SEQUENTIAL = "blue-red", "viridis"

# Far from every entry of every map and from each other (CIE Lab distance; tested).
UNDER: Colour = (0, 255, 255)
OVER: Colour = (240, 135, 255)
NAN: Colour = (255, 0, 255)
POSINF: Colour = (0, 255, 0)
NEGINF: Colour = (0, 0, 255)


@dataclass(frozen=True, slots=True)
class ColourMap:
    """An offered map: its name, ``"diverging"`` or ``"sequential"``, and its table, uint8 (256, 4)."""

    name: str
    kind: str
    lut: np.ndarray


@cache
def colour_maps() -> dict[str, ColourMap]:
    """All maps offered, by name, in the order of the menu."""
    entries = json.loads((assets_folder() / "colour_maps.json").read_text(encoding="ascii"))
    return {entry["name"]: ColourMap(entry["name"], entry["kind"], _lut(entry["hex"])) for entry in entries}


def default_colours(signed: bool) -> str:
    """The map that data gets unless the user chooses: diverging about zero when both signs occur."""
    return DIVERGING if signed else SEQUENTIAL


def colour_style(name: str, theme: str = "dark") -> ColourStyle:
    """How values become colours under map ``name``; padding takes the ground of the theme.

    Raises
    ------
    NnscopeError
        If there is no map of that name.
    """
    maps = colour_maps()
    if name not in maps:
        raise NnscopeError("There is no colour map of this name.", name, f"They are: {', '.join(maps)}.")
    return _style(name, (LIGHT if theme == "light" else DARK).ground)


def hsv_gradient(x: np.ndarray) -> np.ndarray:
    """Direction of the local gradient as hue, its size as saturation, |x| as value.

    hue = atan2(g_y, g_x), by central differences; sizes relative to their largest.

    Parameters
    ----------
    x : ndarray of float, shape (rows, columns)
        Finite values.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
    """
    bands = slices(len(x), max(1, _BAND // max(1, x.shape[1])))
    steepest = max((float(_size(x, rows).max(initial=0.0)) for rows in bands), default=0.0)
    most = max((float(np.abs(x[rows], dtype=np.float64).max(initial=0.0)) for rows in bands), default=0.0)
    colours = np.empty((*x.shape, 3), np.uint8)
    for rows in bands:
        down, right = _gradient(x, rows)
        hue = np.arctan2(down, right) / (2 * math.pi) % 1.0
        saturation, value = np.hypot(down, right) / (steepest or 1.0), np.abs(x[rows], dtype=np.float64) / (most or 1.0)
        colours[rows] = np.round(_hsv_to_rgb(hue, saturation, value) * 255)
    return colours


def _gradient(x: np.ndarray, rows: slice) -> list[np.ndarray]:
    """Differences down and to the right in some rows: central, one-sided at the edges; float64, which holds them."""
    first = max(0, rows.start - 1)
    held = x[first : rows.stop + 1].astype(np.float64)
    steps = (np.gradient(held, axis=a) if held.shape[a] > 1 else np.zeros_like(held) for a in (0, 1))
    return [step[rows.start - first : rows.stop - first] for step in steps]


def _size(x: np.ndarray, rows: slice) -> np.ndarray:
    return np.asarray(np.hypot(*_gradient(x, rows)))


def _hsv_to_rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The usual hexcone: each channel is value less a trapezoid of the hue; shape (…, 3)."""
    shift = (np.array([5.0, 3.0, 1.0]) + hue[..., None] * 6) % 6
    ramp = np.clip(np.minimum(shift, 4 - shift), 0, 1)
    return np.asarray(value[..., None] * (1 - saturation[..., None] * ramp))


@cache
def _style(name: str, padding: Colour) -> ColourStyle:
    return ColourStyle(name, colour_maps()[name].lut, UNDER, OVER, NAN, POSINF, NEGINF, padding)


def _lut(text: str) -> np.ndarray:
    rgb = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(256, 3)
    lut = np.concatenate([rgb, np.full((256, 1), 255, np.uint8)], axis=1)
    lut.flags.writeable = False
    return lut
