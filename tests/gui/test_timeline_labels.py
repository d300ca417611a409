"""The numbers at the ends of a plot: told apart, whole, and near what they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.gui.timeline.labels import end_labels
from nnscope.scene.numbers import PART, digits_needed

ROOM = 10  # characters


def _fits(text: str) -> bool:
    return len(text) <= ROOM


def _read(text: str) -> float:
    return float(text.replace("−", "-"))


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        pytest.param(-2.7123e11, 3.1e11, ("−2.712e11", "3.1e11"), id="a minus sign and an exponent"),
        pytest.param(2.00411979e-3, 2.00412007e-3, ("0.00200412", "+2.8e-10"), id="a narrow range"),
        pytest.param(0.0, 1.0, ("0", "1"), id="plain"),
        pytest.param(0.03124, 2.3026, ("0.03124", "2.303"), id="a loss"),
        pytest.param(-1.7e308, 1.7e308, ("−1.7e308", "1.7e308"), id="all there is"),
    ],
)
def test_the_ends_of_a_range(low: float, high: float, labels: tuple[str, str]) -> None:
    assert end_labels(low, high, _fits) == labels


@given(st.floats(-1e308, 1e308), st.floats(-1e308, 1e308))
def test_labels_have_room_and_tell_the_ends_apart(one: float, other: float) -> None:
    low, high = sorted((one, other))
    if low == high:
        return
    lower, upper = end_labels(low, high, _fits)
    assert lower != upper
    assert _fits(lower)
    assert _fits(upper)
    if upper.startswith("+"):
        assert _read(upper) == pytest.approx(high - low, rel=1e-2)
        return
    for end, label in ((low, lower), (high, upper)):
        assert abs(_read(label) - end) <= (high - low) / PART or digits_needed(low, high) == 1
