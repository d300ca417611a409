"""Axis ticks of a layout: which indices stand along the rows and columns of a picture."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from nnscope.core.frame import AxisTicks
from nnscope.core.text import plain
from nnscope.scene.typeface import text_width

if TYPE_CHECKING:
    from nnscope.core.layout import Layout

TICK_SPACING = 64.0  # device pixels at scale 1 between ticks, at least
LETTERS = 11  # pixels at scale 1 per em of labels
SPACE, LINE = 9.0, 13.0  # pixels at scale 1 between two words side by side, and from one line to the next
LONGEST_WORD = 66.0  # pixels at scale 1 that a word below a picture may have where cells are narrower
OVERHANG = 24.0  # pixels at scale 1 by which a word may be wider than its cell, if more than that
MOST_SHOWN = 96  # characters of a label


def axis_ticks(
    layout: Layout, axes: tuple[int, ...], names: tuple[str, ...], window: tuple[int, int], zoom: float
) -> AxisTicks:
    """Ticks for one side of a pane.

    Parameters
    ----------
    layout : Layout
    axes : tuple of int
        Virtual axes along this side, outermost first. Those of one index before any other are passed over.
    names : tuple of str
        Names of the tensor's axes; empty when unknown.
    window : (start, stop)
        Visible cells along this side.
    zoom : float
        Pixels (at scale 1) per cell.
    """
    if not axes:
        return AxisTicks("")
    single = next((i for i, a in enumerate(axes) if layout.virtual_shape[a] != 1), len(axes) - 1)
    axes, gap = axes[single:], 0 if single or len(axes) == 1 else layout.gap
    name = " × ".join(dict.fromkeys(_name(layout, a, names) for a in axes))  # both parts of a split have one name
    sizes = [layout.virtual_shape[a] for a in axes]
    block = math.prod(sizes[1:])  # cells that show one index of the outermost axis
    period = block + gap
    step = max(1, round(nice_step(TICK_SPACING / max(zoom * period, 1e-12))))
    first = -(-(window[0] // period) // step) * step
    stop = -(-window[1] // period)
    factor = layout.split[1] if layout.split is not None and layout.split[0] == axes[0] else 1
    return AxisTicks(name, tuple((i * period + block / 2, str(i * factor)) for i in range(first, stop, step)))


def name_ticks(name: str, labels: tuple[str, ...], window: tuple[int, int], zoom: float) -> AxisTicks:
    """Ticks of rows with names: every row's where there is room, else those of every other, every fourth …

    Parameters
    ----------
    name : str
    labels : tuple of str
        Of all cells along this side.
    window, zoom
        As in `axis_ticks`.
    """
    step = 1
    while step * zoom < LINE and step < len(labels):
        step *= 2
    return AxisTicks(name, tuple((i + 0.5, text) for i, text in _shown(labels, window) if i % step == 0))


def word_ticks(name: str, labels: tuple[str, ...], window: tuple[int, int], zoom: float, scale: float) -> AxisTicks:
    """Ticks of columns with words, on one line or two; as `name_ticks`, of ``scale`` device pixels per logical one."""
    shown = _shown(labels, window)
    least = min(widest(labels[slice(*window)], scale) / scale, LONGEST_WORD) + SPACE
    step, lines = 1, 1
    while step * lines * zoom < least and step < len(labels):
        step, lines = (step, 2) if lines == 1 else (2 * step, lines)
    room = max(LONGEST_WORD, min(step * lines * zoom - SPACE, zoom + OVERHANG))
    return AxisTicks(name, tuple((i + 0.5, text) for i, text in shown if i % step == 0), lines, room * scale)


@lru_cache(64)  # asked for each frame
def widest(labels: tuple[str, ...], scale: float) -> float:
    """Device pixels that the longest of some labels takes at most."""
    return max((text_width(plain(text, MOST_SHOWN)) for text in labels), default=0.0) * round(LETTERS * scale)


def _shown(labels: tuple[str, ...], window: tuple[int, int]) -> list[tuple[int, str]]:
    return [(i, plain(labels[i], MOST_SHOWN)) for i in range(window[0], min(window[1], len(labels)))]


def middle_ticks(name: str, size: int, window: tuple[int, int], zoom: float) -> AxisTicks:
    """Ticks of a side that is counted from its middle, in cells.

    Parameters
    ----------
    name : str
    size : int
        Cells along this side.
    window, zoom
        As in `axis_ticks`.
    """
    step = max(1, round(nice_step(TICK_SPACING / max(zoom, 1e-12))))
    first, last = math.ceil((window[0] - size / 2) / step), math.floor((window[1] - size / 2) / step)
    return AxisTicks(
        name, tuple((k * step + size / 2, f"{k * step}".replace("-", "−")) for k in range(first, last + 1))
    )


def axis_name(axis: int, names: tuple[str, ...]) -> str:
    """``axis 2``, or its own name when it has one."""
    return names[axis] if axis < len(names) and names[axis] else f"axis {axis}"


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 × 10^k that is at least ``least`` > 0."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))


def _name(layout: Layout, axis: int, names: tuple[str, ...]) -> str:
    if layout.split is not None and axis > layout.split[0]:
        axis -= 1
    return axis_name(axis, names)
