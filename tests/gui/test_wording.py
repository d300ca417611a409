"""Numbers in words: short to look at, whole to copy, cut at their decimal point."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.gui import numbers
from nnscope.gui.dialogs.matching import rank
from nnscope.gui.live import LiveState, told


@given(st.floats())
def test_full_numbers_read_back(value: float) -> None:
    back = float(numbers.full(value))
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.floats())
def test_typed_numbers_are_near_and_short(value: float) -> None:
    text = numbers.typed(value)
    assert len(text) <= 13
    assert float(text) == pytest.approx(value, rel=1e-5, nan_ok=True)


@given(st.floats())
def test_halves_make_the_number(value: float) -> None:
    before, after = numbers.at_point(numbers.shown(value))
    assert before + after == numbers.shown(value)
    assert "." not in before
    assert "e" not in before


def test_counts() -> None:
    assert numbers.count(1234567).replace(numbers.THIN, "_") == "1_234_567"


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("", "Open"),
        ("op", "Open"),
        ("scient", "Scientific mode"),
        ("mode sci", "Scientific mode"),
        ("rstc", "Reset camera"),
    ],
)
def test_commands_are_found(query: str, best: str) -> None:
    names = ["Open", "Scientific mode", "Reset camera", "Next tensor"]
    assert names[rank(query, names)[0]] == best


def test_no_command_for_nonsense() -> None:
    assert rank("zzz", ["Open", "Close"]) == []


def test_what_training_tells() -> None:
    assert (
        told({"step": 12, "loss": 0.5, "accuracy": 0.912, "other": 1}) == "step 12     loss 0.5000     accuracy 91.2%"
    )
    assert told({}) == ""
    assert told({"prediction": "7", "probabilities": (0.25, 0.75)}) == "prediction 7  (75.0%)"
    assert LiveState.of(None) is None
