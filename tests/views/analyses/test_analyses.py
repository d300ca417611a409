"""Every analysis answers a request: settings are checked, refusals are sentences, results are remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.core.answer import Analysis
from nnscope.core.errors import NnscopeError
from nnscope.core.request import Analyse
from nnscope.engine import wire
from nnscope.views.analyses.registry import find_method
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.tensor import Tensor
    from nnscope.views.analyses.base import Method

    Make = Callable[[np.ndarray], Tensor]

SHAPES = [(12, 12), (3, 12, 12), (2, 3, 8, 8), (5, 7), (6, 5, 4), (4, 3, 3, 3), (16,), (1, 1), (0, 3)]


def attention(*shape: int) -> np.ndarray:
    weights = np.random.default_rng(0).random(shape, np.float32)
    return weights / np.maximum(weights.sum(-1, keepdims=True), 1e-9)


LIVE = ("sensitivity", "jacobian-top")  # of a module at work: tests/engine/test_sensitivity.py


@pytest.mark.parametrize(
    "method", [m for m in nnscope.analyses() if m.name not in LIVE], ids=lambda method: method.name
)
def test_it_answers_what_it_does_not_refuse(tensor: Make, method: Method) -> None:
    answered = 0
    for shape in SHAPES:
        values = tensor(attention(*shape))
        if method.refuses(values.info):
            with pytest.raises(NnscopeError):
                values.analyse(method.name)
            continue
        found = values.analyse(method.name)
        answered += 1
        assert isinstance(found, Analysis)
        assert found.method == method.name
        assert found.arrays
        assert dict(found.facts).keys() >= {setting.name for setting in method.settings}
        for name, array in found.arrays.items():
            assert not np.isnan(array).any(), (shape, name)
    assert answered


@pytest.mark.parametrize(
    "method", [m for m in nnscope.analyses() if m.name not in (*LIVE, "octree-leaves")], ids=lambda method: method.name
)
def test_not_a_number_spoils_nothing(tensor: Make, method: Method) -> None:
    for shape in SHAPES:
        values = attention(*shape)
        if values.size:
            values.flat[:: max(1, values.size // 7)] = np.nan
            values.flat[values.size // 2] = np.inf
        made = tensor(values)
        if not method.refuses(made.info):
            for name, array in made.analyse(method.name).arrays.items():
                assert np.isfinite(array).all(), (shape, name)


def test_names_are_words_with_dashes_and_titles_short() -> None:
    for method in nnscope.analyses():
        assert method.name == method.name.lower().replace(" ", "-").replace("_", "-")
        assert 0 < len(method.title) <= 60
        for setting in method.settings:
            assert setting.checked(setting.default) == setting.default


def test_the_answer_travels() -> None:
    arrays = {"weights": np.arange(6.0).reshape(2, 3), "masked": np.array([True, False])}
    answer = Analysis("a", "m", arrays, (("head", 1), ("mode", "plain")), 3)
    sent = wire.encode(wire.Reply(1, answer))
    back = wire.decode(sent)
    assert isinstance(back, wire.Reply)
    assert isinstance(back.answer, Analysis)
    assert back.answer.facts == answer.facts
    assert all((back.answer.arrays[name] == array).all() for name, array in arrays.items())
    asked = wire.decode(wire.encode(wire.Ask(1, Analyse("a", "m", (("head", 1),)))))
    assert asked == wire.Ask(1, Analyse("a", "m", (("head", 1),)))


@pytest.mark.parametrize("arrays", [{"a": "text"}, {1: np.zeros(2)}, [np.zeros(2)]], ids=["words", "number", "list"])
def test_what_is_no_dictionary_of_arrays_is_refused(arrays: object) -> None:
    broken = Analysis("a", "m", arrays)  # type: ignore[arg-type]
    with pytest.raises(wire.WireError):
        wire.decode(wire.encode(wire.Reply(1, broken)))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"heads": 1}, "no setting 'heads'"),
        ({"head": "first"}, "no whole number"),
        ({"head": 1.5}, "no whole number"),
        ({"head": True}, "no whole number"),
        ({"head": 99}, "no head 99"),
        ({"levels": -1}, "out of range"),
        ({"mode": "odd"}, "no choice 'odd'"),
    ],
    ids=str,
)
def test_wrong_settings_are_told(tensor: Make, settings: dict[str, object], says: str) -> None:
    with pytest.raises(NnscopeError, match=says):
        tensor(attention(3, 8, 8)).analyse("attention-recursion", **settings)  # type: ignore[arg-type]


def test_numbers_must_be_numbers() -> None:
    share = Setting("share", 0.5, 0.0, 1.0)
    assert share.checked(1) == 1.0
    for wrong in (float("nan"), 2.0, -1, "x", None):
        with pytest.raises(NnscopeError):
            share.checked(wrong)


def test_an_unknown_analysis_is_told_with_those_there_are(tensor: Make) -> None:
    with pytest.raises(NnscopeError, match="no analysis of this name") as told:
        tensor(attention(8, 8)).analyse("magic")
    assert "attention-recursion" in str(told.value)
    with pytest.raises(NnscopeError):
        find_method("magic")
