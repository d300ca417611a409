"""Levels of volumes and ranges of bricks, against loops over blocks."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.compute.space.voxels import REDUCTIONS, brick_ranges, reduce_block
from nnscope.core.picture import State

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = st.tuples(*(st.integers(1, 9),) * 3)
_ORDER = (np.nan, np.inf, -np.inf)


def _blocks(shape: tuple[int, ...], side: int) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    for at in itertools.product(*(range(-(-n // side)) for n in shape)):
        yield at, tuple(slice(i * side, (i + 1) * side) for i in at)


def _expected(held: np.ndarray, reduction: str) -> tuple[float, int]:
    """Value and state of one block, from its elements that are none of padding."""
    if not held.size:
        return 0.0, State.PADDING
    shown = {"max": [np.inf], "min": [-np.inf], "extremes": [np.inf, -np.inf], "mean": []}[reduction]
    finite = held[np.isfinite(held)]
    for odd in [x for x in (np.inf, -np.inf) if x in shown and (held == x).any()]:
        if finite.size:
            return 0.0, State.POSINF if odd > 0 else State.NEGINF
    if not finite.size:
        if np.isnan(held).any():
            return 0.0, State.NAN
        return 0.0, State.POSINF if (held == np.inf).any() else State.NEGINF
    value = {
        "max": finite.max(),
        "min": finite.min(),
        "extremes": finite[np.argmax(np.abs(finite))],
        "mean": finite.mean(),
    }
    return float(value[reduction]), State.FINITE


@pytest.mark.parametrize("reduction", REDUCTIONS)
@settings(max_examples=30)
@given(shape=SHAPES, side=st.sampled_from([1, 2, 4]), odd=st.floats(0, 0.9), padded=st.booleans(), seed=st.integers(0))
def test_each_voxel_is_its_block(
    reduction: str, shape: tuple[int, int, int], side: int, odd: float, padded: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape).astype(np.float32)
    chosen = rng.random(shape) < (odd if odd > 0.2 else 0)
    x[chosen] = rng.choice(_ORDER, chosen.sum())
    padding = rng.random(shape) < 0.3 if padded else None
    values, states = reduce_block(x, padding, side, reduction)
    states = np.zeros(values.shape, np.uint8) if states is None else states
    for at, block in _blocks(shape, side):
        held = x[block][~padding[block]] if padding is not None else x[block].ravel()
        value, state = _expected(held.astype(np.float64), reduction)
        assert states[at] == state
        assert values[at] == pytest.approx(value, rel=1e-6, abs=1e-7)


@settings(max_examples=30)
@given(shape=SHAPES, brick=st.sampled_from([2, 3, 8]), odd=st.floats(0, 1), seed=st.integers(0))
def test_ranges_hold_the_brick_and_what_touches_it(
    shape: tuple[int, int, int], brick: int, odd: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape).astype(np.float32)
    states = (rng.random(shape) < odd).astype(np.uint8)
    low, high = brick_ranges(values, states, brick)
    for at, _ in _blocks(shape, brick):
        around = tuple(slice(max(0, i * brick - 1), (i + 1) * brick + 1) for i in at)
        held = values[around][states[around] == 0]
        assert low[at] == (held.min() if held.size else np.inf)
        assert high[at] == (held.max() if held.size else -np.inf)


def test_values_beyond_float32_are_its_extremes() -> None:
    values, states = reduce_block(np.full((1, 1, 2), -1e300), None, 2, "mean")
    assert states is None
    assert values.item() == np.finfo(np.float32).min
