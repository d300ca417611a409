"""Layout presets, sliders and the histogram's scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.layout import default_layout, volume_layout
from nnscope.core.statistics import TensorStats
from nnscope.gui.inspector.presets import (
    plain_axes,
    presets,
    real_fixed,
    reassigned,
    sliders,
    transposed,
    volume_presets,
    with_axes,
)
from nnscope.gui.inspector.rows import NOTHING, sample_note, stat_rows
from nnscope.gui.inspector.scale import column_heights, nice_ticks, scale_for
from nnscope.gui.inspector.spectrum_plot import bar_shares

shapes = st.lists(st.integers(0, 6), min_size=0, max_size=5).map(tuple)


def stats_of(values: np.ndarray) -> TensorStats:
    finite = values[np.isfinite(values)].astype(float)
    lo, hi = (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
    bins = np.zeros(256, np.int64)
    if finite.size:
        share = (finite / 2 - lo / 2) / (hi / 2 - lo / 2 or 1.0)
        bins = np.bincount(np.clip((share * 256).astype(int), 0, 255), minlength=256)
    mean = float((finite / max(1, finite.size)).sum()) if finite.size else math.nan
    return TensorStats(
        values.size, finite.size, 0, 0, 0, 0, 0, 0, lo, hi, mean, 1.0, 1.0, 1.0, bins, mean, 0.1, 0.1
    )  # fmt: skip


@given(shapes)
def test_presets_are_layouts_of_the_shape_and_differ(shape: tuple[int, ...]) -> None:
    offered = presets(shape, (), default_layout(shape))
    assert offered[0].title == "Default"
    assert all(preset.layout.shape == shape for preset in offered)
    assert len({preset.layout for preset in offered}) == len(offered)


@given(shapes)
def test_transposing_twice_changes_nothing(shape: tuple[int, ...]) -> None:
    layout = default_layout(shape)
    assert transposed(transposed(layout)) == layout
    assert transposed(layout).grid == layout.grid[::-1]


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5).map(tuple), st.data())
def test_any_two_axes_can_be_the_picture(shape: tuple[int, ...], data: st.DataObject) -> None:
    row, column = data.draw(st.permutations(range(len(shape))))[:2]
    layout = with_axes(shape, (row, column), default_layout(shape))
    assert layout.grid == (shape[row], shape[column])
    assert plain_axes(layout) == (row, column)
    assert {spec.axis for spec in sliders(layout, ())} == {
        a for a in range(len(shape)) if a not in (row, column) and shape[a] > 1
    }


@given(st.lists(st.integers(1, 6), min_size=3, max_size=5).map(tuple), st.data())
def test_an_axis_that_lies_elsewhere_changes_places(shape: tuple[int, ...], data: st.DataObject) -> None:
    start = data.draw(st.sampled_from([preset.layout for preset in volume_presets(shape, (), volume_layout(shape))]))
    side, axis = data.draw(st.integers(0, 2)), data.draw(st.integers(0, len(shape) - 1))
    before, after = plain_axes(start), plain_axes(reassigned(start, side, axis))
    assert after is not None
    assert after[side] == axis
    assert len(set(after)) == 3
    if before is not None and axis in before:
        assert sorted(after) == sorted(before)
        assert after[before.index(axis)] == before[side]


def test_sliders_speak_of_the_tensors_axes() -> None:
    layout = default_layout((2, 40, 20, 30))  # channels in a mosaic: one virtual axis more
    assert real_fixed(layout) == [(0, 0)]
    assert [(s.name, s.size) for s in sliders(layout, ("batch", "channels", "y", "x"))] == [("batch", 2)]


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.linspace(-1, 1, 99), None),
        (np.linspace(-1, 1, 99), (-0.5, 0.5)),
        (np.linspace(-1, 1, 99), (-1e30, 1e30)),
        (np.full(9, 3.0), (0.0, 9.0)),
        (np.zeros(4), None),
        (np.full(4, np.nan), (0.0, 1.0)),
        (np.zeros(0), None),
        (np.array([-1.7e308, 1.7e308]), None),
        (np.array([5e-324, 1e-323]), None),
    ],
    ids=["plain", "inside", "far", "constant", "zero", "nan", "empty", "huge", "denormal"],
)
def test_scale_is_finite_and_goes_both_ways(values: np.ndarray, limits: tuple[float, float] | None) -> None:
    stats = stats_of(values)
    scale = scale_for(stats, limits, 6, 200)
    assert math.isfinite(scale.lo)
    assert math.isfinite(scale.hi)
    assert scale.lo < scale.hi
    if scale.hi - scale.lo > 1e-300:  # below there are fewer numbers than pixels
        for pixel in (6.0, 100.0, 206.0):
            assert scale.pixel(scale.value(pixel)) == pytest.approx(pixel, abs=1)
    ticks = nice_ticks(scale)
    assert len(ticks) <= 6
    assert all(scale.lo <= tick <= scale.hi for tick in ticks)
    heights = column_heights(stats, scale, 200, log=False)
    assert heights.shape == (200,)
    assert np.isfinite(heights).all()


def test_the_tallest_bin_is_seen() -> None:
    values = np.concatenate([np.zeros(1000), np.linspace(-1, 1, 50)])
    stats = stats_of(values)
    scale = scale_for(stats, None, 0, 100)
    linear, log = (column_heights(stats, scale, 100, flag) for flag in (False, True))
    assert linear.max() == log.max() == 1
    assert abs(int(np.argmax(linear)) - 50) <= 1
    assert (log >= linear - 1e-12).all()


@given(st.lists(st.floats(0, 1e30), max_size=20))
def test_bars_of_singular_values_fit(values: list[float]) -> None:
    for log in (False, True):
        assert all(0 <= share <= 1 for share in bar_shares(sorted(values, reverse=True), log))


def test_rows_without_and_with_statistics() -> None:
    assert {row.short for row in stat_rows(None)} == {NOTHING}
    rows = {row.name: row for row in stat_rows(stats_of(np.array([0.1, 0.2])))}
    assert rows["max"].full == "0.2"
    assert rows["NaN"].full == "0 of 2 (0.000%)"
    assert sample_note(None) == ""
