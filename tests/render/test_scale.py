"""Ticks of colour scales: round, in order, apart, and readable."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nnscope.core.legend import Normalisation
from nnscope.render.scale import brief, labels, nice_step, scale_ticks
from tests.render import building

MINUS = str.maketrans("−", "-")


def _number(text: str) -> float:
    return float(text.translate(MINUS))


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), length=st.floats(60, 400))
def test_linear_ticks(low: float, span: float, length: float) -> None:
    assume(span > abs(low) * 1e-4)
    norm = building.linear(low, low + span)
    ticks = scale_ticks(norm, length, 24)
    places = [u for u, _ in ticks]
    assert all(-1e-6 <= u <= 1 + 1e-6 for u in places)
    assert all((b - a) * length >= 24 - 1e-6 for a, b in itertools.pairwise(places))
    assert len({label for _, label in ticks}) == len(ticks), "labels tell the ticks apart"
    step = nice_step(span / (length / 24))
    assert all(abs(norm.forward(_number(label)) - u) * span < 1e-3 * step for u, label in ticks)


@pytest.mark.parametrize(
    "norm",
    [
        Normalisation("log", "log", 0.0, 0.01, -6.0, 6.0),
        Normalisation("log", "log", 0.0, 1e-20, -60.0, 60.0),
        Normalisation("log", "log", 0.0, 1.0, 0.0, 4.0),
        Normalisation("tanh", "tanh", 0.0, 0.8, -1.0, 1.0),
        Normalisation("tanh", "tanh", 0.3, 1e-5, -1.0, 1.0),
        Normalisation("tanh", "tanh", 0.0, 3.0, -0.5, 0.9),
    ],
    ids=str,
)
def test_curved_ticks(norm: Normalisation) -> None:
    ticks = scale_ticks(norm, 200, 24)
    places = [u for u, _ in ticks]
    assert all(0 <= u <= 1 for u in places)
    assert all((b - a) * 200 >= 24 for a, b in itertools.pairwise(places))
    assert all(norm.forward(_number(label)) == pytest.approx(u, abs=1e-3) for u, label in ticks)


def test_symmetric_scales_have_symmetric_ticks_and_zero() -> None:
    for norm in (building.linear(-3, 3), Normalisation("tanh", "tanh", 0.0, 0.8, -1.0, 1.0)):
        texts = [label for _, label in scale_ticks(norm, 200, 24)]
        assert "0" in texts
        assert {t.lstrip("−") for t in texts} == {t for t in texts if not t.startswith("−")}


def test_tanh_has_no_ticks_where_it_tells_nothing_apart() -> None:
    norm = Normalisation("tanh", "tanh", 0.0, 1.0, -1.0, 1.0)
    assert max(_number(label) for _, label in scale_ticks(norm, 2000, 2)) <= 3


@pytest.mark.parametrize(
    ("least", "step"), [(0.9, 1), (1, 1), (1.1, 2), (2.0000000001, 2), (3, 5), (7e-5, 1e-4), (450, 500)]
)
def test_nice_step(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


@pytest.mark.parametrize(
    ("values", "step", "texts"),
    [
        ([-1, -0.5, 0, 0.5], 0.5, ["−1.0", "−0.5", "0", "0.5"]),
        ([0, 20, 40], 20, ["0", "20", "40"]),
        ([999.75, 999.8], 0.05, ["999.75", "999.80"]),
        ([0, 2e-7, 4e-7], 2e-7, ["0", "2e−7", "4e−7"]),
        ([-2e30, 0], 2e30, ["−2e30", "0"]),
        ([0.2], 0.2, ["0.2"]),
        ([0], 5, ["0"]),
        ([], 1, []),
    ],
    ids=str,
)
def test_labels(values: list[float], step: float, texts: list[str]) -> None:
    assert labels(values, step) == texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.25, "0.25"),
        (-1.23456, "−1.235"),
        (12345.6, "12346"),
        (999.96, "1000"),
        (3.4e38, "3.4e38"),
        (-1.5e-7, "−1.5e−7"),
        (0.001, "0.001"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (100.0, "100"),
    ],
)
def test_brief(value: float, text: str) -> None:
    assert brief(value) == text
