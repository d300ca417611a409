"""Raw values to colours: the twin of the shader against the definition in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from nnscope.core.legend import Normalisation
from nnscope.core.picture import State
from nnscope.render.colour import OVER, UNDER, colour_index, colours, mapping, palette
from tests.render import building

CURVED = [
    Normalisation("log", "log", 0.0, 0.01, -5.0, 5.0),
    Normalisation("log", "log", 0.0, 3e-5, 0.0, 9.0),
    Normalisation("tanh", "tanh", 0.0, 0.7, -1.0, 1.0, faithful=False),
    Normalisation("tanh", "tanh", 2.0, 0.1, -0.9, 0.5, faithful=False),
]
STRAIGHT = [
    building.linear(-1.0, 1.0),
    building.linear(0.0, 3.4e38),
    building.linear(-3.4e38, 3.4e38),
    building.linear(1e-37, 2e-37),
    building.linear(1000.0, 1000.01),
    building.linear(-1e-3, 2e6),
    Normalisation("zscore", "identity", 0.31, 1.7, -3.0, 3.0),
    Normalisation("robust", "identity", -700.0, 0.25, -2.0, 2.0),
]


def _index(values: object, norm: Normalisation) -> np.ndarray:
    values = np.atleast_1d(np.asarray(values, np.float32))
    return colour_index(values, np.zeros(values.shape, np.uint8), mapping(norm))


def _names(norm: Normalisation) -> str:
    return f"{norm.name} {norm.domain[0]:.3g} … {norm.domain[1]:.3g}"


@pytest.mark.parametrize("norm", STRAIGHT + CURVED, ids=_names)
def test_every_colour_is_where_the_definition_puts_it(norm: Normalisation) -> None:
    values = np.array([norm.inverse(u) for u in np.linspace(0.001, 0.999, 3000)], np.float32)
    place = 256 * np.array([norm.forward(float(x)) for x in values])
    sure = np.abs(place - np.rint(place)) > 1e-3  # not within rounding of the border between two colours
    sure &= (place > 0) & (place < 256)  # rounding to float32 may leave a narrow domain
    assert sure.sum() > 1500
    assert (_index(values, norm)[sure] == np.floor(place)[sure]).all()


@pytest.mark.parametrize("norm", STRAIGHT + CURVED, ids=_names)
def test_ends_of_the_domain_are_inside(norm: Normalisation) -> None:
    low, high = (np.float32(min(max(end, -3.4e38), 3.4e38)) for end in norm.domain)
    if norm.function == "identity" and float(low) == norm.domain[0]:
        assert _index(low, norm) == 0
    if norm.function == "identity" and float(high) == norm.domain[1]:
        assert _index(high, norm) == 255


@given(
    low=st.floats(-(2.0**100), 2.0**100, width=32),
    high=st.floats(-(2.0**100), 2.0**100, width=32),
    value=st.floats(allow_nan=False, allow_infinity=False, width=32),
)
@example(low=0.0, high=1.0, value=float(np.nextafter(np.float32(1), np.float32(2))))
@example(low=0.0, high=1.0, value=float(np.nextafter(np.float32(0), np.float32(-1))))
@example(low=-0.1, high=0.1, value=0.1)
def test_under_and_over_are_exact(low: float, high: float, value: float) -> None:
    assume(high - low > 1e-30)
    found = int(_index(value, building.linear(low, high))[0])
    assert (found == UNDER) == (value < low)
    assert (found == OVER) == (value > high)


def test_limits_between_two_float32_round_inwards() -> None:
    norm = building.linear(0.1, 0.3)  # neither is a float32
    below, above = np.nextafter(np.array([0.1, 0.3], np.float32), np.array([-1, 1], np.float32))
    assert list(_index([below, above], norm)) == [UNDER, OVER]
    inside = [x for x in np.array([0.1, 0.3], np.float32) if 0.1 <= float(x) <= 0.3]
    assert all(i <= 255 for i in _index(inside, norm))


def test_a_maximum_taken_through_log_and_back_stays_inside() -> None:
    for largest in np.random.default_rng(1).uniform(0.01, 500, 200).astype(np.float32):
        top = math.log1p(float(largest) / 0.37)
        assert _index(largest, Normalisation("log", "log", 0.0, 0.37, -top, top)) == 255


def test_full_tanh_leaves_nothing_outside() -> None:
    ends = np.array([-3.4e38, -1e3, 1e3, 3.4e38], np.float32)
    assert list(_index(ends, CURVED[2])) == [0, 0, 255, 255]


def test_states_go_before_values() -> None:
    values, states = np.zeros(5, np.float32), np.array(list(State), np.uint8)
    drawn = colours(values, states, building.linear(1.0, 2.0), building.style())
    assert drawn.tolist() == list(
        map(list, (building.UNDER, building.NAN, building.POSINF, building.NEGINF, building.PADDING))
    )


def test_palette_holds_the_map_and_what_is_outside() -> None:
    row = palette(building.style())
    assert row.shape == (512, 4)
    assert (row[:256] == building.style().lut).all()
    assert tuple(row[UNDER, :3]) == building.UNDER
    assert tuple(row[OVER, :3]) == building.OVER
    assert (row[:, 3] == 255).all()
