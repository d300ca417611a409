"""Ways to lay a tensor out that the inspector offers. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from nnscope.core.layout import Layout, default_layout, mosaic, planes, volume_layout
from nnscope.scene.ticks import axis_name


@dataclass(frozen=True, slots=True)
class Preset:
    """A layout with its words in the menu."""

    title: str
    layout: Layout


@dataclass(frozen=True, slots=True)
class SliderSpec:
    """A fixed axis: its virtual number, its name, the index it is at, and its size."""

    axis: int
    name: str
    index: int
    size: int


def presets(shape: tuple[int, ...], names: tuple[str, ...], default: Layout) -> list[Preset]:
    """The layouts offered for a shape, the view's default first; no layout twice."""
    offered = [Preset("Default", default)]
    if len(shape) == 1 and shape[0] > 0:
        offered += [Preset("One row", Layout(shape, (), (0,))), Preset("Square grid", _square(shape))]
    if len(shape) == 2:
        offered.append(Preset("Transposed", Layout(shape, (1,), (0,))))
    if len(shape) > 2:
        offered.append(Preset("Kernels side by side" if len(shape) == 4 else "As listed", default_layout(shape)))
        offered.append(Preset("Single plane", planes(shape)))
        if 0 not in shape:
            offered += [Preset(f"Mosaic over {axis_name(a, names)}", mosaic(shape, a)) for a in range(len(shape) - 2)]
        offered.append(Preset("First axis by all others", Layout(shape, (0,), tuple(range(1, len(shape))))))
    seen: set[Layout] = set()
    return [p for p in offered if not (p.layout in seen or seen.add(p.layout))]  # type: ignore[func-returns-value]


def volume_presets(shape: tuple[int, ...], names: tuple[str, ...], default: Layout) -> list[Preset]:
    """The layouts of three dimensions offered for a shape, the view's default first; no layout twice."""
    rank = len(shape)
    if rank < 3 or 0 in shape:
        return [Preset("Default", default)]
    offered = [Preset("Default", default), Preset("Blocks of kernels", volume_layout(shape))]
    offered.append(Preset("Last three axes", with_axes(shape, (rank - 2, rank - 1, rank - 3), default)))
    for axis in range(rank):
        rows, cols = [a for a in range(rank) if a != axis][-2:]
        offered.append(Preset(f"Depth along {axis_name(axis, names)}", with_axes(shape, (rows, cols, axis), default)))
    seen: set[Layout] = set()
    return [p for p in offered if not (p.layout in seen or seen.add(p.layout))]  # type: ignore[func-returns-value]


def transposed(layout: Layout) -> Layout:
    """Rows and columns exchanged."""
    return replace(layout, rows=layout.cols, cols=layout.rows)


def with_axes(shape: tuple[int, ...], axes: tuple[int, ...], kept: Layout) -> Layout:
    """One axis each as rows, columns and, if there is a third, depth.

    Others stay where ``kept`` has them fixed, else at 0.
    """
    at = dict(real_fixed(kept))
    fixed = tuple((a, min(at.get(a, 0), shape[a] - 1)) for a in range(len(shape)) if a not in axes)
    return Layout(shape, axes[:1], axes[1:2], fixed, depth=axes[2:])


def plain_axes(layout: Layout) -> tuple[int, ...] | None:
    """Axes of rows, columns and, if there is one, depth, when each is one whole axis; None for mosaics and grids."""
    if layout.split is None and len(layout.rows) == len(layout.cols) == 1 and len(layout.depth) <= 1:
        return layout.rows[0], layout.cols[0], *layout.depth
    return None


def reassigned(layout: Layout, side: int, axis: int) -> Layout:
    """Rows (side 0), columns (1) or depth (2) along another axis; a side that had it gets what this one had before."""
    rank, sides = len(layout.shape), 3 if layout.depth else 2
    before = plain_axes(layout)
    if before is None:  # merged axes come apart: the last axes that are free go to the other sides
        free = [a for a in (rank - 2, rank - 1, *reversed(range(rank - 2))) if a != axis]
        others = iter(free)
        axes = [axis if at == side else next(others) for at in range(sides)]
    else:
        axes = [before[side] if own == axis else own for own in before]
        axes[side] = axis
    return with_axes(layout.shape, tuple(axes), layout)


def sliders(layout: Layout, names: tuple[str, ...], absorbed: tuple[int, ...] = ()) -> list[SliderSpec]:
    """One for every fixed axis that has more than one index and is not absorbed by the view."""
    sizes, real = layout.virtual_shape, _real_axes(layout)
    return [
        SliderSpec(axis, axis_name(real[axis], names), index, sizes[axis])
        for axis, index in layout.fixed
        if sizes[axis] > 1 and real[axis] not in absorbed
    ]


def real_fixed(layout: Layout) -> list[tuple[int, int]]:
    """(axis of the tensor, index) of what is fixed."""
    real = _real_axes(layout)
    return [(real[axis], index) for axis, index in layout.fixed]


def side_name(layout: Layout, side: tuple[int, ...], names: tuple[str, ...]) -> str:
    """``axis 0 × axis 2``: what the rows or columns are made of."""
    real = _real_axes(layout)
    return " × ".join(axis_name(real[axis], names) for axis in side) or "one"


def _real_axes(layout: Layout) -> list[int]:
    """Axis of the tensor for each virtual axis."""
    if layout.split is None:
        return list(range(len(layout.shape)))
    at = layout.split[0]
    return [a if a <= at else a - 1 for a in range(len(layout.shape) + 1)]


def _square(shape: tuple[int, ...]) -> Layout:
    return Layout(shape, (0,), (1,), (), (0, math.isqrt(shape[0] - 1) + 1))
